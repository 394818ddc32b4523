"""A lap of the numbers in a Garage 61 export."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from racing_coach_core.channels import SAMPLE_RATE_HZ
from racing_coach_core.completeness import EDGE_PCT, MAX_GAP_PCT
from racing_coach_core.lap import frames_from_columns
from racing_coach_core.track_surface import TrackSurface
from racing_coach_core.validation import check_frames
from racing_coach_rig.sources.garage61.numbers import CHANNEL_OF, FIRST_ROW, POSITION, Columns, CsvError, Floats

LAP_NUMBER: Final = 1
"""The file has one lap, without a number."""

_SURFACES: Final = {
    1: TrackSurface.APPROACHING_PITS,
    2: TrackSurface.PIT_STALL,
    3: TrackSurface.ON_TRACK,
    4: TrackSurface.OFF_TRACK,
}
"""`PositionType` as Garage 61's API describes it: 0 unknown, 1 in the pit lane, 2 making a pit stop, 3 on
track, 4 off track. It is not iRacing's `irsdk_TrkLoc`, though both call "on track" 3."""

_WRAP: Final = -0.5
"""A fall of `LapDistPct` by more than this is the start/finish line."""

_MAX_TICKS: Final = SAMPLE_RATE_HZ
"""A car so slow at the line that it needs over a second to the next row may as well stand."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def one_lap(columns: Columns) -> Columns:
    """The rows of the lap, without those of the next lap at the end.

    Raises:
        CsvError: the rows do not cover one lap from start to finish.
    """
    pct = columns["LapDistPct"]
    wraps = np.flatnonzero(np.diff(pct) < _WRAP)
    if wraps.size and np.all(pct[wraps[-1] + 1 :] <= EDGE_PCT):
        columns = {name: values[: wraps[-1] + 1] for name, values in columns.items()}
        pct = columns["LapDistPct"]
    flaw = _flaw(pct)
    if flaw:
        raise CsvError(f"holds no complete lap: {flaw}")
    return columns


def _flaw(pct: Floats) -> str | None:
    """Why the rows are no complete lap, by the rule the daemon has for a valid one."""
    gaps = np.flatnonzero(np.abs(np.diff(pct)) > MAX_GAP_PCT)
    if gaps.size:
        gap = int(gaps[0])
        before, after = pct[gap], pct[gap + 1]
        return f"from row {gap + FIRST_ROW} to the next it jumps from {before:.1%} to {after:.1%} of the lap"
    if pct[0] > EDGE_PCT:
        return f"it begins at {pct[0]:.1%} of the lap"
    if pct[-1] < 1 - EDGE_PCT:
        return f"it ends at {pct[-1]:.1%} of the lap"
    return None


def between_crossings(lap: Columns, rows: Columns) -> float:
    """The time between the two crossings of the line, s.

    Rows alone tell it to two ticks: the line is crossed up to a tick before the first row and after the last one. How
    long before and after, the car's way to the next row tells: at 60 Hz and 40 m/s² it is within 1.4 mm of even motion.

    Args:
        lap: the rows of the lap.
        rows: all rows of the file. If there is one behind the lap, the line lies before it.
    """
    pct = lap["LapDistPct"]
    before = _ticks(pct[0], pct[1] - pct[0])
    after = _ticks(1 - pct[-1], pct[-1] - pct[-2])
    if len(rows["LapDistPct"]) > len(pct):
        after = min(after, 1.0)
    # No finer than the file's digits tell: the same file must give the same time, to the last bit, on every machine.
    return round(float(before + len(pct) - 1 + after) / SAMPLE_RATE_HZ, 6)


def _ticks(way: float, step: float) -> float:
    """How long a car takes for some way that goes so far in a tick; half a tick if it does not move forwards."""
    return min(way / step, _MAX_TICKS) if step > 0 else 0.5


def lap_frames(columns: Columns, began: datetime) -> pa.RecordBatch:
    """The lap as canonical columns.

    Args:
        columns: the rows of one lap.
        began: wall clock of the first row, in UTC.

    Raises:
        CsvError: a value that cannot be stored.
    """
    rows = len(columns["LapDistPct"])
    ticks = np.arange(rows)
    start = (began - _EPOCH) // timedelta(microseconds=1)
    clock = start + np.rint(ticks * (1e6 / SAMPLE_RATE_HZ)).astype(np.int64)
    frames: dict[str, Any] = {CHANNEL_OF[name].name: values for name, values in columns.items() if name != POSITION}
    frames["timestamp"] = pa.array(clock).view(pa.timestamp("us", tz="UTC"))
    frames["session_time"] = ticks / SAMPLE_RATE_HZ
    frames["lap_number"] = np.full(rows, LAP_NUMBER)
    if POSITION in columns:
        frames |= _surface(columns[POSITION])
    try:
        batch = frames_from_columns(frames, rows)
    except pa.ArrowInvalid as error:
        raise CsvError(f"holds a value that cannot be stored: {error}") from error
    errors = check_frames(batch)
    if errors:
        raise CsvError(f"holds a value that cannot be stored: {errors[0]}")
    return batch


def _surface(position: Floats) -> dict[str, Any]:
    """The track surface and whether the car is on pit road, null where Garage 61 does not know."""
    surfaces = np.full(len(position), -1, np.int16)
    for value, surface in _SURFACES.items():
        surfaces[position == value] = surface
    unknown = surfaces < 0
    in_pits = (surfaces == TrackSurface.APPROACHING_PITS) | (surfaces == TrackSurface.PIT_STALL)
    return {
        "track_surface": pa.array(surfaces, mask=unknown),
        "on_pit_road": pa.array(in_pits, mask=unknown),
    }
