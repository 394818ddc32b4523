"""One lap of a Garage 61 export (.csv).

The file has a row for every sample at 60 Hz and no clock. The lap time is the time between the two crossings of
the line, and the session time counts from the first row. The wall clock is not in the file either: timestamps begin
at 1970 unless the caller knows better, so that the same file always gives the same lap.

Track, car and driver stand in the name that the export gives its file, `Garage 61 - driver - car - track -
lap time - id.csv`. What the caller says counts more, and what nobody says is `unknown`.

The session's id is a UUIDv5 of the file's bytes and of rig, track, car and `recorded_at`. The file published
again by the same rig is a duplicate. The file published with another track or car is another session: the daemon would
reject a known session with another track, and a forgotten `--track` could never be made good.
"""

import hashlib
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from racing_coach_core.channels import SAMPLE_RATE_HZ
from racing_coach_core.frames import SessionFrame
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.wire_types import parse_timestamp
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.bounded import read_bounded
from racing_coach_rig.sources.garage61.lap import LAP_NUMBER, between_crossings, lap_frames, one_lap
from racing_coach_rig.sources.garage61.numbers import MAX_BYTES, CsvError, read_numbers
from racing_coach_rig.sources.labels import NO_LABELS, UNKNOWN, Labels, Named, named, named_driver, says_otherwise
from racing_coach_rig.sources.result import SourceResult

GARAGE61_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://garage61.net/")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ExportName(NamedTuple):
    """What the name of an exported file says, `None` where it says nothing."""

    driver: str | None
    car: str | None
    track: str | None
    lap_time: float | None
    """s"""


def parse_export_name(path: Path) -> ExportName:
    """Read the name that Garage 61 gives an exported lap.

    A name with another number of parts is not guessed at: a hyphen could stand in any of them.

    >>> parse_export_name(Path("Garage 61 - A Driver - MX-5 Cup - Road Atlanta - 01.18.783 - 01K.csv"))
    ExportName(driver='A Driver', car='MX-5 Cup', track='Road Atlanta', lap_time=78.783)
    >>> parse_export_name(Path("lap.csv"))
    ExportName(driver=None, car=None, track=None, lap_time=None)
    """
    match path.stem.split(" - "):
        case ["Garage 61", driver, car, track, lap_time, _id]:
            return ExportName(driver.strip(), car.strip(), track.strip(), _seconds(lap_time))
        case _:
            return ExportName(None, None, None, None)


def _seconds(lap_time: str) -> float | None:
    """Seconds of `minutes.seconds.milliseconds`, None for anything else."""
    match = re.fullmatch(r"(\d{1,3})\.([0-5]\d)\.(\d{3})", lap_time.strip(), re.ASCII)
    return None if match is None else (int(match[1]) * 60_000 + int(match[2]) * 1000 + int(match[3])) / 1000


def read_garage61(path: Path, labels: Labels = NO_LABELS) -> SourceResult:
    """Read the lap of a Garage 61 export.

    Args:
        path: the file.
        labels: count more than the file's name.

    Returns:
        One lap, with lap number 1.

    Raises:
        SourceError: not readable, a required column missing, a cell that is no number, or no complete lap.
    """
    content = read_bounded(path, MAX_BYTES)
    try:
        rows = read_numbers(content)
        columns = one_lap(rows)
        frames = lap_frames(columns, _wall_clock(labels))
    except CsvError as error:
        raise SourceError(path, str(error)) from error
    name = parse_export_name(path)
    session = _session(content, name, labels)
    lap_time = _lap_time(between_crossings(columns, rows), name.lap_time)
    lap = Lap(lap_id_for(session.session_id, LAP_NUMBER), session, lap_time, frames)
    return SourceResult(laps=[lap], sessions=[session], notes=list(_notes(session)))


def _lap_time(crossings: float, official: float | None) -> float:
    """The official time where it agrees with the file within a tick; else it is another lap's, or a typing error."""
    return official if official is not None and abs(official - crossings) <= 1 / SAMPLE_RATE_HZ else crossings


def _wall_clock(labels: Labels) -> datetime:
    return parse_timestamp(labels.recorded_at) if labels.recorded_at else _EPOCH


def _notes(session: SessionFrame) -> Iterator[str]:
    unknown = [what for what, name in (("track", session.track_name), ("car", session.car_name)) if name == UNKNOWN]
    if unknown:
        options = " and ".join(f"--{what}" for what in unknown)
        yield (
            f"the file's name does not say the {' and the '.join(unknown)}, so it is '{UNKNOWN}'; published again with "
            f"{options} it is another lap"
        )


def _labelled(label: str | None, exported: str | None) -> Named:
    own = named(exported or UNKNOWN)
    return named(label) if label and says_otherwise(label, own) else own


def _session(content: bytes, export: ExportName, labels: Labels) -> SessionFrame:
    track = _labelled(labels.track, export.track)
    car = _labelled(labels.car, export.car)
    driver_name = labels.driver or export.driver
    driver = named_driver(driver_name) if driver_name else None
    clock = _wall_clock(labels)
    # Not of the driver: whoever drove it, the file is the same lap.
    name = f"{hashlib.sha256(content).hexdigest()} {labels.rig} {track.id} {car.id} {clock.isoformat()}"
    return SessionFrame(
        session_id=uuid.uuid5(GARAGE61_NAMESPACE, name),
        timestamp=clock if labels.recorded_at else None,
        track_id=track.id,
        track_name=track.name,
        car_id=car.id,
        car_name=car.name,
        driver_id=driver and driver.id,
        driver_name=driver and driver.name,
    )
