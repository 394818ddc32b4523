"""BEGIN finds out what the pool does not know: that a connection is dead."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession
from tests.server.support import Stored, execute
from tests.waiting import eventually

from racing_coach_core.exceptions import Fault
from racing_coach_server.database import beginning
from racing_coach_server.database.beginning import START_TRANSACTION, LostBeforeItBeganError
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import fault_of
from racing_coach_server.database_settings import DatabaseSettings

_OURS = "application_name like 'begins %' and datname = current_database()"


@pytest.fixture
async def pooled(database_url: str) -> AsyncIterator[Database]:
    """A database with two connections in its pool."""
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    settings = DatabaseSettings.model_validate({"url": plain})
    database = Database(create_engine(settings, pool_size=2, application="begins"))
    async with database.transaction(), database.transaction():
        pass
    yield database
    await database.close()


async def backend(database: Database) -> int:
    """The server's process behind the connection that is used next."""
    async with database.transaction() as session:
        return await _backend(session)


async def backends(database: Database) -> set[int]:
    """The server's processes behind all connections of the pool."""
    async with database.transaction() as one, database.transaction() as other:
        return {await _backend(one), await _backend(other)}


async def _backend(session: AsyncSession) -> int:
    return int((await session.execute(text("select pg_backend_pid()"))).scalar_one())


def test_the_name_is_still_there() -> None:
    """A release of SQLAlchemy that moves or removes it fails here."""
    assert hasattr(AsyncAdapt_asyncpg_connection, START_TRANSACTION)


async def test_a_transaction_has_begun_before_its_first_statement(pooled: Database, stored: Stored) -> None:
    """And is committed or rolled back though it has none."""
    async with pooled.transaction():
        assert await stored.value(f"select state from pg_stat_activity where {_OURS} and query = 'BEGIN;'") == (
            "idle in transaction"
        )
    assert await stored.value(f"select count(*) from pg_stat_activity where {_OURS} and state <> 'idle'") == 0


async def test_a_connection_that_is_known_to_have_ended_is_not_handed_out(pooled: Database, stored: Stored) -> None:
    """The server said so while it lay in the pool."""
    before = await backends(pooled)
    await _end_all(stored.url)
    await asyncio.sleep(0.1)  # read by the event loop
    assert not await backends(pooled) & before


async def test_one_that_ended_unnoticed_costs_another_begin(
    pooled: Database, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the event loop has not read is found by BEGIN, and nobody else hears of it."""
    sent = []
    send = beginning.send_begin

    async def noting(connection: object) -> None:
        sent.append(connection)
        await send(connection)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr("racing_coach_server.database.engine.send_begin", noting)
    thread = threading.Thread(target=lambda: asyncio.run(_end_all(stored.url)))
    thread.start()
    thread.join()  # the event loop stands still meanwhile
    await backend(pooled)
    assert len(sent) == 2


async def test_a_server_that_ends_every_connection_is_waited_for_as_ever(
    pooled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice at once, and then whoever asked deals with it, as with any trouble of the database's."""

    async def failing(_connection: object) -> None:
        raise LostBeforeItBeganError

    monkeypatch.setattr("racing_coach_server.database.engine.send_begin", failing)
    with pytest.raises(LostBeforeItBeganError) as caught:
        await backend(pooled)
    assert fault_of(caught.value) is Fault.WORLD


async def test_a_begin_that_nobody_waits_for_any_more_leaves_no_transaction(
    pooled: Database, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may have begun: the connection is given to nobody."""
    before = await backends(pooled)

    async def open_one() -> None:
        async with pooled.transaction():
            raise AssertionError

    start = getattr(AsyncAdapt_asyncpg_connection, START_TRANSACTION)

    async def slow(adapter: AsyncAdapt_asyncpg_connection) -> None:
        await start(adapter)
        await asyncio.sleep(10)

    with monkeypatch.context() as patch:
        patch.setattr(AsyncAdapt_asyncpg_connection, START_TRANSACTION, slow)
        opening = asyncio.create_task(open_one(), name="opens one")
        began = f"select count(*) from pg_stat_activity where {_OURS} and state = 'idle in transaction'"
        await eventually(lambda: stored.value(began))
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    assert len(before & await backends(pooled)) == 1
    assert await stored.value(f"select count(*) from pg_stat_activity where {_OURS} and state <> 'idle'") == 0


async def _end_all(url: str) -> None:
    await execute(url, f"select pg_terminate_backend(pid) from pg_stat_activity where {_OURS}")
