"""All data of a driver, or of a rig, erased: in small transactions, and with a record that names nobody."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.analytics.comparison.models import ChosenReferenceRecord, LapComparisonRecord
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord
from racing_coach_server.coaching.models import CoachingRecord
from racing_coach_server.database.engine import Database
from racing_coach_server.database.rows import deleted
from racing_coach_server.feature import Feature
from racing_coach_server.kept import Dependents
from racing_coach_server.lifecycle.models import ErasureRecord
from racing_coach_server.lifecycle.subjects import Mentions, Subject, names_of, next_rejected
from racing_coach_server.lifecycle.sweep import Sweep, first_of
from racing_coach_server.rejected.service import RejectedMessages
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.models import LapRecord

COUNTED: Final = ("laps", "frames", "sessions", "analyses", "comparisons", "coaching", "references", "rejected")
"""What a record counts."""

type Told = Callable[[Counter[str]], None]


class Erasures:
    """The records of what was erased. Flushes; the caller commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def begin(self, subject: Subject) -> int:
        """The number of the subject's record: of one that is not finished, else of a new one."""
        for record in await self.of(subject):
            if record.ended_at is None:
                return record.id
        salt = secrets.token_bytes(16)
        new = ErasureRecord(kind=subject.kind.value, salt=salt, subject=_hash(subject, salt))
        self._session.add(new)
        await self._session.flush()
        return new.id

    async def of(self, subject: Subject) -> Sequence[ErasureRecord]:
        """The records of a subject, the first one first. Tries its name on each, which takes a while."""
        records = select(ErasureRecord).where(ErasureRecord.kind == subject.kind.value).order_by(ErasureRecord.id)
        return [one for one in await self._session.scalars(records) if _hash(subject, one.salt) == one.subject]

    async def add(self, number: int, gone: Counter[str]) -> None:
        """Count what is gone; what is gone of others' comparisons counts with the comparisons."""
        gone = gone + Counter(comparisons=gone["comparisons of other laps"])
        columns = {f"{name}_erased": ErasureRecord.__table__.c[f"{name}_erased"] + gone[name] for name in COUNTED}
        await self._session.execute(update(ErasureRecord).where(ErasureRecord.id == number).values(columns))

    async def end(self, number: int) -> ErasureRecord:
        """It is finished."""
        ended = update(ErasureRecord).where(ErasureRecord.id == number).values(ended_at=func.now())
        return (await self._session.scalars(ended.returning(ErasureRecord))).one()


def _hash(subject: Subject, salt: bytes) -> bytes:
    """Names are short: a plain hash of them would be guessed at once (scrypt, RFC 7914, 16 MiB)."""
    return hashlib.scrypt(subject.name.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a subject.

    Attributes:
        rows: how many, by what they are in the plural.
        rejected: the numbers of rejected messages.
        unreadable: those of which it cannot be told whose they are.
        before: records of what was erased of it before.
    """

    rows: Counter[str]
    rejected: Sequence[int]
    unreadable: Sequence[int]
    before: Sequence[ErasureRecord] = ()


@dataclass(slots=True)
class Erasure:
    """Erases all of a subject. It may be stopped at any time; run again, it goes on.

    Attributes:
        database: hands out the transactions.
        features: all of them, lower ones first.
        subject: whose data.
        decoded_bytes: most that a rejected payload may come to.
        told: called after each transaction with what is gone in it.
        looked: called for each rejected message that was looked at.
    """

    database: Database
    features: Sequence[Feature]
    subject: Subject
    decoded_bytes: int
    told: Told | None = None
    looked: Callable[[], None] | None = None
    _number: int = field(default=0, init=False)

    async def count(self) -> Found:
        """What there is, and nothing is done."""
        async with self.database.transaction() as session:
            rows = await _count(session, self.subject)
            before = await Erasures(session).of(self.subject)
        return replace(await self._rejected(rows), before=before)

    async def run(self) -> ErasureRecord:
        """Erase it: rejected messages, known by what sessions call the driver; choices; then laps, the newest first.

        Laps that come meanwhile go too. Of laps that were compared with each other, a later one goes before that with
        which it was compared, so that nothing is made anew which goes a moment later.
        """
        found = await self._rejected(Counter())
        async with self.database.transaction() as session:
            self._number = await Erasures(session).begin(self.subject)
            chosen = delete(ChosenReferenceRecord).where(ChosenReferenceRecord.driver == self.subject.name)
            await self._note(session, Counter(references=await deleted(session, chosen)))
            await LapChanges(session).forget(self.subject.changes)
        for rejected_id in found.rejected:
            async with self.database.transaction() as session:
                await RejectedMessages(session).forget(rejected_id)
                await self._note(session, Counter(rejected=1))
            self._tell(Counter(rejected=1))
        sweep = Sweep(
            self.database,
            self.features,
            Dependents.REDO,
            prepared=_note_laps,
            noted=self._note,
            told=self._tell,
        )
        await sweep.run(self._next)
        async with self.database.transaction() as session:
            return await Erasures(session).end(self._number)

    async def _next(self, session: AsyncSession) -> Sequence[UUID]:
        laps = select(LapRecord.id, LapRecord.frame_count).where(self.subject.owns)
        return await first_of(session, laps.order_by(LapRecord.received_at.desc(), LapRecord.id))

    async def _note(self, session: AsyncSession, gone: Counter[str]) -> None:
        await Erasures(session).add(self._number, gone)

    def _tell(self, gone: Counter[str]) -> None:
        if self.told is not None:
            self.told(gone)

    async def _rejected(self, rows: Counter[str]) -> Found:
        """Look through all rejected messages, one at a time."""
        async with self.database.transaction() as session:
            mentions = Mentions(self.subject, await names_of(session, self.subject), self.decoded_bytes)
        theirs: list[int] = []
        unreadable: list[int] = []
        last = 0
        while True:
            async with self.database.transaction() as session:
                message = await next_rejected(session, last)
                if message is None:
                    return Found(rows + Counter(rejected=len(theirs)), theirs, unreadable)
                last = message.id
                is_theirs = mentions.are_in(message)
            if is_theirs is None:
                unreadable.append(last)
            elif is_theirs:
                theirs.append(last)
            if self.looked is not None:
                self.looked()


async def _note_laps(session: AsyncSession, lap_ids: Sequence[UUID]) -> None:
    """An erased lap that is sent again, since its rig saw no answer, does not come back."""
    await LapChanges(session).note_erasure(lap_ids)


async def _count(session: AsyncSession, subject: Subject) -> Counter[str]:
    """Rows of a subject, but for rejected messages."""
    totals = select(
        func.count(),
        func.coalesce(func.sum(LapRecord.frame_count), 0),
        func.count(LapRecord.track_session_id.distinct()),
    ).where(subject.owns)
    laps, frames, sessions = (await session.execute(totals)).one()
    rows = Counter(laps=laps, frames=int(frames), sessions=sessions)
    mine = select(LapRecord.id).where(subject.owns)
    for name, which in (
        ("analyses", LapAnalysisRecord.lap_id.in_(mine)),
        ("comparisons", LapComparisonRecord.lap_id.in_(mine)),
        ("coaching", CoachingRecord.lap_id.in_(mine)),
        ("references", (ChosenReferenceRecord.driver == subject.name) | ChosenReferenceRecord.lap_id.in_(mine)),
        (
            "comparisons of other laps",
            LapComparisonRecord.reference_lap_id.in_(mine) & LapComparisonRecord.lap_id.not_in(mine),
        ),
    ):
        rows[name] = (await session.execute(select(func.count()).where(which))).scalar_one()
    return rows
