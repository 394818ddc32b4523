"""All that is said of single laps, behind one door. It is imported once the pit wall is up: numpy takes a moment."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.analysis_documents import LapAnalysisDocument, LapComparisonDocument
from racing_coach_core.coaching import Coaching
from racing_coach_core.web_laps import Progress, ProgressChoices, References
from racing_coach_core.web_views import LapView
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.web.laps.against import Against
from racing_coach_server.web.laps.analyses import Analyses
from racing_coach_server.web.laps.formats import ColumnFormat
from racing_coach_server.web.laps.measured import Measured
from racing_coach_server.web.laps.progress import progress_choices, progress_of
from racing_coach_server.web.laps.rows import find_lap
from racing_coach_server.web.laps.view import LapViews
from racing_coach_server.web.report import report_name, report_of

if TYPE_CHECKING:
    from racing_coach_server.web.laps.columns import ColumnsFile


@dataclass(frozen=True, slots=True)
class ReportFile:
    """The page of a lap as one file."""

    text: str
    name: str


class LapPages:
    """Reads in the transaction that it is given."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._analyses = dependencies.once(Analyses)
        self._against = dependencies.once(Against)
        self._measured = dependencies.once(Measured)
        self._views = dependencies.once(LapViews)

    async def view(self, session: AsyncSession, lap_id: UUID, against: str) -> LapView:
        """All that the page of a lap shows."""
        return await self._views.view(session, lap_id, against)

    async def report(self, session: AsyncSession, lap_id: UUID, against: str) -> ReportFile:
        """The page of a lap as one file."""
        found = await self._views.view(session, lap_id, against)
        return ReportFile(await asyncio.to_thread(report_of, found), report_name(found))

    async def columns(
        self, session: AsyncSession, lap_id: UUID, channels: Sequence[str], kind: ColumnFormat
    ) -> "ColumnsFile":
        """A lap's frames."""
        # Arrow is 43 MB of the process; pages have no use for it, and few ask for files.
        from racing_coach_server.web.laps.columns import columns_file  # noqa: PLC0415

        stored = await find_lap(session, lap_id)
        frames = await StoredLaps(session).columns(stored.lap_id, channels)
        return columns_file(lap_id, frames, kind)

    async def analysis(self, session: AsyncSession, lap_id: UUID) -> LapAnalysisDocument:
        """What happened in each corner."""
        return await self._measured.analysis(session, lap_id)

    async def comparison(self, session: AsyncSession, lap_id: UUID, against: str) -> LapComparisonDocument:
        """Where a lap lost its time."""
        return await self._measured.comparison(session, lap_id, against)

    async def coaching(self, session: AsyncSession, lap_id: UUID) -> Coaching:
        """What the coach said of a lap."""
        return await self._measured.coaching(session, lap_id)

    async def references(self, session: AsyncSession, lap_id: UUID) -> References:
        """What a lap can be held against."""
        record = await self._analyses.of(session, await find_lap(session, lap_id))
        return References(lap_id=lap_id, choices=list(await self._against.choices(session, record)))

    async def progress(
        self, session: AsyncSession, *, driver: str, track: str, config: str, car: str, limit: int
    ) -> Progress:
        """A driver's newest laps in one car on one track."""
        return await progress_of(session, driver=driver, track=track, config=config, car=car, limit=limit)

    async def progress_choices(self, session: AsyncSession, *, limit: int) -> ProgressChoices:
        """Of whom there is progress to show."""
        return await progress_choices(session, limit=limit)
