"""Frames into the database with COPY, inside the session's transaction."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pyarrow as pa
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.telemetry.binary_copy import COPY_COLUMNS, binary_copy
from racing_coach_server.telemetry.models import frame_blocks


async def copy_frames(session: AsyncSession, frames: pa.RecordBatch, *, lap_id: UUID) -> None:
    """Write a lap's frames with COPY on the session's own connection, the lap being there; the caller commits.

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
        frame_blocks.name,
        source=_pieces(frames, lap_id),  # type: ignore[arg-type]  # any buffer will do
        columns=COPY_COLUMNS,
        format="binary",
    )


async def _pieces(frames: pa.RecordBatch, lap_id: UUID) -> AsyncIterator[memoryview]:
    for piece in binary_copy(frames, lap_id=lap_id):
        yield piece
