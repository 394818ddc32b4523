"""Drives to be split, made up."""

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from racing_coach_rig.sources.splitting.splitter import (
    DriveFrames,
    LapSplitter,
    SplitResult,
)

DT = 1 / 60


TYPES: dict[str, type] = {
    "session_time": np.float64,
    "lap_number": np.int32,
    "lap_distance_pct": np.float32,
    "track_surface": np.int32,
    "on_pit_road": np.bool_,
    "is_driving": np.bool_,
    "session": np.int64,
}


def frames(pct: Any, **columns: Any) -> DriveFrames:
    wraps = np.array([before - after > 0.5 for before, after in pairwise(pct)], int)
    values: dict[str, Any] = {
        "session_time": 100 + np.arange(len(pct)) * DT,
        "lap_number": 5 + np.concatenate([[0], np.cumsum(wraps)])[: len(pct)],
        "lap_distance_pct": pct,
        **columns,
    }
    return DriveFrames(**{name: None if v is None else np.asarray(v, TYPES[name]) for name, v in values.items()})


def part(drive: DriveFrames, start: int, stop: int) -> DriveFrames:
    columns = {n: getattr(drive, n) for n in DriveFrames.__slots__}
    return DriveFrames(**{n: None if v is None else v[start:stop] for n, v in columns.items()})


def feed_in_chunks(drive: DriveFrames, cuts: list[int], max_frames: int = 120_000) -> SplitResult:
    total = len(drive.lap_distance_pct)
    splitter = LapSplitter(max_frames=max_frames)
    result = SplitResult()
    edges = [0, *sorted(min(c, total) for c in cuts), total]
    for start, stop in pairwise(edges):
        kept = splitter.keep_from
        found = splitter.feed(part(drive, start, stop))
        assert all(lap.start >= kept for lap in found.laps), "a lap's frames were given up before"
        result.laps.extend(found.laps)
        result.incomplete.extend(found.incomplete)
    rest = splitter.finish()
    return SplitResult(result.laps + rest.laps, result.incomplete + rest.incomplete)


def even(count: int, per_lap: int = 100, before: int = 30, after: int = 30) -> np.ndarray:
    return (np.arange(-before, count * per_lap + after) + 0.5) / per_lap % 1.0


@st.composite
def drives(draw: st.DrawFn) -> tuple[DriveFrames, list[int], list[float]]:
    """A drive over several laps; the frame at which each crossing is, and the true time of it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    durations = np.array(draw(st.lists(st.floats(0.7, 5.0), min_size=1, max_size=6)))
    head = draw(st.floats(0.05, 0.9))
    tail = draw(st.floats(0.05, 0.9))
    crossings = 100 + head + np.concatenate([[0], np.cumsum(durations)])
    # Even speed within each lap, so that interpolated crossings are exact; the stretches before and behind too.
    times_at = np.concatenate([[100], crossings, [crossings[-1] + tail]])
    distance_at = np.concatenate([[1 - head / 4], np.arange(1, len(crossings) + 1), [len(crossings) + tail / 4]])
    times = np.arange(100, times_at[-1], DT)
    jitter = rng.uniform(0, DT / 20)
    distance = np.interp(times + jitter, times_at, distance_at)
    lap = 7 + np.floor(np.interp(times + rng.uniform(-0.05, 0.05), times_at, distance_at)).astype(int)
    drive = frames(distance % 1.0, session_time=times + jitter, lap_number=lap)
    starts = [int(i) + 1 for i in np.flatnonzero(np.diff(np.floor(distance)) > 0)]
    return drive, starts, crossings.tolist()


@st.composite
def wild(draw: st.DrawFn) -> DriveFrames:
    """Anything a simulator could say, and more."""
    n = draw(st.integers(0, 60))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=n, max_size=n))

    pct = column(
        st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.3, 0.33, 0.5, 0.98, 0.99, 0.999, 1.0, -1.0, np.nan, np.inf])
    )
    return frames(
        pct,
        session_time=np.cumsum(column(st.sampled_from([0.0, DT, DT, DT, 2.0, -1.0]))),
        lap_number=column(st.integers(-1, 3)),
        track_surface=draw(st.none() | st.just(column(st.integers(-1, 3)))),
        on_pit_road=draw(st.none() | st.just(column(st.booleans()))),
        is_driving=draw(st.none() | st.just(column(st.booleans()))),
        session=draw(st.none() | st.just(column(st.integers(0, 1)))),
    )
