"""Track maps: numbered once, and kept. Flushes; the caller commits."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.track_maps import TrackMapDocument
from racing_coach_server.analytics.track_maps.models import TrackMapRecord


class TrackMapService:
    """Everything that is done with track maps in the database."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def current(self, track_id: str, track_config_name: str | None) -> TrackMapRecord | None:
        """The map in force of a track and configuration, None if it has none."""
        statement = (
            select(TrackMapRecord)
            .where(TrackMapRecord.track_id == track_id, TrackMapRecord.track_config_name == (track_config_name or ""))
            .order_by(TrackMapRecord.revision.desc())
            .limit(1)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def keep(self, document: TrackMapDocument, *, laps_used: int = 0) -> TrackMapRecord:
        """Put a map in force. What was measured by an older one keeps it until it is analysed again."""
        before = await self.current(document.track_id, document.track_config_name)
        return await self._add(document, 1 if before is None else before.revision + 1, laps_used)

    async def keep_first(self, document: TrackMapDocument, *, laps_used: int) -> TrackMapRecord:
        """Put a map in force that was found, unless the track has one by now: corners are numbered once.

        Waits for a transaction that is just doing the same.
        """
        before = await self.current(document.track_id, document.track_config_name)
        return before if before is not None else await self._add(document, 1, laps_used)

    async def _add(self, document: TrackMapDocument, revision: int, laps_used: int) -> TrackMapRecord:
        statement = insert(TrackMapRecord).values(
            track_id=document.track_id,
            track_config_name=document.track_config_name or "",
            revision=revision,
            source=document.source,
            corners=[corner.model_dump(mode="json") for corner in document.corners],
            length_m=document.length_m,
            laps_used=laps_used,
        )
        await self._session.execute(statement.on_conflict_do_nothing())
        current = await self.current(document.track_id, document.track_config_name)
        assert current is not None  # it was added, by us or by whom we waited for
        return current

    async def forget_found(self, track_id: str, track_config_name: str | None) -> None:
        """Delete the maps that were found for a track; one that was written by somebody stays."""
        where = {"track_id": track_id, "track_config_name": track_config_name or "", "source": "found"}
        await self._session.execute(delete(TrackMapRecord).filter_by(**where))

    async def all(self) -> Sequence[TrackMapRecord]:
        """The map in force of every track and configuration, by name."""
        columns = (TrackMapRecord.track_id, TrackMapRecord.track_config_name)
        newest = select(TrackMapRecord).ext(distinct_on(*columns))
        statement = newest.order_by(*columns, TrackMapRecord.revision.desc())
        return (await self._session.execute(statement)).scalars().all()
