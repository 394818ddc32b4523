"""Whether corners keep their numbers and places whatever line is driven.

On each track laps are driven on lines up to a metre to either side of the usual one. The first of them number the
corners, as in the daemon; every lap is measured through that map. Then the next laps number the corners anew, and the
next, as on another server: all these maps have to be the same, with apexes near those of the track itself, which is the
usual line, recorded as a lap is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from benchmarks.coaching import base, tracks
from benchmarks.coaching.noise import LOOSE, varied, weaving
from benchmarks.coaching.place import PlaceLap, landmarks
from benchmarks.coaching.record import recorded

from racing_coach_analysis.bends import LEAST_TURN_RAD, bends_of
from racing_coach_analysis.corners import LAPS_FOR_MAP, find_corners, number_corners
from racing_coach_analysis.curvature import curvature
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.measures import measure
from racing_coach_analysis.trace import Trace, trace
from racing_coach_analysis.track_map import TrackMap
from racing_coach_rig.sources.read_file import read_file

_ASIDE_M: Final = 0.5
_WIDEST_M: Final = 1.0

_SURELY: Final = 1.1
"""A bend that turns by so many times what a corner must is one, and by so many times less is none, on every map; in
between laps may see it either way."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """Corner numbers of one track.

    Attributes:
        track: its id.
        laps: driven.
        corners: on the map in force, which the first laps gave.
        numbered: laps on which every corner of that map has its apex within its window, nearest to that corner's own.
        same: how many of the maps found anew have the same corners, number for number.
        maps: how many there are.
        laps_a_map: how many laps a map took at most.
        apex_off_m: how far an apex of these maps lies from a bend of the track itself, or a corner of the track from
            the nearest apex, at most.
    """

    track: str
    laps: int
    corners: int
    numbered: int
    same: int
    maps: int
    laps_a_map: int
    apex_off_m: float


def numbering(track: str, laps: int) -> Numbering:
    """Number a track's corners, measure every lap by that, and number them again and again."""
    usual = base.simulated(tracks.track(track), base.driver(base.TUNE_DRIVERS[1]))
    traces = list(_driven(usual, laps))
    maps = list(_maps(traces))
    in_force, own = maps[0][0], _own_bends(usual)
    alike = [one for one, _ in maps if _signature(one) == _signature(in_force)]
    return Numbering(
        track=track,
        laps=len(traces),
        corners=len(in_force.corners),
        numbered=sum(_is_numbered(one, in_force) for one in traces),
        same=len(alike),
        maps=len(maps),
        laps_a_map=max(taken for _, taken in maps),
        apex_off_m=max(_off(one, own, usual.length) for one in alike),
    )


def _driven(usual: PlaceLap, laps: int) -> Iterator[Trace]:
    corners, chance = landmarks(usual), np.random.default_rng([31, len(usual.place)])
    first = None
    for _ in range(laps):
        lap = weaving(varied(usual, corners, LOOSE, chance), _ASIDE_M, chance, widest=_WIDEST_M)
        data = LapData.of(recorded(lap, chance), lap.lap_time)
        one = trace(data, length_m=usual.length) if first is None else trace(data, reference=first)
        first = first or one
        yield one


def _own_bends(usual: PlaceLap) -> list[tuple[float, float]]:
    """Where a track's bends are tightest, m, and how far they turn, rad: on its own line, without a driver's weaving.

    The line is recorded and read as any lap is: the chords that tell a lap's heading run two bends into one that lie
    within metres of each other in one direction, and what is compared has to be measured alike.
    """
    data = LapData.of(recorded(usual, np.random.default_rng(0)), usual.lap_time)
    line = trace(data, length_m=usual.length)
    bend = curvature(line)
    assert bend is not None  # it has coordinates
    found = bends_of(bend[:-1], line.step_m, least_turn=LEAST_TURN_RAD / _SURELY)
    return [(one.apex % (len(bend) - 1) * line.step_m, abs(one.turn)) for one in found]


def _maps(traces: Sequence[Trace]) -> Iterator[tuple[TrackMap, int]]:
    """Maps, each from laps of its own, and how many these were; the last laps may be too few for one more."""
    begin = 0
    for end in range(LAPS_FOR_MAP, len(traces) + 1):
        found = number_corners(traces[begin:end]) if end - begin >= LAPS_FOR_MAP else None
        if found is not None:
            yield found, end - begin
            begin = end


def _signature(one: TrackMap) -> list[tuple[int, str | None]]:
    return [(corner.number, corner.direction) for corner in one.corners]


def _is_numbered(lap: Trace, track_map: TrackMap) -> bool:
    """Whether a lap is tightest in each corner's window where no other corner of the map is nearer."""
    apexes = np.array([corner.apex_pct for corner in track_map.corners])
    for place, corner in enumerate(measure(lap, track_map).corners):
        apex_m = corner.cornering.apex_m
        if apex_m is None:
            return False
        away = (apex_m / lap.length_m - apexes + 0.5) % 1.0 - 0.5
        if int(np.argmin(np.abs(away))) != place:
            return False
    return True


def _off(track_map: TrackMap, own: Sequence[tuple[float, float]], length: float) -> float:
    """How far, m, an apex of a map lies from the nearest bend of the track's own, or an own bend that surely is a
    corner from the nearest apex of the map, at most.
    """
    apexes = np.array([[corner.apex_pct * length] for corner in track_map.corners])
    bends = np.array([place for place, _ in own])
    sure = np.array([turn >= LEAST_TURN_RAD * _SURELY for _, turn in own])
    away = np.abs((apexes - bends + length / 2) % length - length / 2)
    return float(max(away.min(axis=1).max(), away.min(axis=0)[sure].max(initial=0.0)))


def real_corners(path: Path) -> list[float]:
    """Where the corners of a recorded lap are, m."""
    lap = read_file(path).laps[0]
    columns = {name: lap.frames.column(name).to_numpy(zero_copy_only=False) for name in lap.frames.schema.names}
    numbers = {name: values.astype(float) for name, values in columns.items() if values.dtype.kind in "fiub"}
    numbers["session_time"] = columns["session_time"].astype(float)
    traced = trace(LapData.of(numbers, lap.lap_time))
    return [corner.apex_pct * traced.length_m for corner in find_corners([traced]).corners]
