"""Statements past SQLAlchemy do what they do by way of it."""

import asyncpg
import pytest
from sqlalchemy import Integer, bindparam, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.server.support import Stored

from racing_coach_server.database.driver import Prepared, driver_of
from racing_coach_server.database.engine import Database

_NAME = bindparam("name", type_=Integer())
_STATEMENT = select(func.concat(literal("so many: "), _NAME), _NAME + 1).where(_NAME > 0)


async def test_it_says_what_sqlalchemy_says(database: Database) -> None:
    """Parameters by name, also one that stands there several times, and constants of the statement's own."""
    prepared = Prepared(_STATEMENT)
    async with database.transaction() as session:
        driver = await driver_of(session)
        for value in (3, 4):
            said = (await session.execute(_STATEMENT, {"name": value})).first()
            assert said is not None
            assert await prepared.first(driver, {"name": value, "other": 1}) == said[0] == f"so many: {value}"
        assert await prepared.first(driver, {"name": 0}) is None
        with pytest.raises(KeyError, match="name"):
            await prepared.first(driver, {})


async def test_it_is_part_of_the_sessions_transaction(database: Database, stored: Stored) -> None:
    """What it writes is rolled back with everything else."""
    await stored.query("create table numbers (number int)")

    async def write_and_fail() -> None:
        async with database.transaction() as session:
            driver = await driver_of(session)
            await driver.execute("insert into numbers values (1)")
            assert (await session.execute(text("select count(*) from numbers"))).scalar_one() == 1
            await driver.execute("select 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await write_and_fail()
    assert await stored.value("select count(*) from numbers") == 0


async def test_a_session_of_anybody_has_begun_by_then(engine: AsyncEngine) -> None:
    """SQLAlchemy alone would begin with its first statement: what came before would be committed at once."""
    async with AsyncSession(engine) as session:
        assert (await driver_of(session)).is_in_transaction()
