"""What `racing-coach analyze` does with one lap, and what became of it."""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import structlog

from racing_coach_core.exceptions import Fault
from racing_coach_server.analytics.lap_analysis.events import LapAnalysed
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import fault_of, in_words
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.features import FEATURES
from racing_coach_server.following.chain import Chain
from racing_coach_server.messaging.messages import Event
from racing_coach_server.telemetry.events import LapStored
from racing_coach_server.telemetry.reading import StoredLaps

log = structlog.stdlib.get_logger(__name__)

_TRIES: Final = 3
_PAUSE_S: Final = 1.0
"""A deadlock or a moment's outage is over after this; a longer one is the operator's to mend, and the command's end."""


class Part(Enum):
    """What is to be done of a lap."""

    ALL = auto()
    ANALYSIS = auto()
    ADVICE = auto()
    """Comparison and coaching, by the analysis that is there."""


class Outcome(Enum):
    """What became of it."""

    DONE = auto()
    UNUSABLE = auto()
    """It is no lap that could be analysed, which is known now."""
    GONE = auto()
    """It is not stored any more."""
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Done:
    """A lap that was worked on.

    Attributes:
        lap_id: which.
        outcome: what became of it.
        detail: why it is unusable, or has failed.
    """

    lap_id: UUID
    outcome: Outcome
    detail: str | None = None


class Worker:
    """Does laps, one at a time, each in one transaction."""

    def __init__(self, settings: Settings) -> None:
        # Whoever asks for it wants it, whether or not the daemon does it by itself.
        enabled = settings.coaching.model_copy(update={"enabled": True})
        self._dependencies = Dependencies(settings.model_copy(update={"coaching": enabled}))
        followers = [follower for make in FEATURES for follower in make(self._dependencies).followers]
        self._all = Chain(followers)
        self._analysis = Chain([follower for follower in followers if follower.follows is LapStored])
        self._database = Database(create_engine(settings.database, pool_size=1, application="racing-coach analyze"))
        self._where = settings.database.where

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._dependencies.close()
        await self._database.close()

    async def do(self, lap_id: UUID, part: Part) -> Done:
        """Do a lap, and then those that the work on it calls for.

        That is once a track: laps that came before its corners were known are measured by them, too.

        Raises:
            CommandError: the database is in trouble.
        """
        done, others = await self._try(lap_id, part)
        for event in others:
            if isinstance(event, LapStored):
                await self._try(event.lap_id, Part.ALL)
        if others and part is Part.ALL:
            # Of the driver's laps before it, more can be told by now.
            done, _ = await self._try(lap_id, Part.ADVICE)
        return done

    async def _try(self, lap_id: UUID, part: Part) -> tuple[Done, list[Event]]:
        for tries in range(_TRIES, 0, -1):
            try:
                return await self._transact(lap_id, part)
            except Exception as error:
                if fault_of(error) is not Fault.WORLD:
                    # Where a lap lets us down, the others go on; it is named at the end, and here with the place.
                    log.debug("a lap failed", lap_id=str(lap_id), exc_info=error)
                    return Done(lap_id, Outcome.FAILED, f"{type(error).__name__}: {error}".splitlines()[0]), []
                if tries == 1:
                    raise CommandError(
                        f"the database at {self._where} did not do lap {lap_id}: {in_words(error)}; what was done "
                        "before is kept. Check RACING_COACH_DATABASE__URL, and `racing-coach doctor`"
                    ) from error
            await asyncio.sleep(_PAUSE_S)
        raise AssertionError("the last try returns or raises")

    async def _transact(self, lap_id: UUID, part: Part) -> tuple[Done, list[Event]]:
        async with self._database.transaction() as session:
            stored = await StoredLaps(session).find(lap_id)
            if stored is None:
                return Done(lap_id, Outcome.GONE), []
            chain = self._analysis if part is Part.ANALYSIS else self._all
            event = LapAnalysed(lap_id, stored.stored_at) if part is Part.ADVICE else stored.event
            others = await chain.follow(session, event)
            record = await LapAnalysisService(session).find(lap_id)
        if record is not None and record.status == "done":
            return Done(lap_id, Outcome.DONE), [*others]
        return Done(lap_id, Outcome.UNUSABLE, None if record is None else record.detail), [*others]
