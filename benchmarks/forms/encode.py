"""A lap as a binary COPY stream, for any of the forms."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.forms.variants import IN_ORDER, Arrays, Rows
from racing_coach_core.channels import CHANNEL_BY_NAME, LAP_SCHEMA
from racing_coach_core.lap import Lap
from racing_coach_server.telemetry.copy_format import HEADER, NULL, TRAILER, UNIX_TO_POSTGRESQL_US, WIRE_TYPES

_PIECE: Final = 1 << 16
_ROWS: Final = 512
_OID: Final = {
    pa.timestamp("us", tz="UTC"): 1184,
    pa.float64(): 701,
    pa.float32(): 700,
    pa.int64(): 20,
    pa.int32(): 23,
    pa.int16(): 21,
    pa.bool_(): 16,
}


def encode(form: Rows | Arrays, lap: Lap, lap_id: uuid.UUID, number: int) -> list[bytes]:
    """The stream in pieces of 64 KB, made anew as the daemon does."""
    values = {name: _numbers(lap, name) for name in IN_ORDER}
    parts = _rows(form, lap, values, lap_id, number) if isinstance(form, Rows) else _arrays(form, lap, values, lap_id)
    pieces = [HEADER]
    for part in parts:
        pieces += [part[at : at + _PIECE] for at in range(0, len(part), _PIECE)]
    return [*pieces, TRAILER]


def _numbers(lap: Lap, name: str) -> np.ndarray | None:
    """Plain numbers; None for a channel without any. These laps have all or none of each."""
    column = lap.frames.column(name)
    if column.null_count:
        assert column.null_count == len(column), name
        return None
    if pa.types.is_timestamp(column.type):
        return column.view(pa.int64()).to_numpy() - UNIX_TO_POSTGRESQL_US
    return column.to_numpy(zero_copy_only=False)


def _rows(
    form: Rows, lap: Lap, values: dict[str, np.ndarray | None], lap_id: uuid.UUID, number: int
) -> Iterator[bytes]:
    frames = lap.frames.num_rows
    ids = {"lap_id": lap_id.bytes, "track_session_id": lap.session.session_id.bytes, "lap_key": number}
    fields: list[tuple[str, str]] = [("count", ">i2")]
    keys = [(name, "V16" if kind == "uuid" else ">i8") for name, kind in form.key] + [("frame_index", ">i4")]
    channels = [(name, WIRE_TYPES[CHANNEL_BY_NAME[name].kind]) for name in form.channels]
    order = [*keys, *channels] if form.key_first else [*channels, *keys]
    for name, kind in order:
        fields.append((f"{name} length", ">i4"))
        if name not in values or values[name] is not None:
            fields.append((name, kind))
    layout = np.dtype(fields)
    for start in range(0, frames, _ROWS):
        rows = np.zeros(min(_ROWS, frames - start), layout)
        rows["count"] = len(order)
        for name, kind in order:
            rows[f"{name} length"] = np.dtype(kind).itemsize if name in (layout.names or ()) else NULL
        for name, _ in keys[:-1]:
            value = ids[name]
            rows[name] = np.void(value) if isinstance(value, bytes) else value
        rows["frame_index"] = np.arange(start, start + len(rows))
        for name in form.channels:
            column = values[name]
            if column is not None:
                rows[name] = column[start : start + len(rows)]
        yield rows.tobytes()


def _arrays(form: Arrays, lap: Lap, values: dict[str, np.ndarray | None], lap_id: uuid.UUID) -> Iterator[bytes]:
    frames = lap.frames.num_rows
    step = form.frames or frames
    for start in range(0, frames, step):
        count = min(step, frames - start)
        parts = [
            (3 + len(IN_ORDER)).to_bytes(2),
            (16).to_bytes(4) + lap_id.bytes,
            (4).to_bytes(4) + start.to_bytes(4),
            (4).to_bytes(4) + count.to_bytes(4),
        ]
        for name in IN_ORDER:
            column = values[name]
            parts.append(_array(name, None if column is None else column[start : start + count]))
        yield b"".join(parts)


def _array(name: str, numbers: np.ndarray | None) -> bytes:
    """array_send's format: dimensions, nulls, element type, length, lower bound, then each with its length."""
    if numbers is None:
        return NULL.to_bytes(4, signed=True)
    kind = LAP_SCHEMA.field(name).type
    wire = np.dtype(WIRE_TYPES[CHANNEL_BY_NAME[name].kind])
    elements = np.empty(len(numbers), np.dtype([("length", ">i4"), ("value", wire)]))
    elements["length"] = wire.itemsize
    elements["value"] = numbers
    head = np.array([20 + elements.nbytes, 1, 0, _OID[kind], len(numbers), 1], ">i4")
    return head.tobytes() + elements.tobytes()


def columns_of(form: Rows | Arrays) -> Sequence[str]:
    """The columns of the stream, in its order."""
    if isinstance(form, Arrays):
        return ("lap_id", "first_frame", "frame_count", *IN_ORDER)
    keys = [*(name for name, _ in form.key), "frame_index"]
    return (*keys, *form.channels) if form.key_first else (*form.channels, *keys)
