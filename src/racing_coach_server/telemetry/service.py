"""Sessions, laps and frames: how a lap gets into the database. Flushes; the caller commits."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import RowMapping, bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.concurrency import begin
from racing_coach_core.frames import SessionFrame
from racing_coach_server.database.base import Base
from racing_coach_server.database.driver import Prepared, driver_of
from racing_coach_server.telemetry.binary_copy import ahead, binary_copy
from racing_coach_server.telemetry.copy_frames import copy_blocks
from racing_coach_server.telemetry.erasing import drop_empty_sessions
from racing_coach_server.telemetry.exceptions import LapConflictError, SessionConflictError, SessionVanishedError
from racing_coach_server.telemetry.lap_records import LapRecords, add_lap
from racing_coach_server.telemetry.models import LapRecord, TrackSession
from racing_coach_server.telemetry.schemas import LapOutcome, ReceivedLap

_SESSION_IDENTITY: Final = ("rig_id", "track_id", "track_config_name", "car_id")

# The statements of every lap are made once: making one takes longer than the database does to run it.
_sessions, _laps = (Base.metadata.tables[model.__tablename__] for model in (TrackSession, LapRecord))
_FIND_SESSION: Final = select(*(_sessions.c[name] for name in _SESSION_IDENTITY)).where(
    _sessions.c.id == bindparam("session_id")
)
_ADD_SESSION: Final = insert(_sessions).on_conflict_do_nothing().returning(_sessions.c.id)
_ADD_LAP: Final = Prepared(add_lap())
_ADD_LAP_OF_KNOWN: Final = Prepared(add_lap(of_session_with=_SESSION_IDENTITY))


class TelemetryService:
    """Stores laps, and finds those that are stored already."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def store_lap(self, received: ReceivedLap) -> LapOutcome:
        """Store a lap with its session and frames, or find it stored.

        Raises:
            SessionConflictError: its session is stored with another track, car or rig.
            LapConflictError: it is stored with other content or under another identity.
        """
        return await self.store_and(received, lambda outcome: outcome)

    async def store_and[T](self, received: ReceivedLap, answer: Callable[[LapOutcome], T]) -> T:
        """The same, and make something of the outcome: of a new lap while the database is busy with its frames.

        Nothing may come of what is made if the transaction fails after all.
        """
        lap = received.lap
        driver = await driver_of(self._session)
        # All laps of a session but the first find it there, as it says it is: one way to the database and back.
        inserting = begin(self._insert_lap(driver, received, _ADD_LAP_OF_KNOWN), name="insert a lap")
        try:
            # While the database is at that, we would have nothing to do.
            if received.known_blocks is None:
                blocks = ahead(binary_copy(lap.frames, lap_id=lap.lap_id, made_of=lap.made_of))
            else:
                blocks = iter(received.known_blocks)
        finally:
            stored_at = await inserting
        if stored_at is None:
            await self.get_or_create_session(lap.session, rig_id=received.rig_id)
            stored_at = await self._insert_lap(driver, received, _ADD_LAP)
        if stored_at is None:
            return answer(await self._find_duplicate(received))
        outcome = LapOutcome(lap.lap_id, is_new=True, stored_at=stored_at)
        answers: list[T] = []
        await copy_blocks(driver, _and_then(blocks, lambda: answers.append(answer(outcome))))
        return answers[0]

    async def get_or_create_session(self, frame: SessionFrame, *, rig_id: str) -> None:
        """Have the session stored, by this lap or an earlier one.

        Raises:
            SessionConflictError: it is stored with another track, car or rig.
        """
        # Of a session that which has a column: a wire that is ahead of the tables loses no lap.
        told = {name: value for name, value in frame.model_dump().items() if name in _sessions.c}
        values = {**told, "id": frame.session_id, "rig_id": rig_id}
        stored = await self._find_session(frame.session_id)
        if stored is None:
            if (await self._session.execute(_ADD_SESSION, values)).scalar_one_or_none() is not None:
                return
            stored = await self._find_session(frame.session_id)
            assert stored is not None  # or it would have been added
        other = [field for field in _SESSION_IDENTITY if stored[field] != values[field]]
        if other and not await LapRecords(self._session).was_labelled(frame.session_id, values):
            field = other[0]
            raise SessionConflictError(frame.session_id, field, str(stored[field]), str(values[field]))

    async def _find_session(self, session_id: UUID) -> RowMapping | None:
        rows = await self._session.execute(_FIND_SESSION, {"session_id": session_id})
        return rows.mappings().one_or_none()

    async def _insert_lap(
        self, driver: asyncpg.Connection, received: ReceivedLap, statement: Prepared
    ) -> datetime | None:
        """Insert the lap's row. Waits for a transaction that is just storing the same lap.

        Returns:
            when it was stored; None if it was already, or was deleted, or the statement finds no session for it.
        """
        lap = received.lap
        session = lap.session
        values = {
            **{f"session_{name}": getattr(session, name) for name in _SESSION_IDENTITY if name != "rig_id"},
            "session_rig_id": received.rig_id,
            "id": lap.lap_id,
            "track_session_id": session.session_id,
            "rig_id": received.rig_id,
            "lap_number": lap.lap_number,
            "lap_time": lap.lap_time,
            "is_valid": received.is_valid,
            "frame_count": lap.frames.num_rows,
            "payload_sha256": received.payload_sha256,
            "content_sha256": received.content_sha256,
            "encoding": received.encoding,
            "received_at": received.received_at,
            "driven_at": received.driven_at,
            "cell": received.cell,
        }
        created_at: datetime | None = await statement.first(driver, values)
        return created_at

    async def _find_duplicate(self, received: ReceivedLap) -> LapOutcome:
        lap = received.lap
        same_place = (LapRecord.track_session_id == lap.session.session_id) & (LapRecord.lap_number == lap.lap_number)
        rows = await self._session.execute(select(LapRecord).where(or_(LapRecord.id == lap.lap_id, same_place)))
        stored = rows.scalars().all()
        for record in stored:
            # The same bytes are the same lap, also where an older daemon made other columns of them.
            same = (record.payload_sha256, record.content_sha256)
            is_same = received.payload_sha256 == same[0] or received.content_sha256 == same[1]
            if is_same and record.track_session_id == lap.session.session_id:
                return LapOutcome(record.id, is_new=False, stored_at=record.created_at)
        deleted = await LapRecords(self._session).deleted(received)
        if deleted is not None:
            await drop_empty_sessions(self._session, [lap.session.session_id])
            return LapOutcome(deleted.lap_id, is_new=False, stored_at=deleted.stored_at, deleted_at=deleted.deleted_at)
        if not stored:
            raise SessionVanishedError(lap.session.session_id)
        raise LapConflictError(lap.lap_id, stored[0].id, lap.session.session_id, lap.lap_number)


def _and_then[T](pieces: Iterator[T], work: Callable[[], None]) -> Iterator[T]:
    """The same pieces, and when the last was taken, work."""
    yield from pieces
    work()
