"""Where a page of laps ended, as text that is handed out and comes back."""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from racing_coach_server.telemetry.exceptions import InvalidCursorError

type Value = str | float | datetime | UUID


def to_cursor(search: str, place: tuple[Value, ...]) -> str:
    """Write a place down.

    Args:
        search: names the order of the list; the cursor is good for no other.
        place: what the list is sorted by, of the last lap on the page.
    """
    return base64.urlsafe_b64encode(msgspec.json.encode([search, *place])).decode().rstrip("=")


def from_cursor(cursor: str, search: str, kinds: tuple[type[Value], ...]) -> tuple[Value, ...]:
    """Read it again.

    Args:
        cursor: what `to_cursor` wrote, or anything that somebody has sent.
        search: names the order of the list.
        kinds: of the values that it is sorted by.

    Raises:
        InvalidCursorError: it is none, or one of another list.
    """
    try:
        written = msgspec.json.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if not isinstance(written, list) or written[0] != search:
            raise InvalidCursorError(cursor)
        return tuple(_value(value, kind) for value, kind in zip(written[1:], kinds, strict=True))
    except (binascii.Error, msgspec.MsgspecError, ValueError, OverflowError, RecursionError, IndexError) as error:
        raise InvalidCursorError(cursor) from error


def _value(written: object, kind: type[Value]) -> Value:
    """One of the place, such as the database can be asked for."""
    value = msgspec.convert(written, kind, strict=kind is not float)
    match value:
        case str() if "\x00" in value:
            raise ValueError("no stored text has it")
        case datetime():
            return value.astimezone(UTC)
        case _:
            return value
