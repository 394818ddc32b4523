"""Trouble for a database, and the end of it: every lap is stored."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from tests.faults.checker import check
from tests.faults.rig import Rig
from tests.waiting import TIMEOUT_S, eventually

LAPS = 12
"""How many laps a test's rig drives."""


async def all_stored(rig: Rig, database: str, *, timeout_s: float = TIMEOUT_S) -> None:
    await eventually(lambda: rig.is_done and not rig.files.waiting(), timeout_s=timeout_s)
    report = await check(database, [rig.files])
    assert not report.findings, report.table()
    assert report.in_database == LAPS


@asynccontextmanager
async def slow(database: str, *, seconds: float = 1.0, tables: Sequence[str] = ("laps",)) -> AsyncIterator[None]:
    """Have every row of these tables take so long to be written, in the middle of its transaction."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        "create function slowly() returns trigger language plpgsql as"
        f" $$ begin perform pg_sleep({seconds}); return new; end $$"
    )
    for table in tables:
        await connection.execute(
            f"create trigger slowly before insert on {table} for each row execute function slowly()"
        )
    await connection.close()
    yield
    connection = await asyncpg.connect(database)
    for table in tables:
        await connection.execute(f"drop trigger slowly on {table}")
    await connection.close()


async def in_mid_transaction(database: str) -> bool:
    connection = await asyncpg.connect(database)
    try:
        return bool(
            await connection.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and application_name like 'racing-coach%' and wait_event = 'PgSleep'"
            )
        )
    finally:
        await connection.close()
