"""A lap as the coach remembers it: small enough to keep for every lap, enough to compare any two of them again."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from racing_coach_analysis.arrays import Floats
from racing_coach_analysis.curvature import curvature
from racing_coach_analysis.reasons import Exclusion, Reason
from racing_coach_analysis.trace import Trace

STEP_M: Final = 4.0
"""From one place to the next. At 60 m/s a car is sampled once a metre; pedals move over ten."""

VERSION: Final = 1
"""Goes up when what is kept changes. A lap kept in another version is analysed again."""

_KEPT: Final = {"speed": (0.01, "<u2"), "throttle": (0.004, "u1"), "brake": (0.004, "u1"), "gear": (1.0, "i1")}
_CURVATURE: Final = (1e-5, "<i2")
_TIME: Final = (1e-4, "<u4")
"""Unit of the last digit, and type, in which a channel is written down; the largest value stands for "not known"."""

_HOW: Final = {**_KEPT, "curvature": _CURVATURE}


@dataclass(frozen=True, slots=True)
class Analysed:
    """One lap on a coarse grid of equal steps from the line (0) to the line (1), both ends included.

    Attributes:
        lap_time: s.
        length_m: of the lap, m.
        time_s: since the line at each place, s.
        channels: `speed` (m/s), `throttle`, `brake` (0 to 1), `gear`, `curvature` (rad/m, positive to the left), as far
            as the lap has them; NaN where not known.
        exclusions: what of the lap says nothing.
    """

    lap_time: float
    length_m: float
    time_s: Floats
    channels: Mapping[str, Floats]
    exclusions: tuple[Exclusion, ...] = ()

    @property
    def steps(self) -> int:
        return len(self.time_s) - 1

    def excluded(self, from_pct: float, to_pct: float) -> Reason | None:
        """The first reason why a stretch says nothing, None when it does."""
        touching = (one for one in self.exclusions if one.from_pct < to_pct and one.to_pct > from_pct)
        return next((one.reason for one in touching), None)

    def on(self, steps: int) -> "Analysed":
        """The same lap on a grid of another number of steps."""
        if steps == self.steps:
            return self
        pct, own = np.linspace(0, 1, steps + 1), np.linspace(0, 1, self.steps + 1)
        nearest = np.round(pct * self.steps).astype(np.intp)
        channels = {
            name: values[nearest] if name == "gear" else np.interp(pct, own, values)
            for name, values in self.channels.items()
        }
        return Analysed(self.lap_time, self.length_m, np.interp(pct, own, self.time_s), channels, self.exclusions)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads: about 3 kB a kilometre."""
        return {
            "version": VERSION,
            "lap_time": self.lap_time,
            "length_m": self.length_m,
            "time_s": _written(self.time_s, *_TIME),
            "channels": {name: _written(values, *_HOW[name]) for name, values in self.channels.items()},
            "exclusions": [[one.from_pct, one.to_pct, one.reason.value] for one in self.exclusions],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Analysed":
        """A lap that `to_json` wrote.

        Raises:
            ValueError: it was written in another version.
        """
        if kept.get("version") != VERSION:
            raise ValueError(f"this lap was kept in version {kept.get('version')}, not {VERSION}")
        return cls(
            kept["lap_time"],
            kept["length_m"],
            _read(kept["time_s"], *_TIME),
            {name: _read(text, *_HOW[name]) for name, text in kept["channels"].items()},
            tuple(Exclusion(start, end, Reason(reason)) for start, end, reason in kept["exclusions"]),
        )


def analysed(trace: Trace) -> Analysed:
    """Keep of a lap what the coach needs."""
    steps = max(round(trace.length_m / STEP_M), 1)
    pct = np.linspace(0, 1, steps + 1)
    channels = {name: trace.channels[name] for name in _KEPT if name in trace.channels}
    bend = curvature(trace)
    if bend is not None:
        channels["curvature"] = bend
    nearest = np.round(pct * (len(trace.pct) - 1)).astype(np.intp)
    return Analysed(
        lap_time=trace.lap_time,
        length_m=trace.length_m,
        time_s=np.interp(pct, trace.pct, trace.time_s),
        channels={
            name: values[nearest] if name == "gear" else np.interp(pct, trace.pct, values)
            for name, values in channels.items()
        },
        exclusions=trace.exclusions,
    )


def _written(values: Floats, unit: float, kind: str) -> str:
    """Whole numbers of units, little-endian, in base64."""
    limits = np.iinfo(kind)
    whole = np.clip(np.round(np.nan_to_num(values, nan=0.0) / unit), limits.min, limits.max - 1)
    return base64.b64encode(np.where(np.isfinite(values), whole, limits.max).astype(kind).tobytes()).decode()


def _read(text: str, unit: float, kind: str) -> Floats:
    whole = np.frombuffer(base64.b64decode(text), dtype=kind)
    return np.where(whole == np.iinfo(kind).max, np.nan, whole * unit)
