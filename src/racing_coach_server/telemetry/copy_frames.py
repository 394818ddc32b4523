"""Frames into the database: Arrow columns to PostgreSQL's binary COPY, inside the session's transaction."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import asyncpg
import numpy as np
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_server.telemetry.models import telemetry

_SLICE: Final = 4096
"""Frames encoded at once: the encoder holds the GIL, about 1 ms for a thousand frames."""

_UUID_TYPE: Final = pa.binary()  # a uuid's binary form is its 16 bytes, as a bytea's are
COPY_SCHEMA: Final = pa.schema(
    [
        *LAP_SCHEMA,
        pa.field("track_session_id", _UUID_TYPE, nullable=False),
        pa.field("lap_id", _UUID_TYPE, nullable=False),
        pa.field("frame_index", pa.int32(), nullable=False),
    ]
)


async def copy_frames(session: AsyncSession, frames: pa.RecordBatch, *, session_id: UUID, lap_id: UUID) -> None:
    """Write a lap's frames with COPY on the session's own connection; the caller commits.

    Raises:
        asyncpg.PostgresError: the database refuses.
    """
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    if not driver.is_in_transaction():
        # SQLAlchemy sends its BEGIN with the first statement, and the COPY goes past it.
        await session.execute(text("select 1"))
    await driver.copy_to_table(
        telemetry.name,
        source=binary_copy(frames, session_id=session_id, lap_id=lap_id),
        columns=COPY_SCHEMA.names,
        format="binary",
    )


async def binary_copy(frames: pa.RecordBatch, *, session_id: UUID, lap_id: UUID) -> AsyncIterator[bytes]:
    """Encode frames piece by piece, so that neither memory nor the event loop notices a long lap.

    Yields:
        the pieces of a binary COPY stream with the columns of `COPY_SCHEMA`.
    """
    encoder = ArrowToPostgresBinaryEncoder(COPY_SCHEMA)
    yield encoder.write_header()
    for start in range(0, frames.num_rows, _SLICE):
        piece = frames.slice(start, _SLICE)
        yield encoder.write_batch(_with_identity(piece, start, session_id, lap_id))
    yield encoder.finish()


def _with_identity(piece: pa.RecordBatch, start: int, session_id: UUID, lap_id: UUID) -> pa.RecordBatch:
    rows = piece.num_rows
    index = pa.array(np.arange(start, start + rows, dtype=np.int32))
    ids = [pa.repeat(pa.scalar(value.bytes, _UUID_TYPE), rows) for value in (session_id, lap_id)]
    return pa.RecordBatch.from_arrays([*piece.columns, *ids, index], schema=COPY_SCHEMA)
