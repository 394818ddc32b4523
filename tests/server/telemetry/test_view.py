"""The view `telemetry` over the blocks: what it reads, and what the table under it forbids."""

import uuid

import asyncpg
import pytest
from tests.server.support import Stored, connected, new_lap, new_laps
from tests.server.telemetry.storing import received, store_frames

from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.service import TelemetryService

UNKNOWN = str(uuid.uuid4())
BY_KEY = "Index Cond: (lap_id = "


async def plan(stored: Stored, query: str) -> str:
    """How PostgreSQL would do it, were the table large."""
    async with connected(stored.url) as connection:
        for name in ("seqscan", "hashjoin", "mergejoin"):
            await connection.execute(f"set enable_{name} = off")
        return "\n".join(row[0] for row in await connection.fetch(f"explain (verbose, costs off) {query}"))


@pytest.mark.parametrize(
    "condition",
    [
        f"where lap_id = '{UNKNOWN}' order by frame_index",
        f"where lap_id in ('{UNKNOWN}', '{uuid.uuid4()}')",
        f"where track_session_id = '{UNKNOWN}'",
        "where lap_id in (select id from laps where received_at > now()) and timestamp > now()",
        "join laps on laps.id = lap_id where laps.rig_id = 'rig-1'",
    ],
    ids=["a lap", "some laps", "a session", "a time", "a rig"],
)
async def test_blocks_are_found_by_their_key(stored: Stored, condition: str) -> None:
    """Whichever way laps are named: the planner takes the condition down to the table."""
    found = await plan(stored, f"select speed from telemetry {condition}")

    assert "pk_frame_blocks" in found
    assert BY_KEY in found or "Index Cond: (block.lap_id = " in found
    assert "Seq Scan on public.frame_blocks" not in found


async def test_only_channels_that_are_named_are_read(stored: Stored) -> None:
    """An array is taken out of its storage once a block, and only if it is asked for."""
    found = await plan(stored, f"select speed, gear from telemetry where lap_id = '{UNKNOWN}'")

    assert "block.speed || '{}'" in found
    assert "block.gear || '{}'" in found
    assert found.count("|| '{}'") == 2 * found.count("block.speed || '{}'")
    assert "block.rpm ||" not in found


async def test_frames_are_counted_and_grouped_as_rows(database: Database, stored: Stored) -> None:
    """Aggregates, conditions on values, and one frame, over laps of one session and another."""
    laps = [*new_laps(2), new_lap()]
    for lap in laps:
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(received(lap))

    counted = await stored.query("select lap_id, count(*), max(speed), min(frame_index) from telemetry group by lap_id")
    of_session = await stored.value(
        "select count(*) from telemetry where track_session_id = $1", laps[0].session.session_id
    )
    frame = await stored.query("select speed from telemetry where lap_id = $1 and frame_index = 481", laps[2].lap_id)

    speeds = {lap.lap_id: lap.frames.column("speed").to_pylist() for lap in laps}
    assert {row[0]: tuple(row)[1:] for row in counted} == {
        lap_id: (len(values), max(values), 0) for lap_id, values in speeds.items()
    }
    assert of_session == laps[0].frames.num_rows + laps[1].frames.num_rows
    assert [row[0] for row in frame] == [speeds[laps[2].lap_id][481]]


@pytest.mark.parametrize(
    ("first_frame", "frame_count", "refused"),
    [
        ("first_frame", "frame_count", asyncpg.UniqueViolationError),
        ("first_frame + 1", "frame_count", asyncpg.CheckViolationError),
        ("first_frame + 240", "frame_count", asyncpg.CheckViolationError),
        ("first_frame + 4800", "481", asyncpg.CheckViolationError),
        ("first_frame + 4800", "0", asyncpg.CheckViolationError),
    ],
    ids=["the same again", "a frame later", "half a block later", "a block too long", "an empty block"],
)
async def test_no_frame_can_be_there_twice(
    database: Database, stored: Stored, first_frame: str, frame_count: str, refused: type[Exception]
) -> None:
    """Blocks do not overlap, whoever writes them."""
    lap_id = await store_frames(database, new_lap().frames)

    with pytest.raises(refused):
        await stored.query(
            "insert into frame_blocks select (jsonb_populate_record(b, jsonb_build_object("
            f"'first_frame', {first_frame}, 'frame_count', {frame_count}))).* from frame_blocks b where lap_id = $1",
            lap_id,
        )


async def test_no_frames_can_be_without_a_lap(database: Database, stored: Stored) -> None:
    """They go with it, and do not come before it."""
    lap_id = await store_frames(database, new_lap().frames)

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await stored.query("update frame_blocks set lap_id = $1", uuid.uuid4())
    await stored.query("delete from laps where id = $1", lap_id)

    assert await stored.value("select count(*) from frame_blocks") == 0
