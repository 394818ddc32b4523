"""`racing-coach laps analyze` and `laps compare`: what happened in each corner, and where the time went."""

from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.corners import LAPS_FOR_MAP, MOST_LAPS_FOR_MAP
from racing_coach_analysis.track_map import TrackMap
from racing_coach_core.analysis_documents import LapAnalysisDocument, LapComparisonDocument
from racing_coach_server.analytics.comparison.comparer import map_of
from racing_coach_server.analytics.comparison.on_demand import ComparisonOnDemand
from racing_coach_server.analytics.lap_analysis.documents import lap_analysis_document
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.on_demand import AnalysisOnDemand
from racing_coach_server.commands.lap_ids import LapArgument, find_lap
from racing_coach_server.commands.lap_tables import analysis_table, comparison_table
from racing_coach_server.commands.runner import reading_with_dependencies
from racing_coach_server.commands.text import plain
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap

console = Console()

JsonOption = Annotated[bool, typer.Option("--json", help="For programs: the documented JSON.")]
AgainstOption = Annotated[
    str | None,
    typer.Option(
        metavar="LAP|best|theoretical",
        help="Another lap; the driver's best other lap; the best of each segment over the driver's laps. "
        "If not given, the lap that the coach compares with.",
    ),
]


def analyze_lap(lap_id: LapArgument, as_json: JsonOption = False) -> None:
    """Show what happened in each corner of a lap; it is analysed now if it is not yet."""

    async def work(
        session: AsyncSession, dependencies: Dependencies
    ) -> tuple[StoredLap, LapAnalysisDocument, TrackMap | None]:
        stored = await find_lap(session, lap_id)
        record = await dependencies.once(AnalysisOnDemand).of(session, stored)
        track_map = await map_of(session, record)
        return stored, lap_analysis_document(record, track_map), track_map

    # What is found out is kept, also where there is nothing to show.
    stored, document, track_map = reading_with_dependencies(work)
    if as_json:
        typer.echo(document.model_dump_json(indent=2))
    if document.measures is None or track_map is None:
        raise CommandError(f"lap {stored.lap_id} has nothing to show: {_why(stored, document)}")
    if not as_json:
        console.print(analysis_table(stored, document.measures, track_map))


def _why(stored: StoredLap, document: LapAnalysisDocument) -> str:
    if document.status == "done":
        return (
            f"the corners of track {plain(stored.session.track_name)} are not known yet; they are found in the first "
            f"{LAPS_FOR_MAP} to {MOST_LAPS_FOR_MAP} whole, valid laps, or come from `racing-coach tracks import`"
        )
    if document.status == "failed":
        again = f"`racing-coach analyze --lap {stored.lap_id}` tries it again"
        return f"its analysis failed ({plain(document.detail or 'for no known reason')}); {again}"
    reason = (document.reason or "unusable").replace("_", " ")
    return f"{reason}: {plain(document.detail)}" if document.detail else reason


def compare_lap(lap_id: LapArgument, against: AgainstOption = None, as_json: JsonOption = False) -> None:
    """Show where a lap lost its time against another, segment by segment."""

    async def work(
        session: AsyncSession, dependencies: Dependencies
    ) -> tuple[StoredLap, StoredLap | None, LapComparisonDocument, TrackMap]:
        stored = await find_lap(session, lap_id)
        lap = await dependencies.once(AnalysisOnDemand).of(session, stored)
        document = await _compare(session, dependencies, lap, against)
        other = document.reference_lap_id
        reference = None if other is None else await StoredLaps(session).find(other)
        track_map = await map_of(session, lap)
        assert track_map is not None  # or there was nothing to compare by
        return stored, reference, document, track_map

    stored, reference, document, track_map = reading_with_dependencies(work)
    if as_json:
        typer.echo(document.model_dump_json(indent=2))
    else:
        console.print(comparison_table(stored, reference, document, track_map))


async def _compare(
    session: AsyncSession, dependencies: Dependencies, lap: LapAnalysisRecord, against: str | None
) -> LapComparisonDocument:
    comparison = dependencies.once(ComparisonOnDemand)
    match against:
        case None:
            return await comparison.by_the_rules(session, lap)
        case "best":
            return await comparison.with_best(session, lap)
        case "theoretical":
            return await comparison.with_theoretical(session, lap)
        case _:
            other = await find_lap(session, against)
            return await comparison.with_lap(session, lap, await dependencies.once(AnalysisOnDemand).of(session, other))
