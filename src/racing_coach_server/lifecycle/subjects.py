"""Whose data is meant: a driver's, or all that came from a rig."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.codecs.compression import decompress, detect
from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.telemetry.changing import Whose
from racing_coach_server.telemetry.models import LapRecord, TrackSession

_NAMES_SOMEBODY: Final = re.compile(rb'"driver_id"\s*:\s*"')


class Kind(StrEnum):
    """What a name is of."""

    DRIVER = "driver"
    RIG = "rig"


@dataclass(frozen=True, slots=True)
class Subject:
    """A driver, who is the rig where sessions name none, or a rig.

    >>> Subject(Kind.DRIVER, "ines").words
    'driver ines'
    """

    kind: Kind
    name: str

    @property
    def words(self) -> str:
        """Kind and name."""
        return f"{self.kind} {self.name}"

    @property
    def owns(self) -> ColumnElement[bool]:
        """Whether a lap is of this one."""
        return (LapRecord.driver if self.kind is Kind.DRIVER else LapRecord.rig_id) == self.name

    @property
    def changes(self) -> Whose:
        """Which records of laps that were deleted, and of sessions that were relabelled, are of this one."""
        return Whose.driver(self.name) if self.kind is Kind.DRIVER else Whose.rig(self.name)

    @property
    def laps(self) -> Select[LapRecord]:
        """The laps."""
        return select(LapRecord).where(self.owns)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Looks for a subject in rejected messages.

    Attributes:
        subject: whom to look for.
        names: what the driver is called in sessions.
        limit: most bytes that a payload may come to.
    """

    subject: Subject
    names: Sequence[str]
    limit: int

    def are_in(self, message: RejectedMessage) -> bool | None:
        """Whether a message is the subject's; None if it cannot be told, since the payload cannot be read."""
        rig = re.search(r"/rigs/([^/]*)", message.topic)
        is_of_rig = rig is not None and rig[1] == self.subject.name
        if self.subject.kind is Kind.RIG:
            return is_of_rig
        said = " ".join((message.reason, str(message.errors), message.traceback or ""))
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in (self.subject.name, *self.names)):
            return True
        try:
            payload = decompress(message.payload, detect(message.payload), self.limit)
        except RacingCoachError:
            return True if is_of_rig else None
        if _fields(self.subject.name, self.names).search(payload):
            return True
        return is_of_rig and not _NAMES_SOMEBODY.search(payload)


def _fields(driver: str, names: Sequence[str]) -> re.Pattern[bytes]:
    """The session's fields with these values, as JSON writes them; an Arrow payload has them so in its metadata."""
    written = [(b"driver_id", driver), *((b"driver_name", name) for name in names)]
    return re.compile(
        b"|".join(
            rb'"%s"\s*:\s*(?:%s)' % (field, b"|".join(map(re.escape, _as_json(value)))) for field, value in written
        )
    )


def _as_json(value: str) -> tuple[bytes, bytes]:
    """A string in JSON: as UTF-8, and with escapes for all that is not ASCII."""
    plain = msgspec.json.encode(value)
    escaped = "".join(one if ord(one) < 128 else f"\\u{ord(one):04x}" for one in plain.decode())  # noqa: PLR2004 (ASCII)
    return plain, escaped.encode()


async def names_of(session: AsyncSession, subject: Subject) -> Sequence[str]:
    """What a driver is called in the sessions that are stored."""
    if subject.kind is Kind.RIG:
        return ()
    found = select(TrackSession.driver_name).where(
        TrackSession.id.in_(select(LapRecord.track_session_id).where(subject.owns).distinct()),
        TrackSession.driver_id == subject.name,
        TrackSession.driver_name.is_not(None),
    )
    return [name for name in await session.scalars(found.distinct()) if name]


async def next_rejected(session: AsyncSession, after: int) -> RejectedMessage | None:
    """The rejected message that follows a number: one at a time, since a payload may have 16 MiB."""
    statement = select(RejectedMessage).where(RejectedMessage.id > after).order_by(RejectedMessage.id).limit(1)
    return (await session.scalars(statement)).one_or_none()


async def count_rejected(session: AsyncSession) -> int:
    """How many rejected messages there are in all."""
    return (await session.execute(select(func.count()).select_from(RejectedMessage))).scalar_one()
