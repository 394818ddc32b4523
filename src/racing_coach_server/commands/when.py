"""Times as operators write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from racing_coach_server.exceptions import CommandError

WHEN: Final = "2026-05-01, 2026-05-01T12:00 (both UTC), or so long ago: 30min, 12h, 7d, 2w"

_AGO: Final = re.compile(r"(\d{1,6})(min|h|d|w)", re.ASCII)
_UNITS: Final = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def when(option: str, text: str | None) -> datetime | None:
    """Read a time; None if none is given.

    Raises:
        CommandError: it is none.
    """
    if text is None:
        return None
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{option} {text!r} is no time such as {WHEN}") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
