"""What a request may ask with: text and moments that the database can be asked for."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _without_nul(text: str) -> str:
    """PostgreSQL has no text with U+0000, so none is stored."""
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    return text


def _in_utc(when: datetime) -> datetime:
    """The first and the last day of all have hours that are in no year of UTC."""
    try:
        return when.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from error


type StorableText = Annotated[str, AfterValidator(_without_nul)]
type Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""With its offset to UTC."""
