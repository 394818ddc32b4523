"""Laps that were stored as rows, before there were blocks, become blocks. Flushes; the caller commits.

The rows of a lap stay where they are until every lap is in blocks: then their table goes, all at once.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.content import content_sha256
from racing_coach_server.telemetry.copy_frames import copy_frames
from racing_coach_server.telemetry.exceptions import RowsDifferError
from racing_coach_server.telemetry.models import LapRecord, frame_blocks
from racing_coach_server.telemetry.read_frames import read_frames
from racing_coach_server.telemetry.read_rows import are_rows_left, read_rows

_LEFT: Final = """
    from laps lap cross join lateral (select from telemetry_rows row where row.lap_id = lap.id limit 1) first
    where not exists (select from frame_blocks block where block.lap_id = lap.id)
"""
_COUNT: Final = text(f"select count(*) {_LEFT}")
_LAPS: Final = text(f"select lap.id {_LEFT} order by lap.received_at, lap.id")
_WITHOUT_LAP: Final = text(
    "select count(*) from telemetry_rows row where not exists (select from laps lap where lap.id = row.lap_id)"
)
_IN_BLOCKS: Final = exists().where(frame_blocks.c.lap_id == bindparam("lap_id"))
_FINISH: Final = (
    "do $$ begin execute 'create or replace view telemetry as ' || pg_get_viewdef('telemetry_of_blocks'); end $$",
    "drop view telemetry_of_blocks",
    "drop table telemetry_rows",
)


class RowConverter:
    """Makes blocks of rows, lap by lap."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def are_rows_left(self) -> bool:
        """Whether there is a table of rows still."""
        return await are_rows_left(self._session)

    async def count(self) -> int:
        """How many laps are rows and nothing else."""
        if not await self.are_rows_left():
            return 0
        count: int = (await self._session.execute(_COUNT)).scalar_one()
        return count

    async def laps(self) -> Sequence[UUID]:
        """Which, in the order in which they were received."""
        if not await self.are_rows_left():
            return []
        return (await self._session.scalars(_LAPS)).all()

    async def convert(self, lap_id: UUID, *, as_they_are: bool = False) -> bool:
        """Make blocks of a lap's rows, and read them again. False if somebody else does or did, or it is deleted.

        Args:
            lap_id: which lap.
            as_they_are: take rows that are not what came from the rig.

        Raises:
            RowsDifferError: the rows are not what came from the rig, or the blocks not what the rows are.
        """
        statement = select(LapRecord.lap_time, LapRecord.content_sha256).where(LapRecord.id == lap_id)
        lap = (await self._session.execute(statement.with_for_update(key_share=True, skip_locked=True))).one_or_none()
        if lap is None or await self._session.scalar(select(_IN_BLOCKS), {"lap_id": lap_id}):
            return False
        rows = await read_rows(self._session, lap_id)
        digest = await asyncio.to_thread(content_sha256, lap.lap_time, rows)
        if digest != lap.content_sha256 and not as_they_are:
            raise RowsDifferError(lap_id, f"its {rows.num_rows:,} rows are not what came from the rig")
        await copy_frames(self._session, rows, lap_id=lap_id)
        blocks = await read_frames(self._session, lap_id, rows.schema.names)
        if await asyncio.to_thread(content_sha256, lap.lap_time, blocks) != digest:
            raise RowsDifferError(lap_id, "the blocks made of its rows are not what the rows are")
        return True

    async def frames_without_lap(self) -> int:
        """Rows whose lap somebody deleted: nothing is made of them."""
        count: int = (await self._session.execute(_WITHOUT_LAP)).scalar_one()
        return count

    async def finish(self) -> None:
        """Do away with the table of rows; no lap may be left in it."""
        for statement in _FINISH:
            await self._session.execute(text(statement))
