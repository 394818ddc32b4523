"""A transaction ends as its block does, and leaves nothing of it on the connection."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from tests.server.support import Stored
from tests.waiting import eventually

from racing_coach_server.database.driver import driver_of
from racing_coach_server.database.engine import Database
from racing_coach_server.rejected.models import RejectedMessage

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_OPEN = "select count(*) from pg_stat_activity where state like 'idle in transaction%' and datname = current_database()"


def rejected(topic: str) -> RejectedMessage:
    return RejectedMessage(
        topic=topic,
        reason="no lap",
        errors=[],
        payload=b"{",
        payload_sha256="0" * 64,
        received_at=_NOW,
        last_received_at=_NOW,
    )


def handed_out(database: Database) -> int:
    """Connections that somebody has."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


async def test_what_was_added_and_never_flushed_is_committed(database: Database, stored: Stored) -> None:
    """As with a session of its own transaction; what is changed and what is taken away, too."""
    async with database.transaction() as session:
        session.add_all([rejected("one"), rejected("two")])
    async with database.transaction() as session:
        one = (await session.scalars(select(RejectedMessage).where(RejectedMessage.topic == "one"))).one()
        one.reason = "changed"
    async with database.transaction() as session:
        two = (await session.scalars(select(RejectedMessage).where(RejectedMessage.topic == "two"))).one()
        await session.delete(two)
    rows = await stored.query("select topic, reason from rejected_messages")
    assert [tuple(row) for row in rows] == [("one", "changed")]
    assert one.reason == "changed"  # and can be read without a session
    assert handed_out(database) == 0


async def test_a_block_that_raises_leaves_nothing(database: Database, stored: Stored) -> None:
    """Neither what was flushed nor what was not, nor a transaction."""
    with pytest.raises(RuntimeError, match="no commit"):  # noqa: PT012 (the block is the transaction)
        async with database.transaction() as session:
            session.add(rejected("one"))
            await session.flush()
            session.add(rejected("two"))
            raise RuntimeError("no commit")
    assert await stored.value("select count(*) from rejected_messages") == 0
    assert (handed_out(database), await stored.value(_OPEN)) == (0, 0)


async def test_one_that_is_cancelled_in_the_middle_of_a_statement_leaves_nothing(
    database: Database, stored: Stored
) -> None:
    """The connection is given back, or up, and the next transaction has a sound one."""

    async def work() -> None:
        async with database.transaction() as session:
            session.add(rejected("one"))
            await session.flush()
            await session.execute(text("select pg_sleep(30)"))

    task = asyncio.create_task(work(), name="works")
    sleeps = "select count(*) from pg_stat_activity where query like 'select pg_sleep(30)%' and state = 'active'"
    await eventually(lambda: stored.value(sleeps))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: handed_out(database) == 0)

    async def is_over() -> bool:
        return not (await stored.value(sleeps) or await stored.value(_OPEN))

    await eventually(is_over)
    async with database.transaction() as session:
        assert (await session.execute(text("select count(*) from rejected_messages"))).scalar_one() == 0


async def test_a_commit_that_fails_is_told_and_leaves_nothing(database: Database, stored: Stored) -> None:
    """As one does that checks what was put off to it."""
    await stored.query(
        "create table one_each (number int unique deferrable initially deferred)",
    )
    with pytest.raises((DBAPIError, asyncpg.UniqueViolationError)):
        async with database.transaction() as session:
            await (await driver_of(session)).execute("insert into one_each values (1), (1)")
    assert (handed_out(database), await stored.value(_OPEN)) == (0, 0)
    async with database.transaction() as session:
        await (await driver_of(session)).execute("insert into one_each values (1)")
    assert await stored.value("select count(*) from one_each") == 1


async def test_a_connection_that_died_in_the_middle_is_given_to_nobody(database: Database, stored: Stored) -> None:
    """Its error is told, and the next transaction has another one."""
    with pytest.raises((DBAPIError, asyncpg.PostgresError, OSError)):  # noqa: PT012 (the block is the transaction)
        async with database.transaction() as session:
            backend = (await session.execute(text("select pg_backend_pid()"))).scalar_one()
            await stored.query("select pg_terminate_backend($1)", backend)
            await session.execute(text("select 1"))
    assert handed_out(database) == 0
    async with database.transaction() as session:
        assert (await session.execute(text("select pg_backend_pid()"))).scalar_one() != backend
