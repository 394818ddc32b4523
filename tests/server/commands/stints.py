"""Stints of simulated drivers, stored as the daemon stores them, and the commands over them. No broker is needed."""

import asyncio
import os
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from tests.in_process import Done, run_here
from tests.server.support import Stored

from racing_coach_core.content import content_sha256
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulation.habits import Fault, Habit
from racing_coach_rig.sources.simulator import DRIVERS, Driver, Simulator
from racing_coach_server.database.engine import Database
from racing_coach_server.main import main
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService

INES = DRIVERS["Ines Aubrac"]
TRACK = "port-calder"
BRAKES_EARLY = Habit(8, Fault.BRAKES_EARLY, 30.0)
FIRST = datetime(2026, 5, 1, 12, tzinfo=UTC)

_STATE = """
    select l.id, a.version, a.status, a.track_map_id, a.analysis::text, c.reference_lap_id, c.rule, c.delta_s,
        s.message - 'created_at' as said, s.published_at
    from laps l left join lap_analyses a on a.lap_id = l.id left join lap_comparisons c on c.lap_id = l.id
        left join coaching s on s.lap_id = l.id order by l.received_at, l.id
"""


def stint(
    laps: int, *habits: Habit, seed: int = 1, driver: Driver = INES, after: timedelta = timedelta(), track: str = TRACK
) -> list[Lap]:
    """Laps of one driver, who begins some time after noon."""
    simulator = Simulator(
        seed=seed,
        track=track,
        driver=replace(driver, habits=habits),
        session_id=uuid.uuid4(),
        started_at=FIRST + after,
    )
    return [replace(lap, lap_id=uuid.uuid4()) for lap in simulator.laps(laps)]


def spoil_session(lap: Lap, **fields: Any) -> Lap:
    """The lap in a session of its own, with other fields."""
    session = lap.session.model_copy(update={"session_id": uuid.uuid4(), **fields})
    return replace(lap, lap_id=uuid.uuid4(), session=session)


async def store(database_url: str, laps: Sequence[Lap], *, rig_id: str = "rig-1") -> None:
    """Store laps, each received when its last frame was driven."""
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    try:
        for lap in laps:
            ended = lap.frames.column("timestamp")[-1].as_py()
            received = ReceivedLap(lap, rig_id, "arrow", content_sha256(lap.lap_time, lap.frames).hex(), ended)
            async with Database(engine).transaction() as session:
                await TelemetryService(session).store_lap(received)
    finally:
        await engine.dispose()


def store_now(database_url: str, laps: Sequence[Lap], *, rig_id: str = "rig-1") -> None:
    """The same, for a test without an event loop."""
    asyncio.run(store(database_url, laps, rig_id=rig_id))


async def state(database_url: str) -> list[tuple[Any, ...]]:
    """All that is known of every lap, but for when it was found out."""
    return [tuple(row) for row in await Stored(database_url).query(_STATE)]


def environment(database_url: str) -> dict[str, str]:
    """The environment of an operator's shell."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RACING_COACH_")}
    return ours | {
        "RACING_COACH_DATABASE__URL": make_url(database_url).render_as_string(hide_password=False),
        "COLUMNS": "200",
    }


def racing_coach(database_url: str, *words: object) -> Done:
    """`racing-coach WORDS`."""
    return run_here(main, *map(str, words), environment=environment(database_url), cwd=Path.cwd())


def told(done: Done) -> str:
    """The one sentence that a command ended with, where it could not do its work."""
    assert done.code == 1, done
    assert "Traceback" not in done.errors
    (line,) = done.errors.strip().splitlines()
    return line
