"""What the telemetry service takes and returns."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final
from uuid import UUID

from racing_coach_core.frames import SessionFrame
from racing_coach_server.telemetry.events import LapStored

if TYPE_CHECKING:  # Arrow, which a list of laps does without
    from racing_coach_core.lap import Lap

_REAL_CLOCK: Final = datetime(1971, 1, 1, tzinfo=UTC)
"""Laps whose source has no time of day begin in 1970."""

type Blocks = tuple[memoryview, ...]
"""A lap's frames as a binary COPY stream, in pieces."""


@dataclass(frozen=True)
class ReceivedLap:
    """A decoded lap and how it came: from which rig, in which encoding, when, and by the broker of which cell.

    `known_sha256` is `content_sha256`, and `known_validity` `is_valid`, where that was worked out already;
    `known_blocks` are the frames as `binary_copy` writes them.
    """

    lap: "Lap"
    rig_id: str
    encoding: str
    payload_sha256: str
    received_at: datetime
    cell: str | None = None
    known_sha256: bytes | None = field(default=None, repr=False)
    known_validity: bool | None = field(default=None, repr=False)
    known_blocks: Blocks | None = field(default=None, repr=False)

    @cached_property
    def content_sha256(self) -> bytes:
        """What makes this lap the same as another. Where it is not known yet, it takes a millisecond."""
        from racing_coach_core.content import content_sha256  # noqa: PLC0415

        return self.known_sha256 or content_sha256(self.lap.lap_time, self.lap.frames)

    @property
    def is_valid(self) -> bool:
        """Whether the lap counts: whole, and on track in every frame."""
        from racing_coach_core.completeness import is_valid_lap  # noqa: PLC0415

        return is_valid_lap(self.lap.frames) if self.known_validity is None else self.known_validity

    @property
    def driven_at(self) -> datetime:
        """Wall clock of the last frame; when the lap was received, where frames have no real clock."""
        last: datetime = self.lap.frames.column("timestamp")[-1].as_py()
        return last if last > _REAL_CLOCK else self.received_at


@dataclass(frozen=True, slots=True)
class LapOutcome:
    """What became of a lap: newly stored, found stored already, or found to have been deleted since.

    Attributes:
        lap_id: the id under which it is, or was, stored.
        is_new: whether it is stored now, and was not before.
        stored_at: when it was stored first.
        deleted_at: when it was deleted; None for a lap that is stored.
    """

    lap_id: UUID
    is_new: bool
    stored_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredLap:
    """What is known of a stored lap, without its frames.

    Attributes:
        lap_id: its id.
        session: the driving session it belongs to.
        rig_id: the rig that sent it.
        lap_number: its number in the session.
        lap_time: in seconds, None if it is not known.
        is_valid: whether it is a whole lap.
        frame_count: how many frames it has.
        payload_sha256: of the bytes in which it came, in hex.
        received_at: when its last byte had arrived.
        driven_at: wall clock of its last frame, or `received_at` where frames have no real clock.
        stored_at: when its transaction began.
    """

    lap_id: UUID
    session: SessionFrame
    rig_id: str
    lap_number: int
    lap_time: float | None
    is_valid: bool
    frame_count: int
    payload_sha256: str
    received_at: datetime
    driven_at: datetime
    stored_at: datetime

    @property
    def driver(self) -> str:
        """Who drove: the session's driver, else the rig."""
        return self.session.driver_id or self.rig_id

    @property
    def event(self) -> LapStored:
        """What followers were told of it."""
        return LapStored(
            lap_id=self.lap_id,
            session_id=self.session.session_id,
            rig_id=self.rig_id,
            car_id=self.session.car_id,
            lap_number=self.lap_number,
            stored_at=self.stored_at,
            received_at=self.received_at,
        )
