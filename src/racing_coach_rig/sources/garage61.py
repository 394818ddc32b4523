"""One lap of a Garage 61 export (.csv).

The file has a row for every sample at 60 Hz and no clock, so the lap time is the number of rows over 60,
and the session time counts from the first row. The wall clock is not in the file either: timestamps begin
at 1970 unless the caller knows better, so that the same file always gives the same lap.

Track, car and driver stand in the name that the export gives its file, `Garage 61 - driver - car - track -
lap time - id.csv`. What the caller says counts more, and what nobody says is `unknown`.

The session's id is a UUIDv5 of the file's bytes and of track, car and `recorded_at`. The file published
again is a duplicate. The file published with another track or car is another session: the daemon would
reject a known session with another track, and a forgotten `--track` could never be made good.
"""

import csv
import hashlib
import io
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from racing_coach_core.channels import CHANNELS, SAMPLE_RATE_HZ
from racing_coach_core.completeness import EDGE_PCT, MAX_GAP_PCT
from racing_coach_core.frames import SessionFrame, parse_timestamp
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap, frames_from_columns
from racing_coach_core.topics import to_segment
from racing_coach_core.validation import check_frames
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.result import MAX_NAME, UNKNOWN, SourceResult
from racing_coach_rig.sources.splitter import APPROACHING_PITS, OFF_TRACK, ON_TRACK, PIT_STALL

type Floats = npt.NDArray[np.float64]
type Columns = dict[str, Floats]
"""Garage 61's column names to values."""

GARAGE61_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://garage61.net/")
LAP_NUMBER: Final = 1
FIRST_ROW: Final = 2
"""Errors count rows as a spreadsheet does: row 1 is the header."""

_COLUMNS: Final = {c.iracing: c for c in CHANNELS if c.iracing}
"""Garage 61 calls its columns what iRacing calls its variables."""

_CHANNEL_COLUMNS: Final = _COLUMNS.keys() - {"SessionTime", "Lap"}
"""Columns that are read. A clock and a lap counter would be, but the file's one lap has its own."""

_REQUIRED: Final = tuple(n for n, c in _COLUMNS.items() if c.required and n in _CHANNEL_COLUMNS)

_POSITION: Final = "PositionType"
_SURFACES: Final = {1: APPROACHING_PITS, 2: PIT_STALL, 3: ON_TRACK, 4: OFF_TRACK}
"""`PositionType` as Garage 61's API describes it: 0 unknown, 1 in the pit lane, 2 making a pit stop, 3 on
track, 4 off track. It is not iRacing's `irsdk_TrkLoc`, though both call "on track" 3."""

_WRAP: Final = -0.5
"""A fall of `LapDistPct` by more than this is the start/finish line."""

_MAX_BYTES: Final = 128 * 2**20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ExportName(NamedTuple):
    """What the name of an exported file says, `None` where it says nothing."""

    driver: str | None
    car: str | None
    track: str | None


def parse_export_name(path: Path) -> ExportName:
    """Read the name that Garage 61 gives an exported lap.

    A name with another number of parts is not guessed at: a hyphen could stand in any of them.

    >>> parse_export_name(Path("Garage 61 - A Driver - MX-5 Cup - Road Atlanta - 01.18.783 - 01K.csv"))
    ExportName(driver='A Driver', car='MX-5 Cup', track='Road Atlanta')
    >>> parse_export_name(Path("lap.csv"))
    ExportName(driver=None, car=None, track=None)
    """
    match path.stem.split(" - "):
        case ["Garage 61", driver, car, track, _lap_time, _id]:
            return ExportName(driver.strip(), car.strip(), track.strip())
        case _:
            return ExportName(None, None, None)


def read_garage61(
    path: Path,
    *,
    track: str | None = None,
    car: str | None = None,
    recorded_at: datetime | None = None,
) -> SourceResult:
    """Read the lap of a Garage 61 export.

    Args:
        path: the file.
        track: a name that counts more than the file's name.
        car: likewise.
        recorded_at: wall clock of the first row; a naive one is UTC.

    Returns:
        One lap, with lap number 1.

    Raises:
        SourceError: not readable, a required column missing, a cell that is no number, or no complete lap.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(path, f"cannot be read: {error.strerror or error}") from error
    try:
        columns = _one_lap(_numbers(_cells(content)))
        frames = _frames(columns, recorded_at)
    except _CsvError as error:
        raise SourceError(path, str(error)) from error
    name = parse_export_name(path)
    session = _session(content, track or name.track, car or name.car, recorded_at)
    lap_time = frames.num_rows / SAMPLE_RATE_HZ
    lap = Lap(lap_id_for(session.session_id, LAP_NUMBER), session, lap_time, frames)
    return SourceResult(laps=[lap], sessions=[session], notes=list(_notes(session)), driver=name.driver)


class _CsvError(ValueError):
    """What is wrong with the file's content."""


def _cells(content: bytes) -> pa.Table:
    """The columns that are channels, as text."""
    names = _header(content)
    wanted = [n for n in names if n in _CHANNEL_COLUMNS or n == _POSITION]
    missing = [n for n in _REQUIRED if n not in wanted]
    if missing:
        raise _CsvError(
            f"lacks the column {', '.join(missing)}:"
            " a Garage 61 export begins with a line of column names, with commas between them"
        )
    twice = [n for n, count in Counter(wanted).items() if count > 1]
    if twice:
        raise _CsvError(f"has the column {', '.join(twice)} twice")
    if b"\n" not in content.strip():
        raise _CsvError("has column names but no rows")
    return _read_csv(content, names, wanted)


def _header(content: bytes) -> list[str]:
    if not content.strip():
        raise _CsvError("is empty")
    if len(content) > _MAX_BYTES:
        raise _CsvError(f"is too large for one lap: {len(content):,} bytes of at most {_MAX_BYTES:,}")
    try:
        line = content.split(b"\n", 1)[0].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _CsvError("is not UTF-8 text") from error
    return [name.strip() for name in next(csv.reader([line]), [])]


def _read_csv(content: bytes, names: list[str], wanted: list[str]) -> pa.Table:
    torn: list[str] = []

    def on_torn_row(row: arrow_csv.InvalidRow) -> Literal["error"]:
        torn.append(
            f"row {row.number} has {row.actual_columns} cells where the header has"
            f" {row.expected_columns}: export the file again"
        )
        return "error"

    try:
        return arrow_csv.read_csv(
            io.BytesIO(content),
            # One block and one thread: only then do torn rows have a number.
            arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names, skip_rows=1),
            arrow_csv.ParseOptions(invalid_row_handler=on_torn_row),
            arrow_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _CsvError(torn[0] if torn else f"is no CSV file: {error}") from error


def _numbers(cells: pa.Table) -> Columns:
    """Every column as float64; an empty cell is NaN where the channel may be missing."""
    columns: Columns = {}
    for name in cells.column_names:
        text = pc.utf8_trim_whitespace(cells[name].combine_chunks())
        try:
            numbers = pc.cast(text, pa.float64())
        except pa.ArrowInvalid as error:
            raise _CsvError(_first_non_number(name, text.to_pylist())) from error
        if numbers.null_count and name in _REQUIRED:
            row = text.to_pylist().index(None)
            raise _CsvError(f"row {row + FIRST_ROW}, column {name}: is empty")
        columns[name] = numbers.to_numpy(zero_copy_only=False)
    return columns


def _first_non_number(name: str, cells: list[str | None]) -> str:
    """Find the cell that is no number; only for the error message."""
    for row, cell in enumerate(cells, start=FIRST_ROW):
        try:
            pc.cast(pa.scalar(cell, pa.string()), pa.float64())
        except pa.ArrowInvalid:
            return f"row {row}, column {name}: {cell!r} is not a number"
    raise AssertionError(name)


def _one_lap(columns: Columns) -> Columns:
    """The rows of the lap, without those of the next lap at the end.

    Raises:
        _CsvError: the rows do not cover one lap from start to finish.
    """
    pct = columns["LapDistPct"]
    wraps = np.flatnonzero(np.diff(pct) < _WRAP)
    if wraps.size and np.all(pct[wraps[-1] + 1 :] <= EDGE_PCT):
        columns = {name: values[: wraps[-1] + 1] for name, values in columns.items()}
        pct = columns["LapDistPct"]
    flaw = _flaw(pct)
    if flaw:
        raise _CsvError(f"holds no complete lap: {flaw}")
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


def _frames(columns: Columns, recorded_at: datetime | None) -> pa.RecordBatch:
    """Canonical columns."""
    rows = len(columns["LapDistPct"])
    ticks = np.arange(rows)
    start = (_wall_clock(recorded_at) - _EPOCH) // timedelta(microseconds=1)
    clock = start + np.rint(ticks * (1e6 / SAMPLE_RATE_HZ)).astype(np.int64)
    frames: dict[str, Any] = {_COLUMNS[name].name: values for name, values in columns.items() if name != _POSITION}
    frames["timestamp"] = pa.array(clock).view(pa.timestamp("us", tz="UTC"))
    frames["session_time"] = ticks / SAMPLE_RATE_HZ
    frames["lap_number"] = np.full(rows, LAP_NUMBER)
    if _POSITION in columns:
        frames |= _surface(columns[_POSITION])
    try:
        batch = frames_from_columns(frames, rows)
    except pa.ArrowInvalid as error:
        raise _CsvError(f"holds a value that cannot be stored: {error}") from error
    errors = check_frames(batch)
    if errors:
        raise _CsvError(f"holds a value that cannot be stored: {errors[0]}")
    return batch


def _surface(position: Floats) -> dict[str, Any]:
    """The track surface and whether the car is on pit road, null where Garage 61 does not know."""
    surfaces = np.full(len(position), -1, np.int16)
    for value, surface in _SURFACES.items():
        surfaces[position == value] = surface
    unknown = surfaces < 0
    in_pits = (surfaces == APPROACHING_PITS) | (surfaces == PIT_STALL)
    return {
        "track_surface": pa.array(surfaces, mask=unknown),
        "on_pit_road": pa.array(in_pits, mask=unknown),
    }


def _wall_clock(recorded_at: datetime | None) -> datetime:
    return parse_timestamp(recorded_at) if recorded_at else _EPOCH


def _notes(session: SessionFrame) -> Iterator[str]:
    unknown = [what for what, name in (("track", session.track_name), ("car", session.car_name)) if name == UNKNOWN]
    if unknown:
        options = " and ".join(f"--{what}" for what in unknown)
        yield (
            f"the file's name does not say the {' and the '.join(unknown)}, so it is '{UNKNOWN}'; published again with "
            f"{options} it is another lap"
        )


def _session(content: bytes, track: str | None, car: str | None, recorded_at: datetime | None) -> SessionFrame:
    track_name, car_name = (track or UNKNOWN)[:MAX_NAME], (car or UNKNOWN)[:MAX_NAME]
    track_id, car_id = to_segment(track_name), to_segment(car_name)
    clock = _wall_clock(recorded_at)
    name = f"{hashlib.sha256(content).hexdigest()} {track_id} {car_id} {clock.isoformat()}"
    return SessionFrame(
        session_id=uuid.uuid5(GARAGE61_NAMESPACE, name),
        timestamp=parse_timestamp(recorded_at) if recorded_at else None,
        track_id=track_id,
        track_name=track_name,
        car_id=car_id,
        car_name=car_name,
    )
