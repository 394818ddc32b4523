"""A stored lap as a file: Arrow or JSON as on the wire, or CSV with the column names of the database."""

from enum import StrEnum
from pathlib import Path

import pyarrow.csv as pa_csv

from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.lap import Lap


class ExportFormat(StrEnum):
    """What a lap can be exported as."""

    CSV = "csv"
    JSON = "json"
    ARROW = "arrow"


def write_lap(lap: Lap, path: Path, kind: ExportFormat) -> None:
    """Write a lap to a file."""
    if kind is ExportFormat.CSV:
        pa_csv.write_csv(lap.frames, path)
    else:
        path.write_bytes(encode_lap(lap, Encoding(kind.value)))
