"""How commands write what others have written, times and speeds."""

import unicodedata
from typing import Final

from rich.markup import escape

from racing_coach_server.telemetry.schemas import StoredLap

_NOT_SHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what is no sign to look at: it may move the cursor, colour the terminal, turn lines round."""

_KMH: Final = 3.6


def plain(text: str) -> str:
    r"""Text of a rig or a file, without what a terminal would obey.

    >>> plain("Spa\x1b[2J\nNord")
    'Spa\\x1b[2J\\nNord'
    """
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in _NOT_SHOWN else one for one in text
    )


def shown(text: str | None) -> str:
    r"""The same, for a table: what is in brackets is no markup of ours.

    >>> shown("[red]Hairpin[/]")
    '\\[red]Hairpin\\[/]'
    """
    return escape(plain(text or ""))


def loss(seconds: float) -> str:
    """A difference of times in s, with its sign; what rounds to nothing has none.

    >>> loss(0.1234), loss(-0.5), loss(-0.0004)
    ('+0.123', '-0.500', '0.000')
    """
    rounded = round(seconds, 3)
    return f"{rounded:+.3f}" if rounded else "0.000"


def number(value: float | None, digits: int = 0) -> str:
    """A measured value; what the channels do not tell is a dash.

    >>> number(812.44), number(None), number(0.123, 2)
    ('812', '-', '0.12')
    """
    return "-" if value is None else f"{value:,.{digits}f}"


def speed(metres_per_second: float | None) -> str:
    """A speed in km/h.

    >>> speed(50.0), speed(None)
    ('180', '-')
    """
    return number(None if metres_per_second is None else metres_per_second * _KMH)


def driver(lap: StoredLap) -> str:
    """Who drove, as people know them: by name, else by id, else by the rig."""
    return lap.session.driver_name or lap.session.driver_id or lap.rig_id


def track(lap: StoredLap) -> str:
    """Track and configuration, for people."""
    config = lap.session.track_config_name
    return f"{lap.session.track_name} ({config})" if config else lap.session.track_name


def count(number: int, noun: str) -> str:
    """How many.

    >>> count(1, "lap"), count(1200, "lap")
    ('1 lap', '1,200 laps')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
