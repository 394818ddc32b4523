"""What becomes of analyses, comparisons and coaching where the laps under them change. In the command's transaction."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.followers import LapComparer
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.followers import LapAnalyser
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.coaching.followers import LapCoach
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.following.locks import lock
from racing_coach_server.telemetry.models import LapRecord

_FOLLOWERS: Final = (LapAnalyser.name, LapComparer.name, LapCoach.name)


async def keep_followers_off(session: AsyncSession, lap_ids: Sequence[UUID]) -> None:
    """Wait for a daemon that is at work on one of these laps, and let none begin, until the transaction ends."""
    for lap_id in sorted(lap_ids):
        for name in _FOLLOWERS:
            await lock(session, name, str(lap_id))


async def without_laps(session: AsyncSession, lap_ids: Sequence[UUID]) -> tuple[int, int]:
    """What follows laps that are about to be deleted.

    Returns:
        how many other laps are compared anew, and how many choices of a reference go.
    """
    chosen = await ReferenceService(session).forget_laps(lap_ids)
    return await ComparisonService(session).compare_again(lap_ids), chosen


async def with_other_labels(session: AsyncSession, lap_ids: Sequence[UUID]) -> tuple[int, int]:
    """The same of laps that are of another track, car or driver now: they are analysed, compared and coached anew."""
    found = await without_laps(session, lap_ids)
    await CoachingService(session).forget(lap_ids)
    await ComparisonService(session).forget(lap_ids)
    await LapAnalysisService(session).analyse_again(lap_ids, "relabelled, and not analysed since")
    return found


async def without_their_tracks(session: AsyncSession, tracks: Collection[tuple[str, str | None]]) -> None:
    """What follows where laps have left tracks: a map that was found for one that has no lap any more is of another."""
    for track_id, config in tracks:
        laps = exists().where(LapRecord.track_id == track_id, LapRecord.track_config_name == (config or ""))
        if not (await session.execute(select(laps))).scalar():
            await TrackMapService(session).forget_found(track_id, config)
