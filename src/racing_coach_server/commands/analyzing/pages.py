"""Goes over laps page by page, the oldest first, and keeps count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.commands.analyzing import plan
from racing_coach_server.commands.analyzing.plan import Track, track_of
from racing_coach_server.commands.analyzing.work import Done, Outcome
from racing_coach_server.commands.analyzing.workers import Told, Workers
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap

PAGE: Final = 100
"""Laps that are known at once. With several workers, what is said of them waits until all of them are analysed."""

_NAMED: Final = 1_000
"""Laps that are named at the end, at most; the others are counted."""


@dataclass(slots=True)
class Tally:
    """How far it came.

    Attributes:
        total: laps to do, when it began.
        outcomes: laps that are done, by what became of them.
        failed: those that failed, with the reason, as many as are named.
        goes_on: when the first lap was received that is not done yet, None if all are.
    """

    total: int
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    failed: list[Done] = field(default_factory=list)
    goes_on: datetime | None = None
    _page: dict[UUID, StoredLap] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Laps that are settled."""
        return sum(self.outcomes.values())

    def begin(self, page: Sequence[StoredLap]) -> None:
        """These are next."""
        self._page = {lap.lap_id: lap for lap in page}
        self.goes_on = page[0].received_at

    def settle(self, done: Done) -> None:
        """One of them is done."""
        if self._page.pop(done.lap_id, None) is None:
            return
        self.outcomes[done.outcome] += 1
        if done.outcome is Outcome.FAILED and len(self.failed) < _NAMED:
            self.failed.append(done)
        for first in self._page.values():
            self.goes_on = first.received_at
            break


@dataclass(frozen=True, slots=True)
class Pages:
    """Laps received between two times, both included."""

    database: Database
    since: datetime | None
    until: datetime
    size: int = PAGE

    async def tally(self) -> Tally:
        """How many there are."""
        async with self.database.transaction() as session:
            return Tally(await StoredLaps(session).count(since=self.since, until=self.until))

    async def do(self, workers: Workers, tally: Tally, tell: Told, *, jobs: int) -> None:
        """Do all of them: with one worker lap by lap, with several as far as laps do not rest on one another.

        Args:
            workers: do it.
            tally: keeps count.
            tell: told of each lap that is done.
            jobs: how many workers there are.
        """

        def settle(done: Done) -> None:
            tally.settle(done)
            tell(done)

        page: Sequence[StoredLap] = await self._next(None)
        while page:
            tally.begin(page)
            if jobs == 1:
                await workers.do(plan.one_by_one(page), settle)
            else:
                await self._do_at_once(page, workers, settle)
            page = await self._next(page[-1])
        tally.goes_on = None

    async def _do_at_once(self, page: Sequence[StoredLap], workers: Workers, settle: Told) -> None:
        failed: set[UUID] = set()

        def analysed(done: Done) -> None:
            if done.outcome in {Outcome.FAILED, Outcome.GONE}:
                failed.add(done.lap_id)
                settle(done)

        await workers.do(plan.analysis(page, await self._without_map(page)), analysed)
        await workers.do(plan.advice(page, failed), settle)

    async def _next(self, after: StoredLap | None) -> Sequence[StoredLap]:
        async with self.database.transaction() as session:
            return await StoredLaps(session).oldest(since=self.since, until=self.until, after=after, limit=self.size)

    async def _without_map(self, page: Sequence[StoredLap]) -> set[Track]:
        async with self.database.transaction() as session:
            maps = TrackMapService(session)
            return {track for track in set(map(track_of, page)) if await maps.current(*track) is None}
