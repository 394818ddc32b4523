"""Whose fault a database error is, told from errors that a real database made."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from tests.server.support import connected, execute

from racing_coach_core.exceptions import Fault, InvalidTopicError, MalformedPayloadError
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_demo.processes import free_port
from racing_coach_server.database.faults import fault_of, in_words, may_be_poison
from racing_coach_server.telemetry.exceptions import DecoderBugError


async def failure(work: Awaitable[object]) -> Exception:
    try:
        await work
    except Exception as error:  # noqa: BLE001 (it is what we are after)
        return error
    raise AssertionError("it worked")


async def run(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def raised(engine: AsyncEngine, state: str) -> Exception:
    return await failure(run(engine, f"do $$ begin raise exception 'made up' using errcode = '{state}'; end $$"))


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("22003", Fault.SENDER),  # a number out of range
        ("22P02", Fault.SENDER),  # text that is no number
        ("23502", Fault.SENDER),  # null where none may be
        ("23505", Fault.SENDER),  # there already
        ("23514", Fault.SENDER),  # a check
        ("08006", Fault.WORLD),  # connection failure
        ("25006", Fault.WORLD),  # read-only
        ("25P04", Fault.WORLD),  # transaction timeout
        ("26000", Fault.WORLD),  # a pooler and prepared statements
        ("28P01", Fault.WORLD),  # wrong password
        ("40001", Fault.WORLD),  # serialization
        ("40P01", Fault.WORLD),  # deadlock
        ("42501", Fault.WORLD),  # a missing grant
        ("42P01", Fault.WORLD),  # a missing table
        ("42P05", Fault.WORLD),  # a pooler and prepared statements
        ("53100", Fault.WORLD),  # disk full
        ("53300", Fault.WORLD),  # too many connections
        ("55P03", Fault.WORLD),  # lock not available
        ("57014", Fault.WORLD),  # cancelled
        ("57P01", Fault.WORLD),  # shutdown
        ("58030", Fault.WORLD),  # I/O
        ("XX001", Fault.WORLD),  # data corrupted
        ("42601", Fault.BUG),  # a syntax error
        ("0A000", Fault.BUG),  # not supported
        ("P0001", Fault.BUG),  # somebody's trigger
        ("XX000", Fault.BUG),  # internal error
    ],
)
async def test_sqlstates(engine: AsyncEngine, state: str, fault: Fault) -> None:
    """PostgreSQL's classes of errors, each at the one who can do something about it."""
    error = await raised(engine, state)

    assert fault_of(error) is fault


@pytest.mark.parametrize(
    ("state", "poison"),
    [
        ("08006", True),
        ("25P04", True),
        ("57014", True),
        ("57P02", True),
        ("25006", False),
        ("53100", False),
        ("40P01", False),
    ],
)
async def test_what_may_be_the_messages_own_doing(engine: AsyncEngine, state: str, *, poison: bool) -> None:
    """A lost connection or a statement that took too long may; a full disk or a read-only server never."""
    assert may_be_poison(await raised(engine, state)) is poison


async def test_in_words_is_the_drivers_own_sentence(engine: AsyncEngine) -> None:
    """One line: no SQL, no parameters, no link to SQLAlchemy's pages."""
    error = await failure(run(engine, "select 1/0"))

    assert in_words(error) == "division by zero"
    assert "\n" not in in_words(error)
    assert "select" not in in_words(error)


@pytest.mark.parametrize("what", ["* from laps_of_tomorrow", "a_column from pg_class"])
async def test_a_table_that_is_not_there_yet_says_who_makes_it(engine: AsyncEngine, what: str) -> None:
    """What reads before the first daemon has started, or beside an older one, is no riddle."""
    assert "racing-coach db upgrade" in in_words(await failure(run(engine, f"select {what}")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.set(host="127.0.0.1", port=free_port()), "connection refused"),
        (lambda url: url.set(database="nowhere"), "does not exist"),
        (lambda url: url.set(password="wrong"), "password"),
        (lambda url: url.set(host="nowhere.invalid"), ""),
    ],
    ids=["nobody listens", "no such database", "wrong password", "no such host"],
)
async def test_a_database_that_is_not_reached_is_the_worlds(
    database_url: str, change: Callable[[URL], URL], words: str
) -> None:
    """The lap waits, however long the operator needs; in words that name the reason."""
    engine = create_async_engine(change(make_url(database_url)), poolclass=NullPool)

    error = await failure(run(engine, "select 1"))

    assert fault_of(error) is Fault.WORLD
    assert words in in_words(error)


async def test_a_server_that_does_not_answer_is_the_worlds() -> None:
    """A port behind which nobody speaks: the timeout is no bug."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"postgresql+asyncpg://u:p@127.0.0.1:{mute.getsockname()[1]}/d"
        engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": 0.2})

        assert fault_of(await failure(run(engine, "select 1"))) is Fault.WORLD


async def test_a_statement_without_an_answer_is_the_worlds_and_may_be_poison(database_url: str) -> None:
    """command_timeout_s: once it is the world, ten times it is the lap."""
    engine = create_async_engine(database_url, poolclass=NullPool, connect_args={"command_timeout": 0.2})

    error = await failure(run(engine, "select pg_sleep(5)"))

    assert fault_of(error) is Fault.WORLD
    assert may_be_poison(error)


async def test_a_connection_that_is_ended_in_the_middle_is_the_worlds(engine: AsyncEngine, database_url: str) -> None:
    """pg_terminate_backend, as a failover does: the statement, the commit and the next try on it."""
    async with engine.connect() as connection:
        pid = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
        await execute(database_url, "select pg_terminate_backend($1)", pid)
        await asyncio.sleep(0.1)
        error = await failure(connection.execute(text("select 1")))

    assert fault_of(error) is Fault.WORLD
    assert may_be_poison(error)


async def test_a_transaction_that_is_ended_while_copying_is_the_worlds(engine: AsyncEngine, database_url: str) -> None:
    """The driver's own error, which SQLAlchemy has not wrapped."""
    async with connected(database_url) as driver:
        await driver.execute("create table t (i int)")

        async def rows():
            await execute(database_url, "select pg_terminate_backend($1)", driver.get_server_pid())
            await asyncio.sleep(0.1)
            yield b"1\n"

        error = await failure(driver.copy_to_table("t", source=rows()))

    assert fault_of(error) is Fault.WORLD
    assert may_be_poison(error)


async def test_a_pool_without_a_free_connection_is_the_worlds(database_url: str) -> None:
    """It waits its turn."""
    engine = create_async_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    async with engine.connect():
        error = await failure(run(engine, "select 1"))
    await engine.dispose()

    assert fault_of(error) is Fault.WORLD


async def test_a_deadlock_is_the_worlds(engine: AsyncEngine) -> None:
    """A real one: each of two transactions waits for the other."""
    await run(engine, "create table t (i int primary key)")
    await run(engine, "insert into t values (1), (2)")

    async def cross(first: int, second: int, both: asyncio.Barrier) -> None:
        async with engine.begin() as connection:
            await connection.execute(text(f"update t set i = i where i = {first}"))
            await both.wait()
            await connection.execute(text(f"update t set i = i where i = {second}"))

    both = asyncio.Barrier(2)
    results = await asyncio.gather(cross(1, 2, both), cross(2, 1, both), return_exceptions=True)
    (error,) = [result for result in results if result is not None]

    assert isinstance(error, DBAPIError)
    assert fault_of(error) is Fault.WORLD
    assert not may_be_poison(error)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (InvalidTopicError("a/b", "no"), Fault.SENDER),
        (MalformedPayloadError("no JSON"), Fault.SENDER),
        (ConnectionLostError("gone"), Fault.WORLD),
        (DecoderBugError("00"), Fault.BUG),
        (ConnectionResetError(), Fault.WORLD),
        (TimeoutError(), Fault.WORLD),
        (ValueError("ours"), Fault.BUG),
        (KeyError("ours"), Fault.BUG),
        (SQLAlchemyError("ours"), Fault.BUG),
        (AssertionError(), Fault.BUG),
    ],
)
def test_other_errors(error: Exception, fault: Fault) -> None:
    """The project's own say it themselves; the operating system's are the world's; the rest is a bug."""
    assert fault_of(error) is fault
