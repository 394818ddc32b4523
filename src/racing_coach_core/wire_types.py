"""The types of single values on the wire, as pydantic checks them."""

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints

from racing_coach_core.channels import CHANNEL_BY_NAME

TIMESTAMP_PATTERN: Final = (
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"
    r"(Z|[+-](0\d|1[0-4]):[0-5]\d)?$"
)
"""ISO 8601 date and time as the wire has it; more than six decimals are cut to microseconds."""

_TIMESTAMP_RE: Final = re.compile(TIMESTAMP_PATTERN, re.ASCII)
_FLOAT32_BOUND: Final = math.nextafter(2.0**128 - 2.0**103, 0.0)
"""The largest float64 that rounds to a finite float32 (IEEE 754, round half to even)."""


def parse_timestamp(value: object) -> datetime:
    """Read a wire timestamp; one without an offset is UTC.

    Raises:
        ValueError: not a timestamp of the form `TIMESTAMP_PATTERN`, or no date of the calendar.
    """
    if isinstance(value, str):
        if not _TIMESTAMP_RE.match(value):
            raise ValueError("not an ISO 8601 timestamp such as 2026-05-01T12:00:00.016667+00:00")
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError("not an ISO 8601 timestamp")  # noqa: TRY004 (pydantic reports ValueError)
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from error


def _none(_: float) -> None:
    """A number that cannot be stored counts as no value."""


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character U+0000")
    return value


def _id_to_text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _positive_or_none(value: float | None) -> float | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError("must be a finite number or null")
    return value if value > 0 else None


_StrictFloat = Annotated[float, Strict()]
type Timestamp = Annotated[datetime, BeforeValidator(parse_timestamp)]
type Real = Annotated[_StrictFloat, Field(ge=-_FLOAT32_BOUND, le=_FLOAT32_BOUND, allow_inf_nan=False)]
type Double = Annotated[_StrictFloat, Field(allow_inf_nan=False)]
type _NotStorable = Annotated[_StrictFloat, AfterValidator(_none)]
# Tried from left to right, so that a good value costs no call into Python.
type OptionalReal = Annotated[Real | _NotStorable | None, Field(union_mode="left_to_right")]
type OptionalDouble = Annotated[Double | _NotStorable | None, Field(union_mode="left_to_right")]
type OptionalBool = Annotated[bool, Strict()] | None
type Text = Annotated[str, StringConstraints(max_length=256), AfterValidator(_no_nul)]
type Identifier = Annotated[
    str,
    BeforeValidator(_id_to_text),
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_no_nul),
]
type LapTime = Annotated[_StrictFloat | None, AfterValidator(_positive_or_none)]
"""Seconds; null, zero and negative mean unknown, as in iRacing."""


def bounded(name: str) -> Any:
    """The range and the strictness of an integer channel."""
    channel = CHANNEL_BY_NAME[name]
    return Field(ge=channel.minimum, le=channel.maximum, strict=True)
