"""Mistakes taken back: laps deleted, driving sessions relabelled, each with a record. Flushes; the caller commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    SQLColumnExpression,
    Text,
    and_,
    case,
    delete,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.announcing import Announced, announce
from racing_coach_server.database.rows import as_values
from racing_coach_server.telemetry.lap_records import LABELS
from racing_coach_server.telemetry.models import DeletedLap, LapRecord, SessionRelabel, TrackSession
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.ids import id_range

type Labels = Mapping[str, str | None]
"""Columns of a session, of those in `LABELS`."""

_NAMES: Final = ["driver_id", "driver_name"]
_COPIED = ("track_session_id", "rig_id", "lap_number", "payload_sha256", "content_sha256")


@dataclass(frozen=True, slots=True)
class Whose:
    """Conditions by which the records are somebody's.

    Attributes:
        deleted: on `DeletedLap`.
        before: on `SessionRelabel`: the labels that it had before name them.
        after: the same of the labels that it got.
    """

    deleted: ColumnElement[bool]
    before: ColumnElement[bool]
    after: ColumnElement[bool]

    @classmethod
    def driver(cls, driver: str) -> "Whose":
        """A driver's, by the id.

        A name without an id is theirs where the session was theirs before or after, or came from the rig that they are.
        """
        before, after = SessionRelabel.before["driver_id"].astext, SessionRelabel.after["driver_id"].astext
        of_rig = SessionRelabel.track_session_id.in_(_sessions_of(driver))
        named = DeletedLap.about["driver_id"].astext
        return cls(
            deleted=or_(named == driver, and_(named.is_(None), DeletedLap.rig_id == driver)),
            before=or_(before == driver, and_(before.is_(None), or_(after == driver, of_rig))),
            after=or_(after == driver, and_(after.is_(None), or_(before == driver, of_rig))),
        )

    @classmethod
    def rig(cls, rig_id: str) -> "Whose":
        """Of what came from a rig, whoever drove."""
        of_rig = SessionRelabel.track_session_id.in_(_sessions_of(rig_id))
        return cls(deleted=DeletedLap.rig_id == rig_id, before=of_rig, after=of_rig)


class LapChanges:
    """Changes what is stored of laps, and remembers what was changed."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def note_deletion(self, laps: Sequence[StoredLap]) -> None:
        """Note that laps are deleted now: they stay so, also when a rig that saw no answer sends one again."""
        for lap in laps:
            about = lap.session.model_dump(mode="json") | {
                "lap_time": lap.lap_time,
                "received_at": lap.received_at.isoformat(),
            }
            await self._note([lap.lap_id], LapRecord.rig_id, about)

    async def note_erasure(self, lap_ids: Sequence[UUID]) -> None:
        """The same, and of whom and by whom they are is not noted: ids and hashes are enough to know them again."""
        await self._note(lap_ids, literal(""), {})

    async def _note(self, lap_ids: Sequence[UUID], rig_id: SQLColumnExpression[str], about: dict[str, Any]) -> None:
        columns = [rig_id.label(name) if name == "rig_id" else getattr(LapRecord, name) for name in _COPIED]
        source = select(LapRecord.id, *columns, LapRecord.created_at, literal(about, JSONB)).where(
            LapRecord.id.in_(lap_ids)
        )
        record = insert(DeletedLap).from_select(["lap_id", *_COPIED, "stored_at", "about"], source)
        again = {name: record.excluded[name] for name in (*_COPIED, "stored_at", "about", "deleted_at")}
        await self._session.execute(record.on_conflict_do_update(index_elements=["lap_id"], set_=again))

    async def forget(self, whose: Whose) -> None:
        """Leave of what was deleted and relabelled nothing that names them; their laps stay deleted."""
        without = {
            column.key: case((theirs, column.op("-")(literal(_NAMES, ARRAY(Text)))), else_=column)
            for column, theirs in ((SessionRelabel.before, whose.before), (SessionRelabel.after, whose.after))
        }
        await self._session.execute(update(SessionRelabel).where(or_(whose.before, whose.after)).values(without))
        await self._session.execute(update(DeletedLap).where(whose.deleted).values(rig_id="", about={}))

    async def of(self, whose: Whose) -> dict[str, list[dict[str, Any]]]:
        """The records of what was deleted and relabelled of theirs, as values; who else drove is left out."""
        deleted = await self._session.scalars(select(DeletedLap).where(whose.deleted))
        relabelled = select(SessionRelabel, whose.before.label("is_before"), whose.after.label("is_after"))
        return {
            "deleted": [as_values(one) for one in deleted],
            "relabelled": [
                as_values(one) | {"before": _named(one.before, before), "after": _named(one.after, after)}
                for one, before, after in await self._session.execute(
                    relabelled.where(or_(whose.before, whose.after)).order_by(SessionRelabel.id)
                )
            ],
        }

    async def laps_of(self, session_id: UUID) -> Sequence[UUID]:
        """The laps of a driving session, in the order in which they were driven.

        The session is locked: no lap comes to it before the transaction ends.
        """
        await self._session.execute(select(TrackSession.id).where(TrackSession.id == session_id).with_for_update())
        laps = select(LapRecord.id).where(LapRecord.track_session_id == session_id).order_by(LapRecord.lap_number)
        return (await self._session.scalars(laps)).all()

    async def relabel(self, session_id: UUID, labels: Labels) -> Labels:
        """Give a driving session, and so all its laps, another track, car or driver.

        What its rig goes on to send of it is taken as before, and gets the new labels too.

        Returns:
            all labels that it had.
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
        return before

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


def _named(labels: dict[str, Any], is_theirs: bool | None) -> dict[str, Any]:
    return labels if is_theirs else {name: value for name, value in labels.items() if name not in _NAMES}


def _sessions_of(rig_id: str) -> CompoundSelect[UUID]:
    """The sessions of a rig; of those that are gone, the ones of which a lap was deleted."""
    return union(
        select(TrackSession.id).where(TrackSession.rig_id == rig_id),
        select(DeletedLap.track_session_id).where(DeletedLap.rig_id == rig_id),
    )
