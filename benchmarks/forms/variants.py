"""Forms that the frame table could have: what makes each, what is copied into it, what reads a lap out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from racing_coach_core.channels import CHANNELS

TEN: Final = (
    *("lap_distance_pct", "speed", "throttle", "brake", "steering_angle"),
    *("lateral_acceleration", "longitudinal_acceleration", "latitude", "longitude", "gear"),
)
"""What a reader of a lap asks for."""

SQL_TYPES: Final = {
    pa.timestamp("us", tz="UTC"): "timestamptz",
    pa.float64(): "double precision",
    pa.float32(): "real",
    pa.int64(): "bigint",
    pa.int32(): "integer",
    pa.int16(): "smallint",
    pa.bool_(): "boolean",
}

IN_ORDER: Final = tuple(channel.name for channel in CHANNELS)
_WIDTH: Final = {"timestamptz": 8, "double precision": 8, "bigint": 8, "real": 4, "integer": 4, "smallint": 2}
_TYPE_OF: Final = {channel.name: SQL_TYPES[channel.type] for channel in CHANNELS}
WIDEST_FIRST: Final = tuple(sorted(IN_ORDER, key=lambda name: -_WIDTH.get(_TYPE_OF[name], 1)))
"""Without padding between columns."""


@dataclass(frozen=True)
class Rows:
    """One row a frame.

    Attributes:
        name: what is told of it.
        key: columns that name the lap, with their types; the first is asked for.
        indexes: what comes after `on TABLE`, and `unique` before it where it is.
        channels: the order of the columns.
        key_first: whether the key's columns lie before the channels.
        storage: after `with`.
        hypertable: by time, of TimescaleDB; in the end all of it is in the columnstore.
    """

    name: str
    key: Sequence[tuple[str, str]]
    indexes: Sequence[tuple[str, str]]
    channels: Sequence[str] = IN_ORDER
    key_first: bool = False
    storage: str = ""
    hypertable: bool = False

    def ddl(self, table: str) -> list[str]:
        """Statements that make it."""
        channels = [f'"{name}" {_TYPE_OF[name]}' for name in self.channels]
        keys = [f"{name} {kind} not null" for name, kind in (*self.key, ("frame_index", "integer"))]
        columns = [*keys, *channels] if self.key_first else [*channels, *keys]
        made = f"create table {table} ({', '.join(columns)})" + (f" with ({self.storage})" if self.storage else "")
        indexes = [f"create {unique} index on {table} {what}" for unique, what in self.indexes]
        return [made, *indexes, *(_hypertable(table, self.key[0][0]) if self.hypertable else ())]

    def at_last(self, table: str) -> list[str]:
        """What becomes of it with time."""
        return [f"select count(compress_chunk(chunk)) from show_chunks('{table}') chunk"] if self.hypertable else []

    def query(self, table: str, lap: str, names: Sequence[str]) -> str:
        """The lap in order."""
        return f"select {', '.join(names)} from {table} where {self.key[0][0]} = {lap} order by frame_index"


@dataclass(frozen=True)
class Arrays:
    """An array a channel; one row for so many frames.

    Attributes:
        name: what is told of it.
        frames: in a row; None for a whole lap.
        storage: of the arrays: `external` is not compressed.
        compression: `pglz` or `lz4`.
        plain: channels that are not compressed.
    """

    name: str
    frames: int | None
    storage: str = "extended"
    compression: str = "pglz"
    plain: Sequence[str] = field(default=())

    def ddl(self, table: str) -> list[str]:
        """Statements that make it, and a view over it that has the frames."""
        arrays = ", ".join(f'"{name}" {_TYPE_OF[name]}[]' for name in IN_ORDER)
        made = (
            f"create table {table} (lap_id uuid not null, first_frame integer not null,"
            f" frame_count integer not null, {arrays}, primary key (lap_id, first_frame))"
        )
        alter = [f'alter column "{name}" set storage {self.storage}' for name in IN_ORDER]
        alter += [f'alter column "{name}" set storage external' for name in self.plain]
        alter += [f'alter column "{name}" set compression {self.compression}' for name in IN_ORDER]
        return [
            made,
            f"alter table {table} {', '.join(alter)}",
            view(table),
        ]

    def query(self, table: str, lap: str, names: Sequence[str]) -> str:
        """The lap in order, as arrays."""
        return f"select frame_count, {', '.join(names)} from {table} where lap_id = {lap} order by first_frame"

    def rows_query(self, table: str, lap: str, names: Sequence[str]) -> str:
        """The lap in order, through the view."""
        return f"select {', '.join(names)} from {table}_view where lap_id = {lap} order by frame_index"


def _hypertable(table: str, key: str) -> list[str]:
    by_week = f"create_hypertable('{table}', by_range('timestamp', interval '7 days'), create_default_indexes => false)"
    order = f"timescaledb.compress_segmentby = '{key}', timescaledb.compress_orderby = 'frame_index'"
    return [f"select {by_week}", f"alter table {table} set (timescaledb.compress, {order})"]


def view(table: str) -> str:
    """A view that makes frames of arrays."""
    whole = ", ".join(f'b."{name}" || \'{{}}\' as "{name}"' for name in IN_ORDER)
    frames = ", ".join(f'a."{name}"[i] as "{name}"' for name in IN_ORDER)
    return (
        f"create view {table}_view as select {frames}, b.lap_id, b.first_frame + i - 1 as frame_index"
        f" from {table} b,"
        f" lateral (select b.frame_count, {whole} offset 0) a,"
        f" lateral generate_series(1, a.frame_count) i"
    )


CHANGING: Final = (
    *(
        "timestamp",
        "session_time",
        "lap_distance_pct",
        "lap_distance",
        "current_lap_time",
        "speed",
        "rpm",
        "steering_angle",
    ),
    *("lateral_acceleration", "longitudinal_acceleration", "vertical_acceleration"),
    *("yaw_rate", "roll_rate", "pitch_rate", "velocity_x", "velocity_y", "velocity_z", "yaw", "pitch", "roll"),
    *("latitude", "longitude", "altitude"),
)
"""Channels that are other in every frame, of which compression makes next to nothing less."""

_UUIDS = (("lap_id", "uuid"), ("track_session_id", "uuid"))
_LAP = (("lap_id", "uuid"),)
_KEY = (("lap_key", "bigint"),)

BEFORE: Final = Rows("as it is", _UUIDS, [("", "(lap_id, frame_index)")])

VARIANTS: Final[tuple[Rows | Arrays, ...]] = (
    BEFORE,
    Rows("as it is, the index unique", _UUIDS, [("unique", "(lap_id, frame_index)")]),
    Rows("without track_session_id", _LAP, [("", "(lap_id, frame_index)")]),
    Rows("bigint key, btree", _KEY, [("", "(lap_key, frame_index)")]),
    Rows("bigint key, unique", _KEY, [("unique", "(lap_key, frame_index)")]),
    Rows("bigint key, unique, no padding", _KEY, [("unique", "(lap_key, frame_index)")], WIDEST_FIRST, True),
    Rows("bigint key, btree on it alone", _KEY, [("", "(lap_key)")]),
    Rows("bigint key, BRIN", _KEY, [("", "using brin (lap_key)")]),
    Rows("bigint key, BRIN of 16 pages", _KEY, [("", "using brin (lap_key) with (pages_per_range = 16)")]),
    Rows("bigint key, BRIN, no padding", _KEY, [("", "using brin (lap_key)")], WIDEST_FIRST, True),
    Rows("bigint key, BRIN, fillfactor 90", _KEY, [("", "using brin (lap_key)")], storage="fillfactor = 90"),
    Arrays("arrays, whole lap, uncompressed", None, "external"),
    Arrays("arrays, whole lap, pglz", None),
    Arrays("arrays, blocks of 1920, pglz", 1920),
    Arrays("arrays, blocks of 960, pglz", 960),
    Arrays("arrays, blocks of 512, uncompressed", 512, "external"),
    Arrays("arrays, blocks of 512, pglz", 512),
    Arrays("arrays, blocks of 480, uncompressed", 480, "external"),
    Arrays("arrays, blocks of 480, pglz", 480),
    Arrays("arrays, blocks of 480, pglz, but not what changes", 480, plain=CHANGING),
    Arrays("arrays, blocks of 240, uncompressed", 240, "external"),
    Arrays("arrays, blocks of 240, pglz", 240),
)

WITH_TIMESCALE: Final[tuple[Rows, ...]] = (
    Rows("as it is, columnstore", _UUIDS, [("", "(lap_id, frame_index)")], hypertable=True),
    Rows("bigint key, columnstore", _KEY, [("", "(lap_key, frame_index)")], hypertable=True),
)

WITH_LZ4: Final[tuple[Arrays, ...]] = (
    Arrays("arrays, whole lap, lz4", None, compression="lz4"),
    Arrays("arrays, blocks of 1920, lz4", 1920, compression="lz4"),
    Arrays("arrays, blocks of 960, lz4", 960, compression="lz4"),
    Arrays("arrays, blocks of 480, lz4", 480, compression="lz4"),
    Arrays("arrays, blocks of 480, lz4, but not what changes", 480, compression="lz4", plain=CHANGING),
)
