"""What is remembered of laps that were deleted and of sessions that were relabelled, for when they come again."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.announcing import Announced, announcing
from racing_coach_server.database.base import Base
from racing_coach_server.telemetry.models import DeletedLap, LapRecord, SessionRelabel, TrackSession
from racing_coach_server.telemetry.schemas import ReceivedLap

LABELS: Final = ("track_id", "track_name", "track_config_name", "car_id", "car_name", "driver_id", "driver_name")
"""Of a session, what `relabel` may change."""

_SAMENESS: Final = ("id", "track_session_id", "lap_number", "payload_sha256", "content_sha256")
_IDENTITY: Final = ("track_id", "track_config_name", "car_id")

_sessions, _laps, _deleted = (
    Base.metadata.tables[model.__tablename__] for model in (TrackSession, LapRecord, DeletedLap)
)


def add_lap(*, of_session_with: Sequence[str] = ()) -> Select[Any]:
    """Insert a lap, with its session's labels, and announce it, unless it is stored or was deleted.

    The session's row is locked as the foreign key locks it anyway: whoever is just relabelling it is waited for.

    Args:
        of_session_with: columns in which the session must be what the parameters `session_...` say, or nothing is
            inserted.
    """
    session = _sessions.c
    labels = {
        "track_id": session.track_id,
        "track_config_name": func.coalesce(session.track_config_name, ""),
        "car_id": session.car_id,
        "driver": func.coalesce(session.driver_id, bindparam("rig_id", type_=_laps.c.rig_id.type)),
    }
    own = [column for column in _laps.c if column.name not in labels and column.server_default is None]
    row = {column.name: bindparam(column.name, type_=column.type).label(column.name) for column in own}
    is_said = [
        session[name].is_not_distinct_from(bindparam(f"session_{name}", type_=session[name].type))
        for name in of_session_with
    ]
    was_deleted = exists().where(_is_same(*(row[name].element for name in _SAMENESS)))
    source = (
        select(*row.values(), *labels.values())
        .where(session.id == bindparam("track_session_id", type_=session.id.type), ~was_deleted, *is_said)
        .with_for_update(read=True, key_share=True)
    )
    new = insert(_laps).from_select([*row, *labels], source).on_conflict_do_nothing()
    added = new.returning(_laps.c.id, _laps.c.created_at).cte("added")
    return announcing(added, Announced.LAP, added.c.id, added.c.created_at)


def _is_same(
    lap_id: Any, session_id: Any, lap_number: Any, payload_sha256: Any, content_sha256: Any
) -> ColumnElement[bool]:
    """Whether a deleted lap is this one: the same content under the same id or in the same place."""
    deleted = _deleted.c
    return and_(
        or_(
            deleted.lap_id == lap_id,
            and_(deleted.track_session_id == session_id, deleted.lap_number == lap_number),
        ),
        or_(deleted.payload_sha256 == payload_sha256, deleted.content_sha256 == content_sha256),
    )


class LapRecords:
    """Asks those records."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def deleted(self, received: ReceivedLap) -> DeletedLap | None:
        """The record of a lap that comes again after it was deleted."""
        lap = received.lap
        same = _is_same(
            lap.lap_id, lap.session.session_id, lap.lap_number, received.payload_sha256, received.content_sha256
        )
        return (await self._session.execute(select(DeletedLap).where(same).limit(1))).scalar_one_or_none()

    async def was_labelled(self, session_id: UUID, sent: Mapping[str, Any]) -> bool:
        """Whether a session once had the track and the car that its rig says it has."""
        before = select(SessionRelabel.before).where(SessionRelabel.track_session_id == session_id)
        known = (await self._session.scalars(before)).all()
        return any(all(one[name] == sent[name] for name in _IDENTITY) for one in known)
