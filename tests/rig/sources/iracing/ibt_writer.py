"""Writes what iRacing writes, byte for byte: .ibt files and the shared memory of a running simulator.

The layout is that of the iRacing SDK (`irsdk_defines.h`): a header of 112 bytes, for files a sub header of 32
bytes, descriptions of 144 bytes a variable, the session info, and records. Integers are little-endian.
"""

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_CODES: Final = {"?": 1, "<i4": 2, "<u4": 3, "<f4": 4, "<f8": 5}
_BUFFERS: Final = 4

VARIABLES: Final = {
    "SessionTime": "<f8",
    "SessionNum": "<i4",
    "SessionUniqueID": "<i4",
    "SessionFlags": "<u4",
    "IsOnTrack": "?",
    "PlayerTrackSurface": "<i4",
    "OnPitRoad": "?",
    "Lap": "<i4",
    "LapDist": "<f4",
    "LapDistPct": "<f4",
    "LapLastLapTime": "<f4",
    "Speed": "<f4",
    "RPM": "<f4",
    "Gear": "<i4",
    "Throttle": "<f4",
    "Brake": "<f4",
    "Lat": "<f8",
    "Lon": "<f8",
    "LFtempCL": "<f4",
    "LFbrakeLinePress": "<f4",
    "TrackWetness": "<i4",
}
"""The variables of a small car; the real ones have about 280."""

SESSION_INFO: Final = """---
WeekendInfo:
 TrackName: testring gp
 TrackID: 403
 TrackDisplayName: Testring
 TrackConfigName: Grand Prix
 TrackType: road course
 SeriesID: 7
 SessionID: 1234
 SubSessionID: {subsession}
 WeekendOptions:
  NumStarters: 0

SessionInfo:
 Sessions:
 - SessionNum: 0
   SessionType: Practice
 - SessionNum: 1
   SessionType: Race

DriverInfo:
 DriverCarIdx: 1
 DriverUserID: 4712
 Drivers:
 - CarIdx: 0
   UserName: Somebody Else
   CarID: 1
   CarClassID: 9
   CarScreenName: Another Car
 - CarIdx: 1
   UserName: {driver}
   CarID: {car}
   CarClassID: 0
   CarScreenName: Test Car GT3

...
"""


def session_info(*, subsession: int = 0, car: int = 161, driver: str = "A Driver") -> bytes:
    """Session info as iRacing writes it: something like YAML, in code page 1252."""
    return SESSION_INFO.format(subsession=subsession, car=car, driver=driver).encode("cp1252")


def record_dtype(variables: Mapping[str, str] = VARIABLES) -> np.dtype[Any]:
    """One record, without padding, as iRacing packs it."""
    return np.dtype(list(variables.items()))


def drive(
    pct: npt.ArrayLike,
    *,
    lap: npt.ArrayLike | None = None,
    variables: Mapping[str, str] = VARIABLES,
    started: float = 100.0,
    **columns: npt.ArrayLike,
) -> npt.NDArray[Any]:
    """Records of a car that drives along `pct`, a lap more whenever that wraps, unless told otherwise.

    `columns` are further variables by name.
    """
    distances = np.asarray(pct, np.float64)
    records = np.zeros(len(distances), record_dtype(variables))
    laps = 1 + np.cumsum(np.concatenate([[0], np.diff(distances) < -0.5]))
    values: dict[str, npt.ArrayLike] = {
        "SessionTime": started + np.arange(len(distances)) / 60,
        "IsOnTrack": True,
        "PlayerTrackSurface": 3,
        "Lap": laps if lap is None else lap,
        "LapDist": distances * 4000,
        "LapDistPct": distances,
        "LapLastLapTime": -1.0,
        "Speed": 60.0 + np.arange(len(distances)) % 7,
        "RPM": 7000.0,
        "Gear": 4,
        "Throttle": 1.0,
        "Lat": 34.15042559313468,
        "Lon": -83.81419524794947,
        "SessionUniqueID": 1,
        **columns,
    }
    for name, value in values.items():
        if name in variables:
            records[name] = value
    return records


def laps_of(count: int, frames: int = 100, *, before: int = 30, after: int = 30) -> npt.NDArray[Any]:
    """`lap_distance_pct` of complete laps, with the end of one before them and the begin of one behind."""
    ticks = np.arange(-before, count * frames + after) + 0.5
    return np.asarray(ticks / frames % 1.0)


def _header(buf_len: int, info: bytes, num_vars: int, *, offsets: tuple[int, int, int], num_buf: int) -> bytearray:
    info_offset, var_offset, buf_offset = offsets
    header = bytearray(112)
    struct.pack_into("<10i", header, 0, 2, 1, 60, 0, len(info), info_offset, num_vars, var_offset, num_buf, buf_len)
    for index in range(num_buf):
        struct.pack_into("<2i", header, 48 + 16 * index, 0, buf_offset + index * buf_len)
    return header


def _var_headers(dtype: np.dtype[Any]) -> bytes:
    assert dtype.fields is not None
    headers = bytearray()
    for name, (kind, offset, *_) in dtype.fields.items():
        code = _CODES[kind.str if kind.str in _CODES else "?"]
        text = struct.pack("<32s64s32s", name.encode(), b"described here", b"unit")
        headers += struct.pack("<3i?3x", code, offset, 1, False) + text
    return bytes(headers)


def ibt_bytes(
    records: npt.NDArray[Any],
    *,
    info: bytes | None = None,
    start_date: int = 1_714_564_800,
    finished: bool = True,
) -> bytes:
    """A whole .ibt file.

    Args:
        records: structured array, as `drive` makes it.
        info: session info.
        start_date: when the recording began, s since 1970.
        finished: whether iRacing has closed the file; while it writes, its length is not in the header.
    """
    text = session_info() if info is None else info
    variables = _var_headers(records.dtype)
    names = records.dtype.names or ()
    info_offset = 144 + len(variables)
    header = _header(
        records.dtype.itemsize,
        text,
        len(names),
        offsets=(info_offset, 144, info_offset + len(text)),
        num_buf=1,
    )
    times = records["SessionTime"] if finished and len(records) and "SessionTime" in names else [0.0]
    sub_header = struct.pack("<q2d2i", start_date, times[0], times[-1], 0, len(records) if finished else 0)
    return bytes(header) + sub_header + variables + text + records.tobytes()


class SharedMemory:
    """The memory in which a running iRacing keeps its telemetry, as a file that `irsdk.IRSDK` can open.

    A record goes into the buffer whose turn it is; its tick count is written after it, as iRacing does.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], info: bytes) -> None:
        info_offset = 112
        var_offset = info_offset + len(info) + 64
        variables = _var_headers(dtype)
        buf_offset = var_offset + len(variables)
        header = _header(
            dtype.itemsize,
            info,
            len(dtype.names or ()),
            offsets=(info_offset, var_offset, buf_offset),
            num_buf=_BUFFERS,
        )
        path.write_bytes(bytes(header) + info + bytes(64) + variables + bytes(_BUFFERS * dtype.itemsize))
        self._file = path.open("r+b")
        self._memory = mmap.mmap(self._file.fileno(), 0)
        self._buf_offset = buf_offset
        self._buf_len = dtype.itemsize
        self.tick = 1000

    def write(self, record: npt.NDArray[Any]) -> None:
        """Publish one record."""
        self.tick += 1
        index = self.tick % _BUFFERS
        count_at = 48 + 16 * index
        struct.pack_into("<i", self._memory, count_at + 8, self.tick)
        offset = self._buf_offset + index * self._buf_len
        self._memory[offset : offset + self._buf_len] = record.tobytes()
        struct.pack_into("<i", self._memory, count_at, self.tick)

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()
        self._file.close()
