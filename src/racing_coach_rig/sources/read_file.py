"""Reads laps from a file, whatever wrote it."""

from pathlib import Path
from typing import Final

import structlog

from racing_coach_rig.exceptions import FileAccessError, SourceError
from racing_coach_rig.sources.bounded import check_regular
from racing_coach_rig.sources.garage61.export import read_garage61
from racing_coach_rig.sources.iracing.ibt import read_ibt
from racing_coach_rig.sources.labels import NO_LABELS, Labels
from racing_coach_rig.sources.lap_file import read_lap_file
from racing_coach_rig.sources.result import RefusedLap, SourceResult

__all__ = ["RefusedLap", "SourceResult", "read_file"]

log = structlog.stdlib.get_logger(__name__)

_PAYLOAD_STARTS: Final = (b"{", b"\xff\xff\xff\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""JSON, an Arrow stream, gzip (RFC 1952), zstd (RFC 8878)."""

_IBT_STARTS: Final = (b"\x01\0\0\0", b"\x02\0\0\0")
"""The version in iRacing's header."""

_BOM: Final = b"\xef\xbb\xbf"
_LOOK_AT: Final = 4096


def read_file(path: Path, labels: Labels = NO_LABELS) -> SourceResult:
    """Read the laps of an iRacing recording, a Garage 61 export or a lap as Racing Coach clients send it.

    What the file is, its first bytes tell, and its name where they do not.

    Args:
        path: the file.
        labels: count more than what the file says; a lap made to be sent keeps its own.

    Raises:
        FileAccessError: the system does not let it be read now.
        SourceError: no file of these kinds, or a damaged one.
    """
    try:
        return _read(path, labels)
    except SourceError:
        raise
    except Exception as error:
        # Whatever a file does is that file's, and stops no other.
        log.exception("a file brought a reader to an error that it does not know", path=str(path))
        raise SourceError(path, f"could not be read: {error!r}") from error


def _read(path: Path, labels: Labels) -> SourceResult:
    check_regular(path)
    try:
        with path.open("rb") as file:
            start = file.read(_LOOK_AT)
    except OSError as error:
        raise FileAccessError(path, error) from error
    text = start.removeprefix(_BOM).lstrip()
    suffix = path.suffix.lower()
    if start.startswith(_IBT_STARTS) or suffix == ".ibt":
        return read_ibt(path, labels)
    if text.startswith(_PAYLOAD_STARTS) or suffix == ".json":
        return read_lap_file(path)
    if b"LapDistPct" in text or suffix == ".csv":
        return read_garage61(path, labels)
    raise SourceError(
        path,
        "is none of the files that hold laps: an iRacing recording (.ibt), a Garage 61 export (.csv)"
        " or a lap as JSON or Arrow",
    )
