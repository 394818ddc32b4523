"""`racing-coach db convert`: to the end, killed in the middle and gone on with, beside a daemon, and what it refuses."""

import asyncio
import time
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.commands.stints import racing_coach
from tests.server.commands.test_analyze_stopped import process
from tests.server.conftest import RunApp
from tests.server.support import Stored, arrow, connected, new_lap, new_laps
from tests.server.telemetry.rows import store_as_rows


async def test_every_lap_is_converted_and_the_old_table_goes(
    engine: AsyncEngine, database_url: str, stored: Stored
) -> None:
    """Once; then there is nothing to do. The doctor asks for it before."""
    laps = new_laps(3)
    await store_as_rows(engine, laps)
    assert "racing-coach db convert" in racing_coach(database_url, "doctor").output

    done = racing_coach(database_url, "db", "convert")

    assert (done.code, done.output.splitlines()) == (0, ["3 of 3 laps converted", "the old table is gone"])
    assert await stored.value("select to_regclass('telemetry_rows')") is None
    assert await stored.value("select count(*) from telemetry") == sum(lap.frames.num_rows for lap in laps)
    assert "db convert" not in racing_coach(database_url, "doctor").output
    again = racing_coach(database_url, "db", "convert")
    assert (again.code, again.output) == (0, "every lap is in the form that this version stores\n")


async def test_a_lap_that_differs_is_named_and_keeps_the_old_table(
    engine: AsyncEngine, database_url: str, stored: Stored
) -> None:
    """The others are converted all the same. Frames of a lap that the version before deleted go at the end, and are told."""
    kept, changed, deleted = new_laps(3)
    await store_as_rows(engine, [kept, changed, deleted])
    await stored.query("update telemetry_rows set speed = 0 where lap_id = $1 and frame_index = 3", changed.lap_id)
    await stored.query("alter table telemetry_rows drop constraint fk_telemetry_rows_lap_id_laps")
    await stored.query("delete from laps where id = $1", deleted.lap_id)

    done = racing_coach(database_url, "db", "convert")

    assert done.code == 1
    frames = changed.frames.num_rows
    assert f"not converted: lap {changed.lap_id}: its {frames} rows are not what came from the rig" in done.output
    assert await stored.value("select count(*) from telemetry where lap_id = $1", changed.lap_id) == frames
    assert racing_coach(database_url, "db", "convert", "--as-they-are").output.splitlines() == [
        "1 of 1 lap converted",
        f"{deleted.frames.num_rows} frames of laps that were deleted go with the old table",
        "the old table is gone",
    ]


async def is_waiting(stored: Stored) -> None:
    """Until somebody waits for another's transaction."""
    waiting = "select count(*) from pg_locks where locktype = 'transactionid' and not granted"
    deadline = time.monotonic() + 60
    while await stored.value(waiting) == 0:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def in_blocks(stored: Stored) -> set[UUID]:
    return {row[0] for row in await stored.query("select distinct lap_id from frame_blocks")}


async def test_killed_in_the_middle_of_a_lap_it_goes_on(
    engine: AsyncEngine, database_url: str, stored: Stored, rig: LapClient, run_app: RunApp, broker: Broker
) -> None:
    """kill -9 while a lap is copied, a daemon beside it that stores another: no lap is half there, all are there."""
    laps = new_laps(6)
    await store_as_rows(engine, laps)
    frames = sum(lap.frames.num_rows for lap in laps)
    async with connected(stored.url) as other:
        blocked = other.transaction()
        await blocked.start()
        await other.execute(
            "insert into frame_blocks (lap_id, first_frame, frame_count, timestamp, session_time, lap_number,"
            " lap_distance_pct, speed, throttle, brake) values ($1, 480, 1, '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
            laps[3].lap_id,
        )
        with process(database_url, "db", "convert") as command:
            await is_waiting(stored)
            command.kill()
            command.wait()
        async with run_app():
            new = new_lap()
            assert (await rig.send(arrow(new))).status == "success"
        await blocked.rollback()
    assert await in_blocks(stored) == {new.lap_id, *(lap.lap_id for lap in laps[:3])}
    assert await stored.value("select count(*) from telemetry_rows") == frames
    assert await stored.value("select count(*) from telemetry") == frames + new.frames.num_rows

    done = racing_coach(database_url, "db", "convert")

    assert (done.code, done.output.splitlines()) == (0, ["3 of 3 laps converted", "the old table is gone"])
    assert await in_blocks(stored) == {new.lap_id, *(lap.lap_id for lap in laps)}
    assert await stored.value("select count(*) from telemetry") == frames + new.frames.num_rows
