"""What of a lap's frames can be asked for, and as what."""

from enum import StrEnum
from typing import Final

from racing_coach_core.channels import CHANNEL_BY_NAME
from racing_coach_server.web.exceptions import BadQueryError


class ColumnFormat(StrEnum):
    """As what a lap's frames are sent."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


MEDIA_TYPES: Final = {
    ColumnFormat.JSON: "application/json",
    ColumnFormat.CSV: "text/csv",
    ColumnFormat.ARROW: "application/vnd.apache.arrow.stream",
    ColumnFormat.PARQUET: "application/vnd.apache.parquet",
}


def channel_names(asked: str | None) -> list[str]:
    """The channels that are asked for, in the order of the table; all of them for None.

    Raises:
        BadQueryError: one that there is not.
    """
    if asked is None:
        return list(CHANNEL_BY_NAME)
    names = {name.strip() for name in asked.split(",") if name.strip()}
    if unknown := sorted(names - set(CHANNEL_BY_NAME)):
        raise BadQueryError("channels", f"there is no channel {', '.join(repr(one) for one in unknown)}")
    if not names:
        raise BadQueryError("channels", "names no channel")
    return [name for name in CHANNEL_BY_NAME if name in names]
