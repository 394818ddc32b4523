"""What the pit wall asks the database: the last laps of rigs, and what was rejected."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, Text, bindparam, exists, func, lateral, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from racing_coach_core.web_live import RejectionDocument, RigDocument, RigLap
from racing_coach_server.analytics.comparison.models import LapComparisonRecord
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.coaching.models import CoachingRecord
from racing_coach_server.coaching.reading import word_of
from racing_coach_server.rejected.schemas import RejectionSummary
from racing_coach_server.rejected.service import RejectedMessages
from racing_coach_server.telemetry.models import LapRecord, TrackSession

_LAPS: Final = 8
_REJECTED: Final = 20
_HIDDEN: Final = "the database refused it"


type AnswerMs = Callable[[UUID, datetime], float | None]
"""Of a lap by its id, and when it was received."""


class WallQueries:
    """Reads what is on the pit wall."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def recent_rigs(self, days: float) -> Sequence[str]:
        """The rigs that sent a lap within so many days: one look into an index for each rig that there ever was."""
        names = select(func.min(LapRecord.rig_id).label("rig_id")).cte("names", recursive=True)
        after = select(func.min(LapRecord.rig_id)).where(LapRecord.rig_id > names.c.rig_id).scalar_subquery()
        names = names.union_all(select(after).where(names.c.rig_id.is_not(None)))
        since = datetime.now(UTC) - timedelta(days=days)
        recent = exists().where(LapRecord.rig_id == names.c.rig_id, LapRecord.received_at >= since)
        return (await self._session.execute(select(names.c.rig_id).where(recent))).scalars().all()

    async def rigs_of(self, lap_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Who sent these laps."""
        statement = select(LapRecord.id, LapRecord.rig_id).where(LapRecord.id.in_(lap_ids))
        rows = await self._session.execute(statement)
        return {row[0]: row[1] for row in rows}

    async def rigs(self, names: Collection[str], answer_ms: AnswerMs) -> Mapping[str, RigDocument]:
        """Rigs as they are now, also such as never drove.

        Args:
            names: of the rigs.
            answer_ms: says how long a lap waited for its answer.
        """
        laps: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for row in await self._session.execute(_LAST_LAPS, {"rigs": list(names)}):
            laps[row.rig_id].append(row)
        bests = {row.rig_id: row for row in await self._session.execute(_BESTS, {"rigs": list(names)})}
        return {name: _rig(name, laps[name], bests.get(name), answer_ms) for name in names}

    async def rejected(self) -> Sequence[RejectionDocument]:
        """The messages that were rejected last, newest first."""
        return [_rejection(one) for one in await RejectedMessages(self._session).newest(limit=_REJECTED)]


def _last(count: int) -> Any:
    """The last laps of each of some rigs, newest first."""
    rigs = func.unnest(bindparam("rigs", type_=ARRAY(Text))).table_valued("rig_id").render_derived(name="rigs")
    statement = select(LapRecord).where(LapRecord.rig_id == rigs.c.rig_id)
    return rigs, aliased(LapRecord, lateral(statement.order_by(LapRecord.received_at.desc()).limit(count), "last"))


def _last_laps() -> Select[Any]:
    rigs, lap = _last(_LAPS)
    return (
        select(
            lap.rig_id,
            lap.id,
            lap.lap_number,
            lap.lap_time,
            lap.is_valid,
            lap.received_at,
            LapComparisonRecord.delta_s,
            CoachingRecord.message,
            TrackSession.id.label("session_id"),
            *(getattr(TrackSession, name) for name in _OF_A_SESSION),
        )
        .select_from(rigs)
        .join(lap, true())
        .join(TrackSession, TrackSession.id == lap.track_session_id)
        .outerjoin(LapComparisonRecord, LapComparisonRecord.lap_id == lap.id)
        .outerjoin(CoachingRecord, CoachingRecord.lap_id == lap.id)
        .order_by(lap.rig_id, lap.received_at.desc())
    )


def _bests() -> Select[Any]:
    """The best of the session, and the driver's best of all time in that car on that track, of each rig's last lap."""
    rigs, lap = _last(1)
    of_session = (
        select(func.min(LapRecord.lap_time))
        .where(LapRecord.track_session_id == TrackSession.id, LapRecord.is_valid)
        .scalar_subquery()
    )
    # A lap that was stored just now is analysed in a moment, and counts already.
    not_analysed = lateral(
        select(LapRecord.id, LapRecord.lap_time)
        .where(
            LapRecord.track_session_id == TrackSession.id,
            LapRecord.is_valid,
            LapRecord.lap_time.is_not(None),
            ~exists().where(LapAnalysisRecord.lap_id == LapRecord.id),
        )
        .order_by(LapRecord.lap_time)
        .limit(1),
        "not_analysed",
    )
    of_all_time = lateral(
        select(LapAnalysisRecord.lap_id, LapAnalysisRecord.lap_time)
        .where(
            LapAnalysisRecord.driver == func.coalesce(TrackSession.driver_id, lap.rig_id),
            LapAnalysisRecord.track_id == TrackSession.track_id,
            LapAnalysisRecord.track_config_name == func.coalesce(TrackSession.track_config_name, ""),
            LapAnalysisRecord.car_id == TrackSession.car_id,
            LapAnalysisRecord.is_reference,
            LapAnalysisRecord.is_wet == literal(False),
        )
        .order_by(LapAnalysisRecord.lap_time)
        .limit(1),
        "best",
    )
    return (
        select(
            lap.rig_id,
            of_session.label("session_best_s"),
            of_all_time.c.lap_time,
            of_all_time.c.lap_id,
            not_analysed.c.lap_time.label("new_lap_time"),
            not_analysed.c.id.label("new_lap_id"),
        )
        .select_from(rigs)
        .join(lap, true())
        .join(TrackSession, TrackSession.id == lap.track_session_id)
        .outerjoin(of_all_time, true())
        .outerjoin(not_analysed, true())
    )


_OF_A_SESSION: Final = (
    *("driver_id", "driver_name", "track_id", "track_name", "track_config_name", "car_id", "car_name"),
)

# Made once: to make one takes longer than to run it.
_LAST_LAPS: Final = _last_laps()
_BESTS: Final = _bests()


def _rig(name: str, laps: Sequence[Row[Any]], best: Row[Any] | None, answer_ms: AnswerMs) -> RigDocument:
    last = laps[0] if laps else None
    about = {field: None if last is None else getattr(last, field) for field in (*_OF_A_SESSION, "session_id")}
    best_s, best_lap_id = _best(best)
    return RigDocument.model_validate(
        about
        | {
            "rig_id": name,
            "online": None,
            "online_since": None,
            "driver": None if last is None else last.driver_id or name,
            "driver_name": None if last is None else last.driver_name or last.driver_id or name,
            "session_best_s": None if best is None else best.session_best_s,
            "best_s": best_s,
            "best_lap_id": best_lap_id,
            "laps": [_lap(row, answer_ms(row.id, row.received_at), is_best=row.id == best_lap_id) for row in laps],
        }
    )


def _best(row: Row[Any] | None) -> tuple[float | None, UUID | None]:
    """The better of what is analysed and what is not yet."""
    if row is None:
        return None, None
    if row.lap_time is None or (row.new_lap_time is not None and row.new_lap_time < row.lap_time):
        return row.new_lap_time, row.new_lap_id
    return row.lap_time, row.lap_id


def _lap(row: Row[Any], answer_ms: float | None, *, is_best: bool) -> RigLap:
    return RigLap(
        lap_id=row.id,
        session_id=row.session_id,
        lap_number=row.lap_number,
        lap_time=row.lap_time,
        is_valid=row.is_valid,
        received_at=row.received_at,
        answer_ms=answer_ms,
        is_best=is_best,
        delta_s=row.delta_s,
        coaching=word_of(row.id, row.message),
    )


def _rejection(one: RejectionSummary) -> RejectionDocument:
    _, rigs, rest = one.topic.partition("/rigs/")
    # What the database said of a value is for the operator.
    reason = _HIDDEN if one.reason.startswith(_HIDDEN) else one.reason
    return RejectionDocument(
        id=one.id,
        rig_id=rest.partition("/")[0] if rigs else None,
        topic=one.topic,
        reason=reason,
        payload_bytes=one.payload_bytes,
        times_received=one.times_received,
        last_received_at=one.last_received_at,
    )
