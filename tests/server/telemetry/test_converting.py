"""Laps that an older version stored as rows: read as before, converted one by one, and never without their rows."""

import uuid

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.server.support import Stored, connected, new_lap, new_laps
from tests.server.telemetry.rows import BEFORE_BLOCKS, downgrade, store_as_rows
from tests.server.telemetry.storing import received, store_frames

from racing_coach_core.exceptions import Fault
from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import fault_of
from racing_coach_server.database.init_db import upgrade
from racing_coach_server.telemetry.converting import RowConverter
from racing_coach_server.telemetry.exceptions import RowsDifferError
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.service import TelemetryService


@pytest.fixture
async def laps(engine: AsyncEngine) -> list[Lap]:
    """Three laps, stored as rows."""
    driven = new_laps(3)
    await store_as_rows(engine, driven)
    return driven


async def convert(database: Database, lap: Lap, *, as_they_are: bool = False) -> bool:
    async with database.transaction() as session:
        return await RowConverter(session).convert(lap.lap_id, as_they_are=as_they_are)


async def left(database: Database) -> int:
    async with database.transaction() as session:
        return await RowConverter(session).count()


async def read(database: Database, lap: Lap) -> Lap:
    async with database.transaction() as session:
        stored = await StoredLaps(session).find(lap.lap_id)
        assert stored is not None
        return await StoredLaps(session).lap(stored)


async def in_sql(stored: Stored, lap: Lap) -> list[float]:
    rows = await stored.query("select speed from telemetry where lap_id = $1 order by frame_index", lap.lap_id)
    return [row[0] for row in rows]


async def test_a_lap_is_the_same_before_between_and_after(database: Database, stored: Stored, laps: list[Lap]) -> None:
    """For the daemon and in SQL, as rows, in both forms at once, and as blocks; a new lap comes meanwhile."""
    converted, waiting, _ = laps
    assert await left(database) == 3
    assert await convert(database, converted)
    new = new_lap()
    async with database.transaction() as session:
        await TelemetryService(session).store_lap(received(new))

    for lap in (converted, waiting, new):
        assert await read(database, lap) == lap
        assert await in_sql(stored, lap) == lap.frames.column("speed").to_pylist()
    assert await stored.value("select count(*) from telemetry") == sum(lap.frames.num_rows for lap in [*laps, new])
    assert await left(database) == 2


async def test_the_rows_stay_until_all_are_converted(database: Database, stored: Stored, laps: list[Lap]) -> None:
    """Then their table goes, and telemetry is the view of a new database."""
    frames = sum(lap.frames.num_rows for lap in laps)
    for lap in laps:
        assert await convert(database, lap)
    assert await stored.value("select count(*) from telemetry_rows") == frames

    async with database.transaction() as session:
        await RowConverter(session).finish()

    assert await stored.value("select to_regclass('telemetry_rows')") is None
    assert await stored.value("select count(*) from telemetry") == frames
    for lap in laps:
        assert await read(database, lap) == lap


async def test_a_converted_lap_is_left_alone(database: Database, stored: Stored, laps: list[Lap]) -> None:
    """As is one that is deleted, or that is not stored."""
    assert await convert(database, laps[0])
    await stored.query("delete from laps where id = $1", laps[1].lap_id)

    for lap in (laps[0], laps[1], new_lap()):
        assert not await convert(database, lap)


async def test_a_deleted_lap_takes_its_frames_with_it(database: Database, stored: Stored, laps: list[Lap]) -> None:
    """Rows and blocks."""
    assert await convert(database, laps[0])

    await stored.query("delete from laps where id = any($1)", [laps[0].lap_id, laps[1].lap_id])

    assert await stored.value("select count(*) from telemetry") == laps[2].frames.num_rows
    assert await stored.value("select count(*) from telemetry_rows") == laps[2].frames.num_rows
    assert await stored.value("select count(*) from frame_blocks") == 0


async def test_a_lap_that_another_has_in_hand_is_left_to_it(database: Database, laps: list[Lap]) -> None:
    """Two commands at once share the laps."""
    async with database.transaction() as session:
        assert await RowConverter(session).convert(laps[0].lap_id)
        assert not await convert(database, laps[0])
        assert await convert(database, laps[1])


async def test_frames_that_a_restore_doubled_are_one_again(database: Database, stored: Stored, laps: list[Lap]) -> None:
    """Nothing forbade that in the form before."""
    await stored.query("insert into telemetry_rows select * from telemetry_rows where lap_id = $1", laps[0].lap_id)

    assert await convert(database, laps[0])

    assert await read(database, laps[0]) == laps[0]
    assert await in_sql(stored, laps[0]) == laps[0].frames.column("speed").to_pylist()


@pytest.mark.parametrize(
    "change",
    [
        "update telemetry_rows set speed = speed + 1 where lap_id = $1 and frame_index = 7",
        "delete from telemetry_rows where lap_id = $1 and frame_index = 7",
    ],
    ids=["a value changed", "a frame gone"],
)
async def test_rows_that_are_not_what_came_are_left_alone(
    database: Database, stored: Stored, laps: list[Lap], change: str
) -> None:
    """Nothing is made of them unless they are wanted as they are."""
    await stored.query(change, laps[0].lap_id)
    before = await in_sql(stored, laps[0])

    with pytest.raises(RowsDifferError, match="not what came from the rig"):
        await convert(database, laps[0])
    assert await stored.value("select count(*) from frame_blocks") == 0
    assert await convert(database, laps[0], as_they_are=True)

    assert await in_sql(stored, laps[0]) == before


async def test_blocks_that_are_not_what_the_rows_are_are_taken_back(
    database: Database, stored: Stored, laps: list[Lap]
) -> None:
    """Somebody's trigger changes what is written: it is noticed before the commit."""
    await stored.query(
        "create function spoil() returns trigger language plpgsql as $$ begin new.speed[5] := 99; return new; end $$"
    )
    await stored.query("create trigger spoil before insert on frame_blocks for each row execute function spoil()")

    with pytest.raises(RowsDifferError, match="the blocks made of its rows"):
        await convert(database, laps[0])

    assert await stored.value("select count(*) from frame_blocks") == 0
    assert await read(database, laps[0]) == laps[0]


async def test_readers_of_telemetry_go_on_reading(engine: AsyncEngine, stored: Stored) -> None:
    """What was granted on the table is granted on the view, during the conversion and after it."""
    role = f"reader_{uuid.uuid4().hex[:8]}"
    await stored.query(f"create role {role}")
    try:
        await store_as_rows(engine, new_laps(1))
        await downgrade(engine, BEFORE_BLOCKS)
        await stored.query(f"grant select on telemetry to {role}")
        await upgrade(engine)

        for table in ("telemetry", "frame_blocks"):
            assert await stored.value("select has_table_privilege($1, $2, 'select')", role, table)
        async with Database(engine).transaction() as session:
            converter = RowConverter(session)
            for lap_id in await converter.laps():
                await converter.convert(lap_id)
            await converter.finish()
        assert await stored.value("select has_table_privilege($1, 'telemetry', 'select')", role)
    finally:
        await stored.query(f"drop owned by {role}")
        await stored.query(f"drop role {role}")


async def test_the_way_back_keeps_every_lap(engine: AsyncEngine, database: Database, stored: Stored) -> None:
    """A downgrade makes rows of blocks, to the last bit: an upgrade takes them as what came from the rig."""
    lap = new_lap()
    lap_id = await store_frames(database, lap.frames)

    await downgrade(engine, BEFORE_BLOCKS)
    assert await stored.value("select count(*) from telemetry") == lap.frames.num_rows
    await upgrade(engine)

    assert await convert(database, Lap(lap_id, lap.session, None, lap.frames))


HYPERTABLE = """
    create extension if not exists timescaledb;
    select create_hypertable('telemetry', by_range('timestamp', interval '7 days'),
        create_default_indexes => false, migrate_data => true);
    alter table telemetry set (timescaledb.compress, timescaledb.compress_segmentby = 'lap_id',
        timescaledb.compress_orderby = 'timestamp');
    select add_compression_policy('telemetry', compress_after => interval '14 days');
    select count(compress_chunk(chunk)) from show_chunks('telemetry') chunk
"""
"""What the version before made of telemetry where it found TimescaleDB, with all of it gone to the columnstore."""


async def test_a_hypertable_is_converted_too(engine: AsyncEngine, database: Database, stored: Stored) -> None:
    """With TimescaleDB; without, a table of rows, as in the other tests."""
    laps = new_laps(2)
    for lap in laps:
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(received(lap))
    await downgrade(engine, BEFORE_BLOCKS)
    if "timescaledb" in await stored.value("select current_setting('shared_preload_libraries')"):
        for statement in HYPERTABLE.split(";"):
            await stored.query(statement)
    await upgrade(engine)
    assert await in_sql(stored, laps[0]) == laps[0].frames.column("speed").to_pylist()
    await stored.query("delete from laps where id = $1", laps.pop().lap_id)
    assert await stored.value("select count(*) from telemetry") == laps[0].frames.num_rows

    for lap in laps:
        assert await convert(database, lap)
    async with database.transaction() as session:
        await RowConverter(session).finish()

    assert await stored.value("select to_regclass('telemetry_rows')") is None
    for lap in laps:
        assert await read(database, lap) == lap


async def test_a_daemon_of_the_version_before_waits(database: Database, stored: Stored, laps: list[Lap]) -> None:
    """Its COPY fails in a way that it takes for trouble of the database: no lap is rejected for it."""
    async with connected(stored.url) as old:
        with pytest.raises(asyncpg.PostgresError, match="install that version") as raised:
            await old.copy_records_to_table(
                "telemetry", records=[(laps[0].lap_id, 0)], columns=["lap_id", "frame_index"]
            )
    assert fault_of(raised.value) is Fault.WORLD
