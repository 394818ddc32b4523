"""Follows a comparison with the coach's word, and says it to the rig."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.topics import Topics
from racing_coach_server.analytics.comparison.events import LapCompared
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.coaching.coach import Coach
from racing_coach_server.coaching.kept import FOLLOWER, KeptCoaching
from racing_coach_server.coaching.reading import word_of
from racing_coach_server.coaching.service import VERSION, CoachingService
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.feature import Feature
from racing_coach_server.following.follower import Followed, Publication, PublishingFollower
from racing_coach_server.following.frontier import Frontier
from racing_coach_server.messaging.messages import Failure
from racing_coach_server.telemetry.reading import StoredLaps


def coaching(dependencies: Dependencies) -> Feature:
    """The feature."""
    enabled = dependencies.settings.coaching.enabled
    cell = dependencies.settings.cell_name
    followers = [LapCoach(dependencies.once(Coach), dependencies.topics, cell)] if enabled else []
    return Feature("coaching", followers=followers, kept=KeptCoaching)


class LapCoach(PublishingFollower[LapCompared]):
    """Says one thing of every lap, once, while it is fresh."""

    name = FOLLOWER
    version = VERSION
    follows = LapCompared

    def __init__(self, coach: Coach, topics: Topics, cell: str) -> None:
        self._coach = coach
        self._topics = topics
        self._cell = cell
        self._frontier = Frontier(cell)

    async def pending(self, session: AsyncSession, limit: int) -> Sequence[LapCompared]:
        service = CoachingService(session)
        window = await self._frontier.window(session)
        found = await service.pending(limit, window)
        if len(found) < limit:
            await self._frontier.looked(session, [event.stored_at for event in found])
        return [*await service.unsaid(limit - len(found), self._cell), *found]

    async def behind(self, session: AsyncSession) -> int:
        return await CoachingService(session).behind()

    async def is_due(self, session: AsyncSession, event: LapCompared) -> bool:
        return await CoachingService(session).is_due(event.lap_id)

    async def follow(self, session: AsyncSession, event: LapCompared) -> Followed:
        stored = await StoredLaps(session).find(event.lap_id)
        comparison = await ComparisonService(session).find(event.lap_id)
        if stored is None or comparison is None:
            return Followed()  # deleted meanwhile
        message = await self._coach.speak(session, stored)
        values = {"status": "done", "rig_id": stored.rig_id, "message": message.model_dump(mode="json")}
        await CoachingService(session).keep(comparison, values)
        return Followed(log={"advice": [one.key for one in message.advice] or None, "silence": message.silence})

    async def fail(self, session: AsyncSession, event: LapCompared, failure: Failure) -> None:
        stored = await StoredLaps(session).find(event.lap_id)
        comparison = await ComparisonService(session).find(event.lap_id)
        if stored is not None and comparison is not None:
            values = {"status": "failed", "rig_id": stored.rig_id, "detail": failure.reason}
            await CoachingService(session).keep(comparison, values)

    async def publications(self, session: AsyncSession, event: LapCompared) -> Sequence[Publication]:
        found = await CoachingService(session).unpublished(event.lap_id, self._cell)
        stored = await StoredLaps(session).find(event.lap_id)
        if found is None or stored is None:
            return ()
        topic = self._topics.coaching.build(rig=stored.rig_id, car=stored.session.car_id)
        word = word_of(event.lap_id, found[0].message)
        if word is None:
            return ()
        return [Publication(topic, word.model_dump_json().encode())]

    async def published(self, session: AsyncSession, event: LapCompared) -> None:
        await CoachingService(session).was_published(event.lap_id)
