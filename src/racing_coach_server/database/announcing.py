"""What others hear of a commit: PostgreSQL's NOTIFY, sent by the statement that stores.

It is part of that statement, so it costs no round trip; of that transaction, so nothing is heard that is not committed;
and it says only which row, so whoever hears of it reads what is there.
"""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Text, cast, func, select

CHANNEL: Final = "racing_coach"
"""What to LISTEN to."""


class Announced(StrEnum):
    """Of what a row is."""

    LAP = "lap"
    COACHING = "coaching"
    REJECTED = "rejected"
    RIG = "rig"
    """What is stored of a rig changed otherwise: laps were taken away, or relabelled."""


def announcing(
    stored: FromClause, what: Announced, key: ColumnElement[Any], *columns: ColumnElement[Any]
) -> Select[Any]:
    """A statement that stores rows and announces them; it returns these columns of each.

    Args:
        stored: the insert or update, with what it returns.
        what: its rows are.
        key: says which row it is.
        columns: of `stored`.
    """
    payload = func.concat(f"{what.value}:", cast(key, Text))
    return select(*columns, func.pg_notify(CHANNEL, payload)).select_from(stored)


def announce(what: Announced, keys: Select[Any]) -> Select[Any]:
    """A statement that announces rows by the one column of a query."""
    rows = keys.subquery("announced")
    (key,) = rows.c
    return announcing(rows, what, key)


def announcement(payload: str) -> tuple[Announced, str] | None:
    """What a notification says, None if it is none of ours.

    >>> announcement("lap:6f1c")
    (<Announced.LAP: 'lap'>, '6f1c')
    >>> announcement("something else") is None
    True
    """
    kind, colon, key = payload.partition(":")
    return (Announced(kind), key) if colon and kind in Announced else None
