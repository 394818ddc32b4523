"""The migration that writes into each lap what it is of: laps that were stored before it are found like any other."""

from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.server.support import Stored

from racing_coach_core.exceptions import Fault
from racing_coach_server.database import init_db
from racing_coach_server.database.faults import fault_of

BEFORE = "0002"
FILL = """
insert into track_sessions (id, rig_id, track_id, track_name, track_config_name, car_id, car_name, driver_id, track_type)
    values ('00000000-0000-0000-0000-000000000001', 'rig-1', '18', 'Road Atlanta', 'Full', '7', 'A car', 'jo', ''),
        ('00000000-0000-0000-0000-000000000002', 'rig-2', '19', 'Spa', null, '8', 'A car', null, '');
insert into laps (id, track_session_id, rig_id, lap_number, lap_time, is_valid, frame_count, payload_sha256,
        content_sha256, encoding, received_at)
    select ('00000000-0000-0000-0001-00000000000' || n)::uuid, ('00000000-0000-0000-0000-00000000000' || s)::uuid,
        'rig-' || s, n, 80, true, 2, '', '', 'arrow', '2026-03-01 12:00:00+00'
    from (values (1, 1), (2, 1), (3, 2), (4, 2)) laps (n, s);
insert into telemetry (lap_id, frame_index, timestamp, track_session_id, session_time, lap_number, lap_distance_pct,
        speed, throttle, brake)
    select ('00000000-0000-0000-0001-00000000000' || n)::uuid, i, at::timestamptz + i * interval '1 s',
        '00000000-0000-0000-0000-000000000001', 0, 1, 0, 0, 0, 0
    from (values (1, '2026-02-27 10:00+00'), (2, '2026-02-28 10:00+00'), (3, '1970-01-01 00:00+00')) laps (n, at),
        generate_series(0, 1) i;
insert into lap_analyses (lap_id, version, status, track_id, track_config_name, car_id, driver, driven_at, is_reference,
        is_wet)
    values ('00000000-0000-0000-0001-000000000001', 1, 'done', '', '', '', '', '2026-02-27 11:00+00', false, false);
"""


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """Here the database begins as it was before."""
    return empty_database_url


def to(revision: str) -> Callable[[Connection], None]:
    """Upgrades a database to a revision."""

    def upgrade(connection: Connection) -> None:
        config = init_db._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    return upgrade


async def test_laps_of_before_are_filled_in(engine: AsyncEngine, stored: Stored) -> None:
    """Track, car and driver of their session; driven when the analysis says, else the last frame, else when received."""
    async with engine.begin() as connection:
        await connection.run_sync(to(BEFORE))
    for statement in FILL.strip().split(";\n"):
        await stored.query(statement)
    async with engine.begin() as connection:
        await connection.run_sync(to("head"))

    rows = await stored.query(
        "select lap_number, track_id, track_config_name, car_id, driver, driven_at from laps order by lap_number"
    )

    received = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert [tuple(row) for row in rows] == [
        (1, "18", "Full", "7", "jo", datetime(2026, 2, 27, 11, tzinfo=UTC)),
        (2, "18", "Full", "7", "jo", datetime(2026, 2, 28, 10, 0, 1, tzinfo=UTC)),
        (3, "19", "", "8", "rig-2", received),
        (4, "19", "", "8", "rig-2", received),
    ]


async def test_a_daemon_of_the_version_before_waits(engine: AsyncEngine, stored: Stored) -> None:
    """Its row of a lap is refused in a way that it takes for trouble of the database: no lap is rejected for it."""
    async with engine.begin() as connection:
        await connection.run_sync(to("head"))
    sessions, laps, *_ = FILL.strip().split(";\n")
    await stored.query(sessions)
    with pytest.raises(asyncpg.PostgresError, match="install that version") as raised:
        await stored.query(laps)
    assert fault_of(raised.value) is Fault.WORLD
