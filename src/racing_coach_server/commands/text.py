"""How commands write what others have written, times and speeds."""

import json
import unicodedata
from datetime import datetime
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


def in_json(document: str) -> str:
    r"""The same JSON, with escapes for what a terminal would obey: serialisers write some of it as it is.

    >>> print(in_json('{"driver_name": "\x9b2J"}'))
    {"driver_name": "\u009b2J"}
    """
    if document.replace("\n", "").isprintable():
        return document
    return "".join(
        json.dumps(one)[1:-1] if one != "\n" and unicodedata.category(one) in _NOT_SHOWN else one for one in document
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


_PLACES: Final = {"degrees": 6}
"""Decimals that a unit needs for more than noise: of a degree, a tenth of a metre. Others have three."""


def measured(value: object, unit: str) -> str:
    """A channel's value, without the noise of 32 bits.

    >>> measured(-1.397e-09, "rad"), measured(61.20000076293945, "m/s"), measured(50.1234567, "degrees")
    ('0', '61.2', '50.123457')
    """
    if not isinstance(value, float):
        return str(value)
    written = f"{value:,.{_PLACES.get(unit, 3)}f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def speed(metres_per_second: float | None) -> str:
    """A speed in km/h.

    >>> speed(50.0), speed(None)
    ('180', '-')
    """
    return number(None if metres_per_second is None else metres_per_second * _KMH)


def moment(at: datetime) -> str:
    """A time on this machine's clock, with its zone: 2026-05-01 12:30Z, or 2026-05-01 14:30+02:00."""
    here = at.astimezone()
    return f"{here:%Y-%m-%d %H:%M}{'Z' if not here.utcoffset() else f'{here:%:z}'}"


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
