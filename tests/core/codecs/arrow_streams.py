"""Arrow streams, made and decoded."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from tests.laps import session_json

from racing_coach_core.codecs.arrow import decode_arrow
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import PayloadError
from racing_coach_core.lap import Lap

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


LIMITS = PayloadLimits()


def head_json(**fields: Any) -> dict[str, Any]:
    return {"session": session_json(), "lap": {"lap_time": 88.8}, **fields}


def stream(
    values: Mapping[str, Any] | pa.Table,
    *,
    head: Any = None,
    compression: str | None = "zstd",
    batch_rows: int | None = None,
) -> bytes:
    """An IPC stream of whatever columns, as any Arrow program would write it."""
    table = values if isinstance(values, pa.Table) else pa.table(dict(values))
    head = head_json() if head is None else head
    table = table.replace_schema_metadata({b"racing_coach.lap": json.dumps(head).encode()})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=batch_rows)
    return sink.getvalue().to_pybytes()


def decode(payload: bytes, **limits: int) -> Lap:
    return decode_arrow(payload, PayloadLimits(**limits))


def refusal(payload: bytes, kind: type[PayloadError], **limits: int) -> str:
    with pytest.raises(kind) as raised:
        decode(payload, **limits)
    assert raised.type is kind
    return str(raised.value)


def prefixes(payload: bytes) -> list[int]:
    """Where the declared lengths of the zstd buffers are: 8 bytes before each frame."""
    return [at - 8 for at in range(8, len(payload)) if payload.startswith(ZSTD_MAGIC, at)]
