"""A stored lap as a file: Arrow or JSON as on the wire, or CSV with the column names of the database."""

from enum import StrEnum
from pathlib import Path

import pyarrow.csv as pa_csv

from racing_coach_core.codecs.decode import Encoding, encode_lap
from racing_coach_core.frames import SessionFrame
from racing_coach_core.lap import Lap
from racing_coach_server.telemetry.models import LapRecord, TrackSession
from racing_coach_server.telemetry.service import TelemetryService


class ExportFormat(StrEnum):
    """What a lap can be exported as."""

    CSV = "csv"
    JSON = "json"
    ARROW = "arrow"


async def stored_lap(service: TelemetryService, record: LapRecord, session: TrackSession) -> Lap:
    """A stored lap, whole, as it was before it was stored."""
    frame = SessionFrame.model_validate(
        {name: getattr(session, name) for name in SessionFrame.model_fields if name != "session_id"}
        | {"session_id": session.id}
    )
    return Lap(record.id, frame, record.lap_time, await service.frames(record.id))


def write_lap(lap: Lap, path: Path, kind: ExportFormat) -> None:
    """Write a lap to a file."""
    if kind is ExportFormat.CSV:
        pa_csv.write_csv(lap.frames, path)
    else:
        path.write_bytes(encode_lap(lap, Encoding(kind.value)))
