"""Reads laps from a file, whatever wrote it."""

from datetime import datetime
from pathlib import Path
from typing import Final

from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources import lap_json
from racing_coach_rig.sources.garage61 import read_garage61
from racing_coach_rig.sources.ibt import read_ibt
from racing_coach_rig.sources.result import RefusedLap, SourceResult

__all__ = ["RefusedLap", "SourceResult", "read_file"]

_PAYLOAD_STARTS: Final = (b"{", b"\xff\xff\xff\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""JSON, an Arrow stream, gzip (RFC 1952), zstd (RFC 8878)."""

_IBT_STARTS: Final = (b"\x01\0\0\0", b"\x02\0\0\0")
"""The version in iRacing's header."""

_BOM: Final = b"\xef\xbb\xbf"
_LOOK_AT: Final = 4096


def read_file(
    path: Path,
    *,
    track: str | None = None,
    car: str | None = None,
    recorded_at: datetime | None = None,
) -> SourceResult:
    """Read the laps of an iRacing recording, a Garage 61 export or a lap as Racing Coach clients send it.

    What the file is, its first bytes tell, and its name where they do not.

    Args:
        path: the file.
        track: a name that counts more than what the file says; not for laps made to be sent.
        car: likewise.
        recorded_at: wall clock of the first frame, likewise.

    Raises:
        SourceError: not readable, or no file of these kinds.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_LOOK_AT)
    except OSError as error:
        raise SourceError(path, f"cannot be read: {error.strerror or error}") from error
    text = start.removeprefix(_BOM).lstrip()
    suffix = path.suffix.lower()
    if start.startswith(_IBT_STARTS) or suffix == ".ibt":
        return read_ibt(path, track=track, car=car, recorded_at=recorded_at)
    if text.startswith(_PAYLOAD_STARTS) or suffix == ".json":
        return lap_json.read_lap_json(path)
    if b"LapDistPct" in text or suffix == ".csv":
        return read_garage61(path, track=track, car=car, recorded_at=recorded_at)
    raise SourceError(
        path,
        "is none of the files that hold laps: an iRacing recording (.ibt), a Garage 61 export (.csv)"
        " or a lap as JSON or Arrow",
    )
