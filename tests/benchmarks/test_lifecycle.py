"""What is exported, erased and pruned by the thousand is whole laps, and growing memory would be seen."""

from datetime import UTC, datetime

from benchmarks.lifecycle.copies import copy_laps
from benchmarks.lifecycle.took import Took, grown
from tests.server.analytics.rows import Drive
from tests.server.lifecycle.support import coached
from tests.server.support import Stored, connected

from racing_coach_server.database.engine import Database

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MADE = ("lap_analyses", "lap_comparisons", "coaching")


async def test_a_copied_lap_has_all_that_its_original_has(
    database: Database, database_url: str, stored: Stored
) -> None:
    """Frames, analysis, comparison and coaching, in sessions as long as a stint, of a driver of its own."""
    for number in range(3):
        await coached(database, Drive(lap_time=60.0 + number, minute=number))
    async with connected(database_url) as connection:
        await copy_laps(connection, "somebody", 30, LONG_AGO)

    mine = "select id from laps where driver = 'somebody' and rig_id = 'somebody' and received_at < '2021-01-01'"
    assert await stored.value(f"select count(*) from ({mine}) l") == 30
    assert await stored.value("select count(*) from track_sessions where driver_id = 'somebody'") == 2
    assert await stored.value(f"select count(*) from telemetry where lap_id in ({mine})") == 30 * 4
    for table in MADE:
        assert await stored.value(f"select count(*) from {table} where lap_id in ({mine})") == 30, table


def took(command: str, laps: int, peak_mb: float) -> Took:
    return Took(command, laps, 1.0, peak_mb, {"p50": 1.0, "p99": 1.0, "max": 1.0})


def test_memory_that_grows_with_the_laps_is_told() -> None:
    """A few megabytes are nobody's."""
    assert grown([took("export", 500, 180.0), took("export", 2_000, 190.0)]) == []
    assert grown([took("export", 500, 180.0), took("erase", 2_000, 300.0), took("export", 2_000, 250.0)]) == ["export"]
