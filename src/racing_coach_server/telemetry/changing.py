"""Mistakes taken back: laps deleted, driving sessions relabelled, each with a record. Flushes; the caller commits."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.announcing import Announced, announce
from racing_coach_server.telemetry.erasing import drop_empty_sessions, erase_laps
from racing_coach_server.telemetry.lap_records import LABELS
from racing_coach_server.telemetry.models import DeletedLap, LapRecord, SessionRelabel, TrackSession
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.ids import id_range

type Labels = Mapping[str, str | None]
"""Columns of a session, of those in `LABELS`."""

_COPIED = ("track_session_id", "rig_id", "lap_number", "payload_sha256", "content_sha256")


class LapChanges:
    """Changes what is stored of laps, and remembers what was changed."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def delete(self, laps: Sequence[StoredLap]) -> None:
        """Delete laps. They stay deleted, also when a rig that saw no answer sends one again."""
        for lap in laps:
            about = lap.session.model_dump(mode="json") | {
                "lap_time": lap.lap_time,
                "received_at": lap.received_at.isoformat(),
            }
            columns = [getattr(LapRecord, name) for name in _COPIED]
            source = select(LapRecord.id, *columns, LapRecord.created_at, literal(about, JSONB)).where(
                LapRecord.id == lap.lap_id
            )
            record = insert(DeletedLap).from_select(["lap_id", *_COPIED, "stored_at", "about"], source)
            again = {name: record.excluded[name] for name in (*_COPIED, "stored_at", "about")}
            await self._session.execute(
                record.on_conflict_do_update(index_elements=["lap_id"], set_=again | {"deleted_at": func.now()})
            )
        await erase_laps(self._session, [lap.lap_id for lap in laps])
        await drop_empty_sessions(self._session, list({lap.session.session_id for lap in laps}))

    async def laps_of(self, session_id: UUID) -> Sequence[UUID]:
        """The laps of a driving session, in the order in which they were driven.

        The session is locked: no lap comes to it before the transaction ends.
        """
        await self._session.execute(select(TrackSession.id).where(TrackSession.id == session_id).with_for_update())
        laps = select(LapRecord.id).where(LapRecord.track_session_id == session_id).order_by(LapRecord.lap_number)
        return (await self._session.scalars(laps)).all()

    async def relabel(self, session_id: UUID, labels: Labels) -> None:
        """Give a driving session, and so all its laps, another track, car or driver.

        What its rig goes on to send of it is taken as before, and gets the new labels too.
        """
        laps = await self.laps_of(session_id)
        row = await self._session.get_one(TrackSession, session_id, populate_existing=True)
        before = {name: getattr(row, name) for name in LABELS}
        self._session.add(
            SessionRelabel(track_session_id=session_id, laps=len(laps), before=before, after=before | dict(labels))
        )
        for name, value in labels.items():
            setattr(row, name, value)
        await self._session.flush()
        own = {
            "track_id": row.track_id,
            "track_config_name": row.track_config_name or "",
            "car_id": row.car_id,
            "driver": row.driver_id or row.rig_id,
        }
        await self._session.execute(update(LapRecord).where(LapRecord.track_session_id == session_id).values(own))
        await self._session.execute(announce(Announced.RIG, select(TrackSession.rig_id).filter_by(id=session_id)))

    async def deleted(self, *, limit: int) -> Sequence[DeletedLap]:
        """The laps deleted last, newest first."""
        statement = select(DeletedLap).order_by(DeletedLap.deleted_at.desc(), DeletedLap.lap_id).limit(limit)
        return (await self._session.scalars(statement)).all()

    async def relabelled(self, *, limit: int) -> Sequence[SessionRelabel]:
        """The sessions relabelled last, newest first."""
        statement = select(SessionRelabel).order_by(SessionRelabel.id.desc()).limit(limit)
        return (await self._session.scalars(statement)).all()

    async def deleted_like(self, text: str) -> Sequence[DeletedLap]:
        """The deleted laps that an id, or the first part of one, may mean; at most five.

        Raises:
            InvalidLapIdError: it is neither.
        """
        meant = select(DeletedLap).where(DeletedLap.lap_id.between(*id_range(text)))
        return (await self._session.scalars(meant.order_by(DeletedLap.lap_id).limit(5))).all()

    async def readmit(self, lap_id: UUID) -> None:
        """Let a deleted lap come again."""
        await self._session.execute(delete(DeletedLap).where(DeletedLap.lap_id == lap_id))
