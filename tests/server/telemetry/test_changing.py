"""Laps that come while what they are of is being changed."""

import asyncio

import pytest
from tests.server.support import Stored, new_laps
from tests.server.telemetry.storing import received
from tests.waiting import eventually

from racing_coach_core.exceptions import Fault
from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.erasing import drop_empty_sessions, erase_laps
from racing_coach_server.telemetry.exceptions import SessionVanishedError
from racing_coach_server.telemetry.schemas import LapOutcome
from racing_coach_server.telemetry.service import TelemetryService


async def is_waiting(stored: Stored) -> bool:
    """Whether a statement waits for another's transaction."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return bool(await stored.value(waiting))


async def store(database: Database, lap: Lap) -> LapOutcome:
    async with database.transaction() as session:
        return await TelemetryService(session).store_lap(received(lap))


async def test_a_lap_that_comes_while_its_drive_is_relabelled_has_the_new_labels(
    database: Database, stored: Stored
) -> None:
    """It waits for the relabelling, also where its session was looked up before."""
    first, second = new_laps(2)

    await store(database, first)
    async with database.transaction() as session:
        await LapChanges(session).relabel(first.session.session_id, {"track_id": "spa", "track_name": "Spa"})
        storing = asyncio.create_task(store(database, second), name="store the second lap")
        await eventually(lambda: is_waiting(stored))
        assert not storing.done()
    assert (await storing).is_new

    rows = await stored.query("select distinct track_id from laps")
    assert [row["track_id"] for row in rows] == ["spa"]


async def test_a_lap_whose_session_goes_with_its_last_lap_is_stored_all_the_same(
    database: Database, stored: Stored
) -> None:
    """What it waited for has taken the session away: it makes the session anew."""
    first, second = new_laps(2)
    await store(database, first)

    async with database.transaction() as session:
        await erase_laps(session, [first.lap_id])
        await drop_empty_sessions(session, [first.session.session_id])
        storing = asyncio.create_task(store(database, second), name="store the second lap")
        await eventually(lambda: is_waiting(stored))
    assert (await storing).is_new

    assert await stored.counts() == (1, 1, second.frames.num_rows)


async def test_a_session_that_goes_once_it_was_found_is_the_worlds_fault(database: Database, stored: Stored) -> None:
    """A lap of a session that was relabelled looks for it first, and then finds it gone; the next try makes it anew."""
    first, second = new_laps(2)
    await store(database, first)
    async with database.transaction() as session:
        await LapChanges(session).relabel(first.session.session_id, {"track_id": "spa", "track_name": "Spa"})

    async with database.transaction() as session:
        await erase_laps(session, [first.lap_id])
        await drop_empty_sessions(session, [first.session.session_id])
        storing = asyncio.create_task(store(database, second), name="store the second lap")
        await eventually(lambda: is_waiting(stored))
        await asyncio.sleep(0.5)  # that it waits for good, and not for a moment on its way
        await eventually(lambda: is_waiting(stored))
    with pytest.raises(SessionVanishedError) as raised:
        await storing
    assert raised.value.fault is Fault.WORLD
    assert (await store(database, second)).is_new

    assert await stored.counts() == (1, 1, second.frames.num_rows)
