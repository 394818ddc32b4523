"""Laps of an iRacing telemetry file (.ibt).

iRacing writes one while the driver is in the car. It is a header, the descriptions of about 280 variables,
the session info, and 60 records a second until the driver leaves the car. What the header says about the
length is filled in only then, so it is not believed: the file's size is. A file that is still being
written, or that was cut short, ends in a part of a record, which is left out.

The wall clock: `sessionStartDate` of the disk header is when the recording began, to the second; so
iRacing's own example of a writer fills it (`irsdk_writeTest.cpp` of its SDK). A frame's timestamp is that
date plus how far its session time is from the first frame's. `sessionStartTime`, the first frame's session
time, is not read: a file that is still being written has a zero there.

One file is one driving session, or several where iRacing changed from practice to the race in between. The
session's id is a UUIDv5 of the first record, byte for byte, of the rig, and of everything else that ends up in
what is stored: date, track and configuration, car, and which session of the file it is. None of that changes
while the file grows, so the same laps get the same ids when it is read again. Two files of one race have
different first records and are two sessions; their laps can never be taken for each other.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import irsdk  # type: ignore[import-untyped]  # pyirsdk has no types
import numpy as np

from racing_coach_core.frames import SessionFrame
from racing_coach_core.wire_types import parse_timestamp
from racing_coach_rig.exceptions import FileAccessError, SourceError
from racing_coach_rig.sources.bounded import check_regular
from racing_coach_rig.sources.iracing.records import (
    LayoutError,
    Records,
    UnusableLapError,
    build_lap,
    drive_frames,
    missing_variables,
    read_header,
    record_type,
    session_codes,
    session_number,
)
from racing_coach_rig.sources.iracing.session_info import SessionInfo, read_session_info
from racing_coach_rig.sources.labels import NO_LABELS, Labels
from racing_coach_rig.sources.result import RefusedLap, SourceResult
from racing_coach_rig.sources.splitting.splitter import split

IBT_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://www.iracing.com/ibt")
_DISK_HEADER_OFFSET: Final = 112
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SESSION_TIME_S: Final = 1e9
"""Thirty years; beyond it microseconds no longer fit the clock."""
_LATEST_DATE: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class _Recording:
    """What was found in a file.

    Attributes:
        records: the complete records, in the file's memory map.
        first_record: the bytes of the first one, all variables of it.
        began: wall clock of the first record.
        info: the session info.
        notes: what is wrong with the file.
        rig: which reads it.
    """

    records: Records
    first_record: bytes
    began: datetime
    info: SessionInfo
    notes: list[str]
    rig: str = ""

    @property
    def clock_us(self) -> int:
        """Wall clock at session time 0, µs since 1970."""
        since_zero = round(float(self.records["SessionTime"][0]) * 1e6)
        return (self.began - _EPOCH) // timedelta(microseconds=1) - since_zero

    def session(self, code: int) -> SessionFrame:
        """The driving session that one of the records' session codes stands for."""
        first = hashlib.sha256(self.first_record).hexdigest()
        info = self.info
        track = f"{info.track_id} {info.track_config_name or ''}"
        name = f"{first} {self.rig} {self.began.isoformat()} {code} {track} {info.car_id}"
        return self.info.frame(uuid.uuid5(IBT_NAMESPACE, name), session_number(code), self.began)


def read_ibt(path: Path, labels: Labels = NO_LABELS) -> SourceResult:
    """Read the complete laps of an .ibt file.

    Args:
        path: the file; it may still be growing.
        labels: count more than what the file says.

    Returns:
        The complete laps, and the reason for all other frames.

    Raises:
        SourceError: no .ibt file, or one without the variables that every lap needs.
    """
    size = check_regular(path)
    try:
        recording = _open(path, size)
    except OSError as error:
        raise FileAccessError(path, error) from error
    except LayoutError as error:
        raise SourceError(path, f"is no .ibt file: it {error}") from error
    missing = missing_variables(recording.records.dtype.names)
    if missing:
        raise SourceError(path, f"lacks variables that every lap needs: {', '.join(missing)}")
    if len(recording.records) and not abs(float(recording.records["SessionTime"][0])) <= _MAX_SESSION_TIME_S:
        raise SourceError(path, f"has no session time in its first frame: {recording.records['SessionTime'][0]}")
    info = recording.info.labelled(labels)
    began = parse_timestamp(labels.recorded_at) if labels.recorded_at else recording.began
    return _laps_of(replace(recording, info=info, began=began, rig=labels.rig))


def _open(path: Path, size: int) -> _Recording:
    if not size:
        raise LayoutError("is empty")
    memory = np.memmap(path, np.uint8, "r")
    header = read_header(memory)
    dtype = record_type(memory, header)
    start = header.var_buf[0].buf_offset
    if not 0 < start <= len(memory):
        raise LayoutError("ends before its first frame")
    count, partial = divmod(_end_of_records(header, start, len(memory)) - start, header.buf_len)
    records = np.frombuffer(memory, dtype, count, start) if count else np.empty(0, dtype)
    disk_header = irsdk.DiskSubHeader(memory, _DISK_HEADER_OFFSET)
    return _Recording(
        records,
        memory[start : start + header.buf_len].tobytes(),
        _start_date(disk_header.session_start_date),
        _read_info(path),
        list(_notes(count, partial, disk_header.session_record_count)),
    )


def _end_of_records(header: Any, start: int, size: int) -> int:
    """Where the records end: at the session info when that comes after them, else with the file."""
    after = start < header.session_info_offset < size
    return int(header.session_info_offset) if after else size


def _start_date(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds if seconds < _LATEST_DATE else 0, UTC)


def _read_info(path: Path) -> SessionInfo:
    """The session info; pyirsdk reads it from a file as it would from the simulator's memory."""
    ir = irsdk.IRSDK()
    try:
        ir.startup(test_file=str(path))
        return read_session_info(ir)
    finally:
        ir.shutdown()


def _notes(count: int, partial: int, promised: int) -> Iterator[str]:
    if partial:
        yield (
            f"the file ends in a part of a frame, {partial} bytes, which is left out:"
            " it is still being written or was cut short"
        )
    if promised > count:
        yield f"the file was cut short: of {promised} frames it holds {count}"


def _laps_of(recording: _Recording) -> SourceResult:
    result = SourceResult(notes=recording.notes)
    if not len(recording.records):
        result.refused.append(RefusedLap("no complete lap: the file holds no frame yet", None, 0))
        return result
    found = split(drive_frames(recording.records))
    sessions = {code: recording.session(code) for code in np.unique(session_codes(recording.records)).tolist()}
    result.sessions.extend(sessions.values())
    for lap in found.laps:
        records = recording.records[lap.start : lap.stop]
        try:
            result.laps.append(build_lap(records, lap, sessions[lap.session], recording.clock_us))
        except UnusableLapError as error:
            result.refused.append(RefusedLap(str(error), lap.lap_number, len(records)))
    result.refused.extend(
        RefusedLap(f"no complete lap: {rest.reason}", rest.lap_number, rest.frames) for rest in found.incomplete
    )
    return result
