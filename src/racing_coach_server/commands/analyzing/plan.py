"""In which order the laps of a page are done, and which of them at the same time."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from racing_coach_server.analytics.lap_analysis.schemas import Combination, driver_of
from racing_coach_server.commands.analyzing.work import Part
from racing_coach_server.telemetry.schemas import StoredLap

type Track = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """Laps that are done one after another, by one worker."""

    lap_ids: tuple[UUID, ...]
    part: Part


type Stage = Sequence[Run]
"""Runs that may be done at the same time."""


def track_of(lap: StoredLap) -> Track:
    """Track and configuration: what has a map, or none yet."""
    where = Combination.of(lap)
    return where.track_id, where.track_config_name


def one_by_one(page: Sequence[StoredLap]) -> Stage:
    """Everything of one lap, then of the next."""
    return [Run((lap.lap_id,), Part.ALL) for lap in page]


def analysis(page: Sequence[StoredLap], without_map: Collection[Track]) -> Stage:
    """Every lap on its own, but for those of a track without a map: its corners are found in the first ones."""
    return _runs(page, (track_of(lap) if track_of(lap) in without_map else lap.lap_id for lap in page), Part.ANALYSIS)


def advice(page: Sequence[StoredLap], failed: Collection[UUID]) -> Stage:
    """What is said of a lap rests on what was said of the driver's laps before, in the same car on the same track."""
    laps = [lap for lap in page if lap.lap_id not in failed]
    return _runs(laps, ((driver_of(lap), Combination.of(lap)) for lap in laps), Part.ADVICE)


def _runs(laps: Sequence[StoredLap], keys: Iterable[Hashable], part: Part) -> Stage:
    runs: defaultdict[Hashable, list[UUID]] = defaultdict(list)
    for lap, key in zip(laps, keys, strict=True):
        runs[key].append(lap.lap_id)
    return [Run(tuple(lap_ids), part) for lap_ids in runs.values()]
