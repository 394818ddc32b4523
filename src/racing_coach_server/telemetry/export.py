"""A stored lap as a file: Arrow or JSON as on the wire, CSV or Parquet with the column names of the database."""

from enum import StrEnum
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.lap import Lap


class ExportFormat(StrEnum):
    """What a lap can be exported as."""

    CSV = "csv"
    JSON = "json"
    ARROW = "arrow"
    PARQUET = "parquet"


def write_lap(lap: Lap, file: BinaryIO, kind: ExportFormat) -> None:
    """Write a lap to a file. CSV and Parquet have the channels that have a value."""
    match kind:
        case ExportFormat.CSV:
            pa_csv.write_csv(_told(lap), file)
        case ExportFormat.PARQUET:
            pa_parquet.write_table(pa.Table.from_batches([_described(lap)]), file, compression="zstd")
        case _:
            file.write(encode_lap(lap, Encoding(kind.value)))


def _told(lap: Lap) -> pa.RecordBatch:
    """The columns in which there is anything."""
    frames = lap.frames
    return frames.select([name for name in frames.schema.names if frames.column(name).null_count < frames.num_rows])


def _described(lap: Lap) -> pa.RecordBatch:
    """The same, with what is known of the lap in the schema's metadata."""
    about = {"lap_id": str(lap.lap_id), "lap_time": repr(lap.lap_time), "session": lap.session.model_dump_json()}
    return _told(lap).replace_schema_metadata(about)
