"""Frames into the database with COPY, inside the session's transaction."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import asyncpg
import pyarrow as pa
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.driver import driver_of
from racing_coach_server.telemetry.binary_copy import COPY_COLUMNS, binary_copy
from racing_coach_server.telemetry.models import frame_blocks


async def copy_frames(session: AsyncSession, frames: pa.RecordBatch, *, lap_id: UUID) -> None:
    """Write a lap's frames with COPY on the session's own connection, the lap being there; the caller commits.

    Raises:
        asyncpg.PostgresError: the database refuses.
    """
    await copy_blocks(await driver_of(session), binary_copy(frames, lap_id=lap_id))


async def copy_blocks(driver: asyncpg.Connection, pieces: Iterator[memoryview]) -> None:
    """The same, of frames that are being written as blocks."""
    await driver.copy_to_table(
        frame_blocks.name,
        source=_each(pieces),  # type: ignore[arg-type]  # any buffer will do
        columns=COPY_COLUMNS,
        format="binary",
    )


async def _each(pieces: Iterator[memoryview]) -> AsyncIterator[memoryview]:
    for piece in pieces:
        yield piece
