"""From a stored lap to the coach's word on the rig: the real daemon, broker and database."""

import asyncio
import uuid
from dataclasses import replace

from tests.lap_client import LapClient
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, arrow
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.coaching import Cause, Coaching, ReferenceRule, Silence
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulation.habits import Fault, Habit
from racing_coach_rig.sources.simulator import DRIVERS, Simulator

INES = DRIVERS["Ines Aubrac"]
TRACK = "port-calder"


def stint(laps: int, *habits: Habit, seed: int = 1) -> list[Lap]:
    """Laps of a steady driver."""
    driver = replace(INES, habits=habits)
    return [*Simulator(seed=seed, track=TRACK, driver=driver, session_id=uuid.uuid4()).laps(laps)]


async def coached(rig: LapClient, lap: Lap) -> Coaching:
    """Send a lap and wait for what the coach says."""
    assert (await rig.send(arrow(lap))).status == "success"
    return await asyncio.wait_for(rig.coaching[lap.lap_id].get(), TIMEOUT_S)


async def test_a_habit_is_told_with_its_corner_its_cause_and_its_price(
    start_daemon: StartDaemon, rig: LapClient, stored: Stored
) -> None:
    """After clean laps, of which the track's corners are numbered, a driver brakes 30 m early at one corner."""
    start_daemon()
    clean, late = stint(9), stint(9, Habit(8, Fault.BRAKES_EARLY, 30.0))
    first = [await coached(rig, lap) for lap in clean[:7]]
    spoilt = replace(late[8], session=clean[0].session)

    said = await coached(rig, spoilt)

    assert first[0].silence is Silence.NO_REFERENCE
    assert said.reference is not None
    assert said.reference.rule is ReferenceRule.OWN_BEST
    true_cost = (late[8].lap_time or 0) - (clean[8].lap_time or 0)
    assert said.advice, said
    best = said.advice[0]
    assert best.cause in {Cause.BRAKE_LATER, Cause.LESS_COASTING}
    assert abs(best.gain_s - true_cost) < max(0.05, 0.3 * true_cost)
    corners = await stored.value("select corners from track_maps")
    assert '"number": 1' in corners
    row = (await stored.query("select published_at, version from coaching where lap_id = $1", spoilt.lap_id))[0]
    assert row["published_at"] is not None


async def test_every_stored_lap_is_analysed_compared_and_spoken_of_once(
    start_daemon: StartDaemon, rig: LapClient, stored: Stored
) -> None:
    """Laps that came before the corners were numbered are measured by them too; nothing is said twice."""
    start_daemon()
    for lap in stint(6):
        await coached(rig, lap)

    async def all_measured() -> bool:
        counted = "select count(*) from lap_analyses where status = 'done' and track_map_id is not null"
        return await stored.value(counted) == 6 and await stored.value("select count(*) from coaching") == 6

    await eventually(all_measured)
    assert await stored.value("select count(*) from lap_comparisons where status = 'done'") >= 5
    assert all(queue.empty() for queue in rig.coaching.values())
