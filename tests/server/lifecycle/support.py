"""Drivers with laps, analysed, compared and spoken of, without the minutes that real followers would take."""

from tests.server.analytics.rows import Drive, analysed
from tests.server.support import Stored

from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.feature import Feature
from racing_coach_server.features import FEATURES
from racing_coach_server.lifecycle.deletion import LapDeletion
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.reading import StoredLaps

TABLES = ("coaching", "lap_comparisons", "chosen_references", "lap_analyses", "telemetry", "laps", "track_sessions")


def features() -> list[Feature]:
    """Every feature of the daemon."""
    with Dependencies(Settings(_env_file=None)) as dependencies:
        return [make(dependencies) for make in FEATURES]


async def coached(database: Database, drive: Drive) -> LapAnalysisRecord:
    """A lap that was stored, analysed, compared by the rules, and spoken of."""
    lap = await analysed(database, drive)
    async with database.transaction() as session:
        found = await ReferenceService(session).of(lap)
        values = {"status": "without_reference"}
        if found is not None:
            values = {"status": "done", "reference_lap_id": found.analysis.lap_id, "rule": found.rule.value}
        comparison = await ComparisonService(session).keep(lap, values)
        said = {"lap_id": str(lap.lap_id), "reference": str(values.get("reference_lap_id"))}
        await CoachingService(session).keep(comparison, {"status": "done", "rig_id": drive.rig, "message": said})
    return lap


async def rows(stored: Stored) -> dict[str, int]:
    """How many rows each table has that holds something of laps."""
    return {table: await stored.value(f"select count(*) from {table}") for table in TABLES}


async def delete_and_relabel(database: Database, *, deleted: LapAnalysisRecord, relabelled: LapAnalysisRecord) -> None:
    """Take one lap away and give the drive of another to driver `mika`, with a record of both, as the commands do."""
    async with database.transaction() as session:
        laps = StoredLaps(session)
        gone, given = await laps.find(deleted.lap_id), await laps.find(relabelled.lap_id)
        assert gone is not None
        assert given is not None
        changes = LapChanges(session)
        await changes.note_deletion([gone])
        await LapDeletion(session, features()).delete([deleted.lap_id])
        await changes.relabel(given.session.session_id, {"driver_id": "mika", "driver_name": None})
