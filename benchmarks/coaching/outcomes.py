"""What the coach said beside what was true, stint by stint."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from benchmarks.coaching import stints
from benchmarks.coaching.planting import KINDS, Planted
from benchmarks.coaching.stints import PATTERNS, Stint, World, world

from racing_coach_analysis.advice import advise
from racing_coach_analysis.coaching import Advice, Coaching, Said
from racing_coach_analysis.passages import corner_at

NEAR_M: Final = 40.0
"""Advice is in the right place if it says to act within this of where the fault is, or in the same corner."""

CLEAN_LAPS: Final = 20
_FIRST_JUDGED: Final = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """One stint with a fault, and the first advice of its last lap.

    Attributes:
        world, kind, pattern, cause: what was planted.
        cost_s, action_s: what it cost, without and with the chance in the same action (see `Planted`), mean over the
            laps that have it among the last five.
        said: the cause named, None for silence.
        right_place: whether the first advice is about the fault's place.
        gain_s, low_s, high_s: worth and interval of the first advice, None without one.
        explained: whether there was advice, praise, or a reason for silence.
    """

    world: str
    kind: str
    pattern: str
    cause: str
    cost_s: float
    action_s: float
    said: str | None
    right_place: bool
    gain_s: float | None
    low_s: float | None
    high_s: float | None
    explained: bool


@dataclass(frozen=True, slots=True)
class Clean:
    """One lap without a fault: the keys of the advice that was given all the same."""

    world: str
    keys: tuple[str, ...]
    explained: bool


@dataclass(frozen=True, slots=True)
class Job:
    """All stints of one driver on one track."""

    track: str
    driver: str
    repeats: int
    clean_stints: int
    seed: int


def run(job: Job) -> tuple[list[Outcome], list[Clean]]:
    """Drive the stints of a job, and ask the coach about each."""
    where = world(job.track, job.driver)
    return list(_faulty(where, job)), list(_clean(where, job))


def _faulty(where: World, job: Job) -> Iterator[Outcome]:
    for kind in KINDS:
        for pattern in PATTERNS:
            for repeat in range(job.repeats):
                chance = np.random.default_rng(
                    [job.seed, zlib.crc32(f"{where.name}/{kind}/{pattern}".encode()), repeat]
                )
                stint = stints.faulty(where, kind, pattern, chance)
                if stint is not None:
                    yield _outcome(where, stint, pattern)


def _outcome(where: World, stint: Stint, pattern: str) -> Outcome:
    planted = stint.planted
    assert planted is not None
    said = advise(stint.laps[-1], stint.reference, stint.laps[:-1], [], where.track_map)
    first = said.advice[0] if said.advice else None
    return Outcome(
        world=where.name,
        kind=planted.kind,
        pattern=pattern,
        cause=planted.cause,
        cost_s=planted.cost_s,
        action_s=planted.action_s,
        said=first.cause.value if first else None,
        right_place=first is not None and _in_place(first, planted, where),
        gain_s=first.gain_s if first else None,
        low_s=first.gain_s_low if first else None,
        high_s=first.gain_s_high if first else None,
        explained=_explained(said),
    )


def _in_place(advice: Advice, planted: Planted, where: World) -> bool:
    """Within reach of the fault or within the same corner, and named after a corner between the fault and the slowest
    place that it belongs to.
    """
    length = where.first.length_m
    ends = sorted((planted.at_m, planted.corner_m))
    between = [corner.number for corner in where.track_map.corners if ends[0] < corner.apex_pct * length < ends[1]]
    near = [corner_at(where.track_map, place / length, length) for place in ends]
    numbers = {*between, *(corner.number for corner in near if corner is not None)}
    around = [corner for corner in near if corner and corner.start_pct <= planted.at_m / length <= corner.end_pct]
    inside = any(corner.start_pct <= advice.at_pct <= corner.end_pct for corner in around)
    return (inside or abs(advice.at_m - planted.at_m) <= NEAR_M) and advice.corner in numbers


def _explained(said: Coaching) -> bool:
    spoken = bool(said.advice or said.praise)
    return spoken or (said.silence is not None and bool(said.silence_text))


def _clean(where: World, job: Job) -> Iterator[Clean]:
    """Every lap of a clean stint from the sixth on, against the driver's best until then."""
    for repeat in range(job.clean_stints):
        chance = np.random.default_rng([job.seed, zlib.crc32(f"{where.name}/clean".encode()), repeat])
        laps = stints.clean(where, CLEAN_LAPS, chance)
        spoken: list[Said] = []
        for number in range(_FIRST_JUDGED, len(laps)):
            best = min(laps[:number], key=lambda lap: lap.lap_time)
            said = advise(laps[number], best, laps[:number], spoken, where.track_map)
            spoken.append(Said.of(said))
            yield Clean(where.name, tuple(advice.key for advice in said.advice), _explained(said))
