"""What is asked of the database of laps: by people, for every lap, every minute, and at a daemon's start."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.analytics.lap_analysis.schemas import Combination
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.following.frontier import Frontier
from racing_coach_server.lifecycle.pruning import Pruning
from racing_coach_server.lifecycle.subjects import Kind, Subject
from racing_coach_server.lifecycle.sweep import first_of
from racing_coach_server.rejected.service import RejectedMessages
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.search.schemas import LapFilter, LapSort
from racing_coach_server.telemetry.search.service import LapSearch


@dataclass(frozen=True)
class Asked:
    """One lap about which is asked, and who drove it, where and with what."""

    lap: LapAnalysisRecord
    rig: str

    @property
    def where(self) -> Combination:
        return Combination(self.lap.track_id, self.lap.track_config_name, self.lap.car_id)


type Ask = Callable[[AsyncSession, Asked], Awaitable[object]]


async def _first(service: Any, session: AsyncSession) -> object:
    """A daemon's first question."""
    return await service.pending(100, await Frontier().window(session))


async def _later(service: Any, session: AsyncSession) -> object:
    """A catch-up's question, after a first one."""
    frontier = Frontier()
    await frontier.looked(session, [])
    return await service.pending(100, await frontier.window(session))


def _page(**more: Any) -> Ask:
    """A page of the list. Values that are functions are taken of the lap."""

    async def ask(session: AsyncSession, asked: Asked) -> object:
        options = {name: more[name] for name in ("sort", "reverse", "limit") if name in more}
        which = {name: value(asked) for name, value in more.items() if name not in options}
        return await LapSearch(session).page(LapFilter(**which), **options)

    return ask


def _track(asked: Asked) -> str:
    return asked.lap.track_id


def _car(asked: Asked) -> str:
    return asked.lap.car_id


def _driver(asked: Asked) -> str:
    return asked.lap.driver


async def _second_page(session: AsyncSession, asked: Asked) -> object:
    which = LapFilter(track_id=_track(asked))
    first = await LapSearch(session).page(which)
    return await LapSearch(session).page(which, cursor=first.cursor)


async def _erase(session: AsyncSession, asked: Asked) -> object:
    laps = select(LapRecord.id, LapRecord.frame_count).where(Subject(Kind.DRIVER, _driver(asked)).owns)
    return await first_of(session, laps.order_by(LapRecord.received_at.desc(), LapRecord.id))


BY_PEOPLE: dict[str, Ask] = {
    "list": _page(),
    "list, of a track": _page(track_id=_track),
    "list, of a track, second page": _second_page,
    "list, of a car": _page(car_id=_car),
    "list, of a driver": _page(driver=_driver),
    "list, of a driver on a track": _page(driver=_driver, track_id=_track),
    "list, of a rig": _page(rig_id=lambda asked: asked.rig),
    "list, the fastest on a track in a car": _page(track_id=_track, car_id=_car, sort=LapSort.TIME),
    "list, driven last": _page(sort=LapSort.DRIVEN),
    "latest": _page(limit=1),
    "latest of a driver": _page(limit=1, driver=_driver),
    "best per track and car": lambda session, asked: LapSearch(session).best(
        LapFilter(track_id=_track(asked), track_config_name=asked.lap.track_config_name, car_id=_car(asked))
    ),
    "best of a driver": lambda session, asked: LapSearch(session).best(LapFilter(driver=_driver(asked))),
    "show": lambda session, asked: StoredLaps(session).find(asked.lap.lap_id),
    "show, by the first digits": lambda session, asked: LapSearch(session).identified(str(asked.lap.lap_id)[:8]),
    "references that were chosen": lambda session, asked: ReferenceService(session).chosen(_driver(asked)),
    "coaching of a rig": lambda session, asked: CoachingService(session).newest(asked.rig, limit=10),
    "rejected messages": lambda session, _: RejectedMessages(session).newest(),
}
FOR_EVERY_LAP: dict[str, Ask] = {
    "is an analysis due": lambda session, asked: LapAnalysisService(session).is_due(asked.lap.lap_id),
    "is a comparison due": lambda session, asked: ComparisonService(session).is_due(asked.lap.lap_id),
    "is coaching due": lambda session, asked: CoachingService(session).is_due(asked.lap.lap_id),
    "the reference": lambda session, asked: ReferenceService(session).of(asked.lap),
    "the driver's best other lap": lambda session, asked: ReferenceService(session).best_other(asked.lap),
    "the driver's laps before": lambda session, asked: LapAnalysisService(session).before(asked.lap, limit=20),
    "the fastest lap of the car": lambda session, asked: LapAnalysisService(session).fastest(
        asked.where, besides=asked.lap.lap_id
    ),
    "laps without a map": lambda session, asked: LapAnalysisService(session).without_map(
        asked.where, besides=asked.lap.lap_id, limit=4
    ),
    "what was said": lambda session, asked: CoachingService(session).said([asked.lap.lap_id]),
    "what is to be published of it": lambda session, asked: CoachingService(session).unpublished(
        asked.lap.lap_id, "a cell"
    ),
}
EVERY_MINUTE: dict[str, Ask] = {
    "laps to analyse": lambda session, _: _later(LapAnalysisService(session), session),
    "laps to compare": lambda session, _: _later(ComparisonService(session), session),
    "laps to speak of": lambda session, _: _later(CoachingService(session), session),
    "what is to be published": lambda session, _: CoachingService(session).unsaid(100, "a cell"),
}
IN_BATCHES: dict[str, Ask] = {
    "laps to prune": lambda session, _: Pruning(session).next(datetime.now(UTC) - timedelta(days=300)),
    "laps to erase": _erase,
}
AT_THE_START: dict[str, Ask] = {
    "all laps to analyse": lambda session, _: _first(LapAnalysisService(session), session),
    "all laps to compare": lambda session, _: _first(ComparisonService(session), session),
    "all laps to speak of": lambda session, _: _first(CoachingService(session), session),
    "how many to analyse": lambda session, _: LapAnalysisService(session).behind(),
    "how many to compare": lambda session, _: ComparisonService(session).behind(),
    "how many to speak of": lambda session, _: CoachingService(session).behind(),
}
"""Once in a daemon's life, and the numbers after each batch of what it missed."""

QUICK = BY_PEOPLE | FOR_EVERY_LAP | EVERY_MINUTE | IN_BATCHES


async def laps_to_ask_about(session: AsyncSession) -> list[Asked]:
    """The newest and the oldest lap, the newest of the track and car that most laps are of, and the first that was
    driven there; and that of a driver who has driven the most."""
    count = (await session.execute(select(func.count()).select_from(LapRecord))).scalar_one()
    combination = (LapAnalysisRecord.track_id, LapAnalysisRecord.track_config_name, LapAnalysisRecord.car_id)
    most = (
        await session.execute(select(*combination).group_by(*combination).order_by(func.count().desc()).limit(1))
    ).one()
    there = [column == value for column, value in zip(combination, most, strict=True)]
    by_time = LapAnalysisRecord.driven_at
    found: dict[UUID, LapAnalysisRecord] = {}
    for statement in (
        select(LapAnalysisRecord).order_by(by_time.desc()).limit(1),
        select(LapAnalysisRecord).order_by(by_time).limit(1),
        select(LapAnalysisRecord).where(*there).order_by(by_time.desc()).limit(1),
        select(LapAnalysisRecord).where(*there).order_by(by_time).limit(1),
        select(LapAnalysisRecord).order_by(by_time).offset(count // 2).limit(1),
    ):
        lap = (await session.scalars(statement)).one()
        found[lap.lap_id] = lap
    laps = StoredLaps(session)
    return [Asked(lap, stored.rig_id) for lap in found.values() if (stored := await laps.find(lap.lap_id)) is not None]
