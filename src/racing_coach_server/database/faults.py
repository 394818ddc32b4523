"""Whose fault a database error is."""

import asyncio
import re
from collections.abc import Iterator
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidRequestError, ResourceClosedError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from racing_coach_core.exceptions import Fault, RacingCoachError

_WORLD_CLASSES: Final = frozenset(
    {
        "08",  # connection exceptions
        "28",  # wrong password or pg_hba.conf: the operator's, and the lap can wait for it
        "3D",  # the database does not exist
        "40",  # deadlock, serialization failure
        "53",  # disk full, out of memory, too many connections
        "55",  # object in use, lock not available
        "57",  # shutdown, crash recovery, statement cancelled
        "58",  # system error: I/O
    }
)
_WORLD_STATES: Final = frozenset(
    {
        "23503",  # what a row belongs to, there a moment ago, was deleted just now
        "25006",  # read-only: a standby, or a failover under way
        "25P03",  # idle in transaction for too long: we were stopped in the middle
        "25P04",  # a transaction may not take so long
        "26000",  # no such prepared statement: a pooler in between hands out another connection
        "42501",  # a missing grant
        "42P01",  # a missing table: the schema is not what we migrated to
        "42703",  # a missing column
        "42P05",  # such a prepared statement exists: the pooler again
        "XX001",  # data corrupted
        "XX002",  # index corrupted
    }
)
_OF_ANOTHER_SCHEMA: Final = frozenset({"42P01", "42703"})  # no such table, no such column
_SENDER_CLASSES: Final = frozenset(
    {
        "22",  # data exceptions: a value that the column cannot hold
        "23",  # constraint violations
        "54",  # program limits: too long for an index, too many columns
    }
)


def fault_of(error: BaseException) -> Fault:
    """Tell the sender's fault, the world's and our own apart.

    SQLSTATEs are PostgreSQL's (documentation, appendix A).
    """
    if isinstance(error, RacingCoachError):
        return error.fault
    for link in _chain(error):
        state = getattr(link, "sqlstate", None)
        if isinstance(state, str):
            return _fault_of_state(state)
        if is_want_of_memory(link) or isinstance(
            link,
            OSError
            | asyncio.TimeoutError
            | EOFError
            | PoolTimeoutError
            | asyncpg.InterfaceError
            | asyncpg.InternalClientError,
        ):
            return Fault.WORLD
    if isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error, InterfaceError)):
        return Fault.WORLD
    # SQLAlchemy's words for "the connection went away while the session was using it".
    if isinstance(error, ResourceClosedError | InvalidRequestError) and "invalid" in str(error):
        return Fault.WORLD
    return Fault.BUG


def is_want_of_memory(error: BaseException) -> bool:
    """Whether there was no memory, for data or for a thread; Arrow's own error is a `MemoryError` too."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "start new thread" in str(error))


def is_lock_wait(error: BaseException) -> bool:
    """Whether the work waited too long for a lock that somebody else has: the database itself is well."""
    return any(getattr(link, "sqlstate", None) == "55P03" for link in _chain(error))


def is_deadlock(error: BaseException) -> bool:
    """Whether the server broke the work off since it and another's waited for each other; tried again, it is well."""
    return any(getattr(link, "sqlstate", None) == "40P01" for link in _chain(error))


def is_too_slow(error: BaseException) -> bool:
    """Whether a statement took longer than it may."""
    return any(getattr(link, "sqlstate", None) == "57014" for link in _chain(error))


def is_read_only(error: BaseException) -> bool:
    """Whether something was to be written where nothing may be."""
    return any(getattr(link, "sqlstate", None) == "25006" for link in _chain(error))


def may_be_poison(error: BaseException) -> bool:
    """Whether a failure in the middle of the work may be the message's own doing.

    A connection that died or a statement that timed out: once it is an outage, ten times in a row with the
    same message it is the message. A full disk or a read-only server never is.
    """
    for link in _chain(error):
        state = getattr(link, "sqlstate", None)
        if isinstance(state, str):
            return state[:2] == "08" or state in {"25P04", "57014", "57P02"}
    return True


def _fault_of_state(state: str) -> Fault:
    if state in _WORLD_STATES or state[:2] in _WORLD_CLASSES:
        return Fault.WORLD
    return Fault.SENDER if state[:2] in _SENDER_CLASSES else Fault.BUG


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, outermost first; SQLAlchemy keeps the driver's in `orig`."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        link = queue.pop(0)
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        queue += [getattr(link, "orig", None), link.__cause__, link.__context__]


def in_words(error: BaseException) -> str:
    """What went wrong, in one line and in words for who runs the daemon.

    The driver's own sentence, without SQLAlchemy's wrapping. The name of a class is there only where the failure is a
    bug of ours, and is to be reported.
    """
    orig = getattr(error, "orig", None)
    cause = (orig.__cause__ or orig) if isinstance(orig, BaseException) else error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: is it running, and is that its port?"
    if isinstance(cause, TimeoutError | PoolTimeoutError):
        return "no answer in time"
    lines = re.sub(r"\[Errno -?\d+\] ", "", str(cause)).strip().splitlines()
    if fault_of(error) is Fault.BUG:
        return f"{type(cause).__name__}: {lines[0]}" if lines else type(cause).__name__
    if getattr(cause, "sqlstate", None) in _OF_ANOTHER_SCHEMA and lines:
        return f"{lines[0]}: a daemon that starts brings the tables to its version, as does `racing-coach db upgrade`"
    return lines[0] if lines else "the connection was lost"
