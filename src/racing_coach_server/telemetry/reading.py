"""Stored laps, for reading: what commands, the picture and higher features use. Nothing here writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.channels import CHANNELS
from racing_coach_core.frames import SessionFrame
from racing_coach_server.telemetry.events import LapStored
from racing_coach_server.telemetry.models import LapRecord, TrackSession, frame_blocks
from racing_coach_server.telemetry.schemas import StoredLap

if TYPE_CHECKING:
    # Imported where frames are read: a list of laps does without Arrow and numpy, which take longer to import than
    # it takes.
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from racing_coach_core.arrow_types import Column
    from racing_coach_core.lap import Lap

_ALL: Final = tuple(channel.name for channel in CHANNELS)
_MEASURED: Final = tuple(name for name in _ALL if name != "timestamp")


class StoredLaps:
    """The laps that are stored."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, lap_id: UUID) -> StoredLap | None:
        """One lap, None if it is not stored."""
        row = (await self._session.execute(_ONE_LAP, {"lap_id": lap_id})).one_or_none()

        return None if row is None else stored_lap(row[0], row[1])

    async def are_of(self, track_id: str, track_config_name: str | None) -> bool:
        """Whether any lap is of a track, in this configuration."""
        laps = exists().where(LapRecord.track_id == track_id, LapRecord.track_config_name == (track_config_name or ""))
        return bool((await self._session.execute(select(laps))).scalar())

    async def hold(self, lap_id: UUID) -> bool:
        """Keep a lap from being deleted to the end of the transaction. False if it is deleted already."""
        held = select(LapRecord.id).where(LapRecord.id == lap_id).with_for_update(read=True, key_share=True)
        return (await self._session.execute(held)).scalar_one_or_none() is not None

    async def oldest(
        self, *, since: datetime | None, until: datetime, after: StoredLap | None = None, limit: int
    ) -> Sequence[StoredLap]:
        """Laps in the order in which they were received, page by page.

        Args:
            since: received at this time or later; from the first one if None.
            until: received at this time or earlier.
            after: the last lap of the page before.
            limit: of the page.
        """
        place = (LapRecord.received_at, LapRecord.id)
        statement = laps_with_sessions().where(*_received(since, until)).order_by(*place).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(*place) > (after.received_at, after.lap_id))
        return [stored_lap(row[0], row[1]) for row in await self._session.execute(statement)]

    async def count(self, *, since: datetime | None, until: datetime) -> int:
        """How many laps were received between these, both included."""
        statement = select(func.count()).select_from(LapRecord).where(*_received(since, until))
        return (await self._session.execute(statement)).scalar_one()

    async def events(self, *which: ColumnElement[bool], limit: int) -> Sequence[LapStored]:
        """What followers would have been told of laps, newest first: for a follower that asks what it missed.

        Args:
            which: conditions on `LapRecord` and `TrackSession`, such as a `not exists` of the follower's own table.
            limit: at most so many.
        """
        statement = (
            select(
                LapRecord.id,
                LapRecord.track_session_id,
                LapRecord.rig_id,
                TrackSession.car_id,
                LapRecord.lap_number,
                LapRecord.created_at,
                LapRecord.received_at,
            )
            .join(TrackSession, LapRecord.track_session_id == TrackSession.id)
            .where(*which)
            .order_by(LapRecord.received_at.desc())
            .limit(limit)
        )
        return [LapStored(*row) for row in await self._session.execute(statement)]

    async def columns(self, lap_id: UUID, names: Sequence[str] = _ALL) -> "pa.RecordBatch":
        """A lap's frames in driving order, as canonical columns; no rows for an unknown lap.

        Args:
            lap_id: which lap.
            names: channels, in the order of the columns; all of them if not given.
        """
        from racing_coach_server.telemetry.read_frames import read_frames  # noqa: PLC0415
        from racing_coach_server.telemetry.read_rows import are_rows_left, read_rows  # noqa: PLC0415

        frames = await read_frames(self._session, lap_id, names)
        if not frames.num_rows and await are_rows_left(self._session):
            frames = (await read_rows(self._session, lap_id)).select(names)
        return frames

    async def count_frames(self, lap_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many frames are there of laps; a lap without any is left out."""
        frames = frame_blocks.c
        counted = select(frames.lap_id, func.sum(frames.frame_count)).where(frames.lap_id.in_(lap_ids))
        found = {row[0]: row[1] for row in await self._session.execute(counted.group_by(frames.lap_id))}
        from racing_coach_server.telemetry.read_rows import count_rows  # noqa: PLC0415

        others = [lap_id for lap_id in lap_ids if lap_id not in found]
        return found | (await count_rows(self._session, others) if others else {})

    async def channels(self, lap_id: UUID, names: Sequence[str] = _MEASURED) -> "dict[str, npt.NDArray[np.float64]]":
        """A lap's frames in driving order, as the analysis takes them.

        Args:
            lap_id: which lap.
            names: channels; all but the timestamp if not given.

        Returns:
            by channel, one float64 a frame in the channel's unit, NaN where there is no value, 0 and 1 for false and
            true. A channel without any value is left out.
        """
        from racing_coach_server.telemetry.read_channels import read_channels  # noqa: PLC0415

        if (found := await read_channels(self._session, lap_id, names)) is not None:
            return found
        # Of rows there are few laps, and none soon; they are read as columns.
        frames = await self.columns(lap_id, names)
        return {
            name: _floats(frames.column(name))
            for name in frames.schema.names
            if frames.column(name).null_count < frames.num_rows
        }

    async def lap(self, stored: StoredLap) -> "Lap":
        """A stored lap, whole, as it was before it was stored."""
        from racing_coach_core.lap import Lap  # noqa: PLC0415

        return Lap(stored.lap_id, stored.session, stored.lap_time, await self.columns(stored.lap_id))


def _floats(column: "Column") -> "npt.NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    numbers = column.cast(pa.uint8()) if pa.types.is_boolean(column.type) else column
    return np.asarray(numbers.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _received(since: datetime | None, until: datetime) -> list[ColumnElement[bool]]:
    return [LapRecord.received_at <= until, *([] if since is None else [LapRecord.received_at >= since])]


def laps_with_sessions() -> Select[LapRecord, TrackSession]:
    """Laps, each beside its session: the rows of `stored_lap`."""
    return select(LapRecord, TrackSession).join(TrackSession, LapRecord.track_session_id == TrackSession.id)


# Made once: followers ask these several times a lap, and to make a statement takes longer than to run it.
_ONE_LAP: Final = laps_with_sessions().where(LapRecord.id == bindparam("lap_id"))


def stored_lap(record: LapRecord, session: TrackSession) -> StoredLap:
    """What is known of a lap, of its row and its session's."""
    values = {name: getattr(session, name) for name in SessionFrame.model_fields if name != "session_id"}
    return StoredLap(
        lap_id=record.id,
        session=SessionFrame.model_validate(values | {"session_id": session.id}),
        rig_id=record.rig_id,
        lap_number=record.lap_number,
        lap_time=record.lap_time,
        is_valid=record.is_valid,
        frame_count=record.frame_count,
        payload_sha256=record.payload_sha256,
        received_at=record.received_at,
        driven_at=record.driven_at,
        stored_at=record.created_at,
    )
