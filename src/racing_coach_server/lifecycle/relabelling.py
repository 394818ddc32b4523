"""Driving sessions that get another track, car or driver, and what becomes of all that was made of their laps."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.kept import FOLLOWER as COMPARISON
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.kept import FOLLOWER as ANALYSIS
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.coaching.kept import FOLLOWER as COACHING
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.following.locks import lock_all
from racing_coach_server.telemetry.changing import Labels, LapChanges
from racing_coach_server.telemetry.reading import StoredLaps

_FOLLOWERS: Final = (ANALYSIS, COMPARISON, COACHING)
"""Lower ones first, as everybody takes the locks of several."""
_WHY: Final = "relabelled, and not analysed since"


class Relabelling:
    """Relabels driving sessions. Flushes; the caller commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def relabel(self, session_ids: Sequence[UUID], labels: Labels) -> tuple[int, int]:
        """Give driving sessions, and so all their laps, other labels; the laps are to be analysed and compared anew.

        It waits for followers that are at one of the laps, and for laps that are just being stored in the sessions.

        Returns:
            how many other laps are compared anew, and how many choices of a reference go.
        """
        changes = LapChanges(self._session)
        laps = [lap_id for session_id in sorted(session_ids) for lap_id in await changes.laps_of(session_id)]
        for name in _FOLLOWERS:
            await lock_all(self._session, name, laps)
        others, chosen = await self._forget(laps)
        before = [await changes.relabel(session_id, labels) for session_id in session_ids]
        for track_id, config in {(old["track_id"], old["track_config_name"]) for old in before}:
            assert track_id is not None  # every session has one
            await self._leave_track(track_id, config)
        return others, chosen

    async def _forget(self, laps: Sequence[UUID]) -> tuple[int, int]:
        """Forget what was made of laps by their old labels."""
        chosen = await ReferenceService(self._session).forget_laps(laps)
        others = await ComparisonService(self._session).compare_again(laps)
        await CoachingService(self._session).forget(laps)
        await ComparisonService(self._session).forget(laps)
        await LapAnalysisService(self._session).analyse_again(laps, _WHY)
        return others, chosen

    async def _leave_track(self, track_id: str, config: str | None) -> None:
        """Forget the corners that were found under a track's name, if no lap is left of it: they are of another."""
        if not await StoredLaps(self._session).are_of(track_id, config):
            await TrackMapService(self._session).forget_found(track_id, config)
