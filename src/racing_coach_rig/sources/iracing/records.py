"""Records of variables, as iRacing's files and its shared memory have them.

The layout is the iRacing SDK's (`irsdk_defines.h`), which pyirsdk describes. pyirsdk reads one variable of
one record at a time; here a record becomes one element of a numpy structured array.
"""

import struct
from typing import Any, Final

import irsdk  # type: ignore[import-untyped]  # pyirsdk has no types
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from racing_coach_core.channels import CHANNELS
from racing_coach_core.exceptions import ErrorDetail
from racing_coach_core.frames import SessionFrame
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap, frames_from_columns
from racing_coach_core.validation import check_frames
from racing_coach_rig.sources.splitting.found import LapSlice
from racing_coach_rig.sources.splitting.frames import DriveFrames

type Records = npt.NDArray[Any]
"""Records of variables: a structured array with the variables' names as fields."""

_HEADER_BYTES: Final = 112
_VAR_HEADER_BYTES: Final = 144
_MAX_BUFFERS: Final = 4
_MAX_VARIABLES: Final = 4096
_MAX_RECORD_BYTES: Final = 1 << 20
"""iRacing's take some thousands."""
_MAX_SESSION_INFO_BYTES: Final = 8 << 20
"""iRacing's takes half a million with sixty cars; it is text that has to be parsed."""
_NUM_BUF_OFFSET: Final = 32
_TYPES: Final = {1: "?", 2: "<i4", 3: "<u4", 4: "<f4", 5: "<f8"}
"""numpy's names of `irsdk_VarType`; characters (0) are no channel."""

_EXTRA_VARIABLES: Final = ("IsOnTrack", "SessionNum", "SessionUniqueID")
WANTED_VARIABLES: Final = frozenset(c.iracing for c in CHANNELS if c.iracing) | set(_EXTRA_VARIABLES)
_WHOLE_NUMBERS: Final = {c.iracing for c in CHANNELS if not pa.types.is_floating(c.type)} | set(_EXTRA_VARIABLES)
"""Variables that iRacing counts with: as fractions they would be no laps and no sessions."""


class LayoutError(ValueError):
    """Bytes that are not laid out as iRacing lays them out; the message says what is wrong."""


class UnusableLapError(ValueError):
    """Frames that are complete but that the daemon would reject; the message says why."""


def read_header(memory: Any) -> Any:
    """The header of a file or of shared memory, as pyirsdk has it.

    Args:
        memory: anything with the buffer protocol.

    Raises:
        LayoutError: too short, or values that cannot be a header's.
    """
    if len(memory) < _HEADER_BYTES:
        raise LayoutError(f"is too short for iRacing's header: {len(memory)} bytes")
    # pyirsdk believes this number when it builds the header: garbage would make billions of buffers.
    (num_buf,) = struct.unpack_from("<i", memory, _NUM_BUF_OFFSET)
    if not 1 <= num_buf <= _MAX_BUFFERS:
        raise LayoutError("does not begin with iRacing's header")
    header = irsdk.Header(memory)
    variables_end = header.var_header_offset + header.num_vars * _VAR_HEADER_BYTES
    if (
        not 1 <= header.num_vars <= _MAX_VARIABLES
        or not _HEADER_BYTES <= header.var_header_offset < variables_end <= len(memory)
        or not 1 <= header.buf_len <= _MAX_RECORD_BYTES
        or not 0 <= header.session_info_len <= _MAX_SESSION_INFO_BYTES
    ):
        raise LayoutError("has a damaged header")
    return header


def record_type(memory: Any, header: Any) -> np.dtype[Any]:
    """The structured type of one record, with those of `WANTED_VARIABLES` that the car has.

    Raises:
        LayoutError: a variable outside its record, or of another type than iRacing's.
    """
    names: list[str] = []
    formats: list[str] = []
    offsets: list[int] = []
    for index in range(header.num_vars):
        variable = irsdk.VarHeader(memory, header.var_header_offset + index * _VAR_HEADER_BYTES)
        name = variable.name
        # Arrays are 360 Hz variants or one value a car; no channel is one.
        if name in WANTED_VARIABLES and variable.type in _TYPES and variable.count == 1:
            size = np.dtype(_TYPES[variable.type]).itemsize
            # numpy adds them up in 32 bits, and reads wherever that leads.
            if not 0 <= variable.offset <= header.buf_len - size:
                raise LayoutError(f"has damaged variable headers: {name} lies outside its record")
            if name in _WHOLE_NUMBERS and np.dtype(_TYPES[variable.type]).kind == "f":
                raise LayoutError(f"has damaged variable headers: {name} is no whole number")
            names.append(name)
            formats.append(_TYPES[variable.type])
            offsets.append(variable.offset)
    try:
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": header.buf_len})
    except ValueError as error:
        raise LayoutError(f"has damaged variable headers: {error}") from error


def missing_variables(fields: tuple[str, ...] | None) -> list[str]:
    """The variables without which there is no lap and that are not among `fields`."""
    return [c.iracing for c in CHANNELS if c.required and c.iracing and c.iracing not in (fields or ())]


def session_codes(records: Records) -> npt.NDArray[np.int64]:
    """A number for every record that is another one in another session."""
    codes = np.zeros(len(records), np.int64)
    for name in ("SessionUniqueID", "SessionNum"):
        if name in _fields(records):
            codes = (codes << 32) + records[name]
    return codes


def session_number(code: int) -> int:
    """The `SessionNum` within one of `session_codes`."""
    return code & 0xFFFF_FFFF


def drive_frames(records: Records) -> DriveFrames:
    """What the splitter needs of some records."""
    fields = _fields(records)

    def optional(name: str) -> npt.NDArray[Any] | None:
        return np.ascontiguousarray(records[name]) if name in fields else None

    return DriveFrames(
        session_time=np.ascontiguousarray(records["SessionTime"]),
        lap_number=np.ascontiguousarray(records["Lap"]),
        lap_distance_pct=np.ascontiguousarray(records["LapDistPct"]),
        track_surface=optional("PlayerTrackSurface"),
        on_pit_road=optional("OnPitRoad"),
        is_driving=optional("IsOnTrack"),
        session=session_codes(records),
    )


def build_lap(records: Records, found: LapSlice, session: SessionFrame, clock_us: int) -> Lap:
    """A lap of its records.

    Args:
        records: of this lap, all of them.
        found: the splitter's description of it.
        session: the driving session.
        clock_us: the wall clock at session time 0, µs since 1970.

    Raises:
        UnusableLapError: a value that cannot be stored.
    """
    fields = _fields(records)
    columns: dict[str, Any] = {
        c.name: np.ascontiguousarray(records[c.iracing]) for c in CHANNELS if c.iracing in fields
    }
    with np.errstate(invalid="ignore", over="ignore"):  # what is no time is told by name below
        since_start = np.rint(columns["session_time"] * 1e6).astype(np.int64)
    columns["timestamp"] = pa.array(clock_us + since_start).view(pa.timestamp("us", tz="UTC"))
    columns["lap_number"] = np.full(len(records), found.lap_number, np.int32)
    try:
        frames = frames_from_columns(columns, len(records))
    except pa.ArrowInvalid as error:
        raise UnusableLapError(str(error)) from error
    errors = check_frames(frames)
    if errors:
        raise UnusableLapError(_told(errors))
    return Lap(lap_id_for(session.session_id, found.lap_number), session, found.lap_time, frames)


def _told(errors: list[ErrorDetail]) -> str:
    return "; ".join(str(error) for error in errors[:3])


def _fields(records: Records) -> tuple[str, ...]:
    return records.dtype.names or ()
