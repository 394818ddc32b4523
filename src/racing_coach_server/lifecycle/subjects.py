"""Whose data is meant: a driver's, or all that came from a rig."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.codecs.compression import Buffer, decompress, detect
from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.telemetry.changing import Whose
from racing_coach_server.telemetry.models import LapRecord, TrackSession

_FIELD: Final = re.compile(rb'"(driver_id|driver_name)"\s*+:\s*+("(?:[^"\\]|\\.){0,4096}+"|\d{1,64}+)')
"""With its value, text or a number; no name is as long as this, with every character an escape."""
_NAMES_SOMEBODY: Final = re.compile(rb'"driver_id"\s*:\s*["\d]')


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
        if any(name in said and _is_word(name, said) for name in (self.subject.name, *self.names)):
            return True
        try:
            payload = decompress(message.payload, detect(message.payload), self.limit)
        except RacingCoachError:
            return True if is_of_rig else None
        if _names(payload, {b"driver_id": {self.subject.name}, b"driver_name": {*self.names}}):
            return True
        return is_of_rig and not _NAMES_SOMEBODY.search(payload)


def _is_word(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _names(payload: Buffer, wanted: Mapping[bytes, AbstractSet[str]]) -> bool:
    """Whether one of the session's fields has one of these values; an Arrow payload has them as JSON in its metadata.

    It takes as long as the payload is, however many values there are: whoever sends laps may give a driver names.
    """
    return any(_text(found[2]) in wanted[found[1]] for found in _FIELD.finditer(payload))


def _text(written: bytes) -> str | None:
    """A string of JSON, or the digits of a number; None if it is neither."""
    if not written.startswith(b'"'):
        return written.decode()
    try:
        return msgspec.json.decode(written, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


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
