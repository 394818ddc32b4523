"""Where on the lap each sample was taken, and when: samples in driving order, every one further on than the last."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Flags, Floats, Indices
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.reasons import NotALapError, Reason

EDGE_PCT: Final = 0.01
"""How far from start/finish the first and the last sample of a whole lap may be, as part of the lap."""

MAX_GAP_PCT: Final = 0.05
"""The longest stretch without a sample in a whole lap."""

_FEWEST_SAMPLES: Final = 30
"""Fewer make no lap: 10 Hz, the slowest telemetry in use, on an oval of 3 s."""

_SPIKE_PCT: Final = 0.01
"""A sample that lies this far from both of its neighbours, which agree with one another, is a glitch."""

_STILL_MPS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one lap that move forwards.

    Attributes:
        index: which of the lap's frames they are.
        pct: place as part of the lap, strictly increasing; a little below 0 before the line and above 1 behind it.
        time_s: the clock's time, strictly increasing.
        furthest_pct: for every frame of the lap, the furthest place reached until then.
    """

    index: Indices
    pct: Floats
    time_s: Floats
    furthest_pct: Floats


def clock_of(lap: LapData) -> Floats:
    """The channel that tells the time.

    Raises:
        NotALapError: there is none.
    """
    for name in ("session_time", "current_lap_time"):
        if name in lap.channels:
            return lap.channels[name]
    raise NotALapError(Reason.MISSING_CHANNELS, "neither session_time nor current_lap_time is there")


def samples_of(lap: LapData) -> Samples:
    """Order the frames of a lap by place.

    LapDistPct jumps from 1 to 0 at the line; here it goes on, so that frames before and behind the line keep their
    place. What moves backwards, stands still or has no place or time is left out.

    Raises:
        NotALapError: the frames are not one lap from line to line.
    """
    if "lap_distance_pct" not in lap.channels:
        raise NotALapError(Reason.MISSING_CHANNELS, "lap_distance_pct is not there")
    time, raw = clock_of(lap), lap.channels["lap_distance_pct"]
    usable = np.flatnonzero(np.isfinite(time) & np.isfinite(raw))
    if len(usable) < _FEWEST_SAMPLES:
        raise NotALapError(Reason.NOT_A_WHOLE_LAP, f"only {len(usable)} frames have a place and a time")
    pct = np.unwrap(raw[usable], period=1.0)
    pct -= np.round(pct[0])
    sane = ~_spikes(pct)
    usable, pct = usable[sane], pct[sane]
    forwards = advancing(pct) & advancing(time[usable])
    _require_whole(lap, pct, pct[forwards])
    furthest = np.full(lap.frames, np.nan)
    furthest[usable] = np.maximum.accumulate(pct)
    index = usable[forwards]
    return Samples(index, pct[forwards], time[index], _carried(furthest))


def _spikes(pct: Floats) -> Flags:
    """Single samples that lie away from both neighbours, on the same side, while those are close together."""
    spikes = np.zeros(len(pct), dtype=np.bool_)
    before, after = pct[1:-1] - pct[:-2], pct[1:-1] - pct[2:]
    spikes[1:-1] = (np.sign(before) == np.sign(after)) & (np.minimum(np.abs(before), np.abs(after)) > _SPIKE_PCT)
    return spikes


def advancing(values: Floats) -> Flags:
    """Which values are larger than all before them."""
    highest = np.maximum.accumulate(values)
    return np.concatenate(([True], values[1:] > highest[:-1]))


def _carried(values: Floats) -> Floats:
    """Fill each unknown value with the last known one before it, those at the start with the first."""
    known = np.flatnonzero(np.isfinite(values))
    last = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    filled: Floats = values[known[np.maximum(last, 0)]]
    return filled


def _require_whole(lap: LapData, pct: Floats, forwards: Floats) -> None:
    speed = lap.channels.get("speed")
    if speed is not None and float(np.nanmax(speed)) < _STILL_MPS:
        raise NotALapError(Reason.STANDSTILL, "the car stands still")
    if pct[-1] < pct[0] and pct[-1] < EDGE_PCT:
        raise NotALapError(Reason.NOT_A_WHOLE_LAP, "driven backwards")
    if forwards[0] > EDGE_PCT:
        raise NotALapError(Reason.NOT_A_WHOLE_LAP, f"begins at {forwards[0]:.1%} of the lap")
    if forwards[-1] < 1 - EDGE_PCT:
        raise NotALapError(Reason.NOT_A_WHOLE_LAP, f"ends at {max(forwards[-1], 0):.1%} of the lap")
    inside = forwards[np.searchsorted(forwards, 0.0) :]
    hole = int(np.argmax(np.diff(inside))) if len(inside) > 1 else 0
    if len(inside) < _FEWEST_SAMPLES or inside[hole + 1] - inside[hole] > MAX_GAP_PCT:
        raise NotALapError(Reason.NOT_A_WHOLE_LAP, "a part of it has no frames")
