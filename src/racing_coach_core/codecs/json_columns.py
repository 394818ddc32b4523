"""The frames of a JSON lap, as pyarrow reads them: to columns, without a Python object per frame."""

from typing import Any, Final, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from racing_coach_core.arrow_types import Column
from racing_coach_core.channels import CHANNELS, Channel
from racing_coach_core.wire_types import parse_timestamp

_MAX_TIMESTAMP: Final = 64
_ZONED: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$"
_NAIVE: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?$"


def read_columns(raw: msgspec.Raw) -> dict[str, Column] | None:
    """The channels of a list of frames, as it stands in the payload.

    Returns:
        Channel names to values; None if pyarrow refuses, and the frames need a closer look.
    """
    try:
        columns = _flatten(_parse(b"".join((b'{"frames":', raw, b"}"))))
    except pa.ArrowInvalid:
        return None
    stamps = _timestamps(columns["timestamp"])
    return None if stamps is None else {**columns, "timestamp": stamps}


def _wire_type(channel: Channel) -> pa.DataType:
    if pa.types.is_timestamp(channel.type):
        return pa.string()
    if pa.types.is_floating(channel.type):
        return pa.float64()  # rounded to 32 bits once, by the cast to the canonical type
    return channel.type


def _frame_type() -> pa.StructType:
    """The JSON TelemetryFrame as an Arrow struct, from the channels' paths."""
    tree: dict[str, Any] = {}
    for channel in CHANNELS:
        *parents, leaf = channel.json_path
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = _wire_type(channel)

    def struct(node: dict[str, Any]) -> pa.StructType:
        return pa.struct([(k, struct(v) if isinstance(v, dict) else v) for k, v in node.items()])

    return struct(tree)


_FRAMES_SCHEMA: Final = pa.schema([("frames", pa.list_(_frame_type()))])


def _parse(text: bytes) -> pa.StructArray:
    """The frames of `{"frames": [...]}` as an array of structs.

    Raises:
        pyarrow.ArrowInvalid: a value of another kind than its channel's.
    """
    table = pa_json.read_json(
        pa.BufferReader(text),  # type: ignore[arg-type]  # the stubs know of Python's files only
        # One block: the document is one row.
        read_options=pa_json.ReadOptions(use_threads=False, block_size=min(len(text) + 1, 2**31 - 1)),
        parse_options=pa_json.ParseOptions(
            explicit_schema=_FRAMES_SCHEMA,
            # To look for the end of a document with line breaks takes as long as to parse it.
            newlines_in_values=b"\n" in text,
            unexpected_field_behavior="ignore",
        ),
    )
    if table.num_rows != 1:
        raise pa.ArrowInvalid("more than one document")
    return cast("pa.StructArray", table.column("frames").chunk(0).flatten())


def _flatten(frames: pa.StructArray) -> dict[str, Column]:
    return {c.name: pc.struct_field(frames, list(c.json_path)) for c in CHANNELS}


def _timestamps(column: Column) -> Column | None:
    """Wire timestamps as instants; None if they need a closer look."""
    longest = cast("int | None", pc.max(pc.binary_length(cast("pa.StringArray", column))).as_py())
    if longest is not None and longest > _MAX_TIMESTAMP:
        return None
    try:
        if pc.all(pc.match_substring_regex(column, _ZONED)).as_py():
            return column.cast(pa.timestamp("us", tz="UTC"))
        if pc.all(pc.match_substring_regex(column, _NAIVE)).as_py():
            return column.cast(pa.timestamp("us"))
        stamps = [None if text is None else parse_timestamp(text) for text in column.to_pylist()]
        return pa.array(stamps, pa.timestamp("us", tz="UTC"))
    except (pa.ArrowInvalid, ValueError, OverflowError):
        return None
