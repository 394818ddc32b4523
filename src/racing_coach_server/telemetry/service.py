"""Sessions, laps, frames and rejected messages. Flushes; the caller commits."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import pyarrow as pa
from sqlalchemy import RowMapping, bindparam, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_core.completeness import is_valid_lap
from racing_coach_core.frames import SessionFrame
from racing_coach_server.database.base import Base
from racing_coach_server.telemetry.copy_frames import copy_frames
from racing_coach_server.telemetry.exceptions import LapConflictError, SessionConflictError
from racing_coach_server.telemetry.models import LapRecord, RejectedMessage, TrackSession, telemetry
from racing_coach_server.telemetry.schemas import LapOutcome, ReceivedLap, Rejection

_SESSION_IDENTITY: Final = ("rig_id", "track_id", "track_config_name", "car_id")

_MAX_INDEXED: Final = 1_000
"""Bytes; PostgreSQL's btree takes 2,704 for all columns of a row together."""
_SHOWN: Final = 200

# The statements of every lap are made once: making one takes longer than the database does to run it.
_sessions, _laps = (Base.metadata.tables[model.__tablename__] for model in (TrackSession, LapRecord))
_FIND_SESSION: Final = select(*(_sessions.c[name] for name in _SESSION_IDENTITY)).where(
    _sessions.c.id == bindparam("session_id")
)
_ADD_SESSION: Final = insert(_sessions).on_conflict_do_nothing().returning(_sessions.c.id)
_ADD_LAP: Final = insert(_laps).on_conflict_do_nothing().returning(_laps.c.created_at)


class TelemetryService:
    """Everything the telemetry feature does with the database."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def store_lap(self, received: ReceivedLap) -> LapOutcome:
        """Store a lap with its session and frames, or find it stored.

        Raises:
            SessionConflictError: its session is stored with another track, car or rig.
            LapConflictError: it is stored with other content or under another identity.
        """
        hashing = asyncio.ensure_future(received.hash())
        try:
            await self.get_or_create_session(received.lap.session, rig_id=received.rig_id)
        finally:
            await hashing
        stored_at = await self._insert_lap(received)
        if stored_at is None:
            return await self._find_duplicate(received)
        lap = received.lap
        await copy_frames(self._session, lap.frames, session_id=lap.session.session_id, lap_id=lap.lap_id)
        return LapOutcome(lap.lap_id, is_new=True, stored_at=stored_at)

    async def get_or_create_session(self, frame: SessionFrame, *, rig_id: str) -> None:
        """Have the session stored, by this lap or an earlier one.

        Raises:
            SessionConflictError: it is stored with another track, car or rig.
        """
        values = {**frame.model_dump(exclude={"session_id"}), "id": frame.session_id, "rig_id": rig_id}
        # All laps of a session but the first find it there.
        stored = await self._find_session(frame.session_id)
        if stored is None:
            if (await self._session.execute(_ADD_SESSION, values)).scalar_one_or_none() is not None:
                return
            stored = await self._find_session(frame.session_id)
            assert stored is not None  # or it would have been added
        for field in _SESSION_IDENTITY:
            if stored[field] != values[field]:
                raise SessionConflictError(frame.session_id, field, str(stored[field]), str(values[field]))

    async def _find_session(self, session_id: UUID) -> RowMapping | None:
        rows = await self._session.execute(_FIND_SESSION, {"session_id": session_id})
        return rows.mappings().one_or_none()

    async def _insert_lap(self, received: ReceivedLap) -> datetime | None:
        """Insert the lap's row. Waits for a transaction that is just storing the same lap; None if it did."""
        lap = received.lap
        values = {
            "id": lap.lap_id,
            "track_session_id": lap.session.session_id,
            "rig_id": received.rig_id,
            "lap_number": lap.lap_number,
            "lap_time": lap.lap_time,
            "is_valid": is_valid_lap(lap.frames),
            "frame_count": lap.frames.num_rows,
            "payload_sha256": received.payload_sha256,
            "content_sha256": received.content_sha256,
            "encoding": received.encoding,
            "received_at": received.received_at,
        }
        created_at: datetime | None = (await self._session.execute(_ADD_LAP, values)).scalar_one_or_none()
        return created_at

    async def _find_duplicate(self, received: ReceivedLap) -> LapOutcome:
        lap = received.lap
        same_place = (LapRecord.track_session_id == lap.session.session_id) & (LapRecord.lap_number == lap.lap_number)
        rows = await self._session.execute(select(LapRecord).where(or_(LapRecord.id == lap.lap_id, same_place)))
        stored = rows.scalars().all()
        for record in stored:
            if record.content_sha256 == received.content_sha256 and record.track_session_id == lap.session.session_id:
                return LapOutcome(record.id, is_new=False, stored_at=record.created_at)
        raise LapConflictError(lap.lap_id, stored[0].id, lap.session.session_id, lap.lap_number)

    async def latest_session(self, rig_id: str | None = None) -> TrackSession | None:
        """The session that was stored last, of one rig or of all."""
        statement = select(TrackSession).order_by(TrackSession.created_at.desc()).limit(1)
        if rig_id is not None:
            statement = statement.where(TrackSession.rig_id == rig_id)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def laps(self, *, session_id: UUID | None = None, limit: int = 50) -> Sequence[LapRecord]:
        """The laps stored last, newest first."""
        statement = select(LapRecord).order_by(LapRecord.received_at.desc()).limit(limit)
        if session_id is not None:
            statement = statement.where(LapRecord.track_session_id == session_id)
        return (await self._session.execute(statement)).scalars().all()

    async def lap(self, lap_id: UUID) -> tuple[LapRecord, TrackSession] | None:
        """One lap and its session, None if it is not stored."""
        statement = (
            select(LapRecord, TrackSession)
            .join(TrackSession, LapRecord.track_session_id == TrackSession.id)
            .where(LapRecord.id == lap_id)
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def frames(self, lap_id: UUID) -> pa.RecordBatch:
        """A stored lap's frames in driving order, as canonical columns; no rows for an unknown lap."""
        statement = (
            select(*(telemetry.c[name] for name in LAP_SCHEMA.names))
            .where(telemetry.c.lap_id == lap_id)
            .order_by(telemetry.c.frame_index)
        )
        rows = (await self._session.execute(statement)).all()
        columns = list(zip(*rows, strict=True)) or [()] * len(LAP_SCHEMA)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, LAP_SCHEMA, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=LAP_SCHEMA)

    async def reject(self, rejection: Rejection) -> None:
        """Keep a message that was answered `rejected`; the same one again is counted."""
        statement = insert(RejectedMessage).values(
            topic=_indexable(rejection.topic),
            reason=_storable(rejection.reason),
            errors=[{"loc": list(e.loc), "msg": _storable(e.msg)} for e in rejection.errors],
            payload=bytes(rejection.payload),
            payload_sha256=rejection.payload_sha256,
            content_type=_storable(rejection.content_type),
            traceback=_storable(rejection.traceback),
            received_at=rejection.received_at,
            last_received_at=rejection.received_at,
            times_received=1,
        )
        again = {
            "last_received_at": rejection.received_at,
            "times_received": RejectedMessage.times_received + 1,
            "reason": statement.excluded.reason,
            "errors": statement.excluded.errors,
            "traceback": statement.excluded.traceback,
        }
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=["topic", "payload_sha256"], set_=again)
        )

    async def rejected(self, *, limit: int = 50) -> Sequence[RejectedMessage]:
        """The messages rejected last, newest first."""
        statement = select(RejectedMessage).order_by(RejectedMessage.last_received_at.desc()).limit(limit)
        return (await self._session.execute(statement)).scalars().all()

    async def rejection(self, rejected_id: int) -> RejectedMessage | None:
        """One rejected message."""
        return await self._session.get(RejectedMessage, rejected_id)

    async def forget_rejection(self, rejected_id: int) -> None:
        """Delete a rejected message, once it is stored after all."""
        await self._session.execute(delete(RejectedMessage).where(RejectedMessage.id == rejected_id))

    async def count_laps(self) -> int:
        """How many laps are stored."""
        return (await self._session.execute(select(func.count()).select_from(LapRecord))).scalar_one()


def _indexable(text: str) -> str:
    """Text that fits an index: the beginning and a hash of a longer one, such as a topic of 60 KB."""
    clean = _storable(text)
    if len(clean.encode()) <= _MAX_INDEXED:
        return clean
    return f"{clean[:_SHOWN]}… sha256:{hashlib.sha256(clean.encode()).hexdigest()}"


def _storable[T: (str, str | None)](value: T) -> T:
    """Text as PostgreSQL takes it: without U+0000 and lone surrogates, which a payload may have put there."""
    if value is None:
        return value
    return value.replace("\x00", "\ufffd").encode(errors="replace").decode()
