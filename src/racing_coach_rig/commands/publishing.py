"""`racing-coach-rig publish`: from laps on disk to their answers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from racing_coach_core.coaching import Coaching
from racing_coach_core.frames import SessionFrame
from racing_coach_core.messages import LapStatus
from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox.entry import Entry, State
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.sender import Sender, sending
from racing_coach_rig.sources.result import RefusedLap

_POLL_S = 0.1
_REFUSALS = 2
"""So often the broker may refuse us, for a reason that no waiting heals; once it may be about to read its passwords."""
_COACH_S = 3.0
"""How long the coach's word is waited for once every lap is answered; it takes a fraction of a second."""


@dataclass(slots=True)
class SpooledLap:
    """A lap of one of the files, and where it stands."""

    path: Path
    lap_time: float | None
    frames: int
    entry: Entry

    @property
    def is_answered(self) -> bool:
        return self.entry.state is not State.WAITING

    @property
    def is_stored(self) -> bool:
        return self.entry.state is State.STORED

    @property
    def status(self) -> str:
        if self.entry.answer is not None:
            return self.entry.answer.status.value
        return LapStatus.REJECTED.value if self.entry.state is State.REJECTED else "waiting"

    @property
    def message(self) -> str:
        if self.entry.answer is not None:
            return self.entry.answer.message
        return self.entry.trouble or ("no answer yet" if self.entry.sent else "not sent yet")


@dataclass(frozen=True, slots=True)
class PlannedLap:
    """A lap that would be sent."""

    path: Path
    lap_number: int
    lap_time: float | None
    frames: int
    session: SessionFrame


@dataclass(slots=True)
class PublishReport:
    """What became of every file."""

    laps: list[SpooledLap] = field(default_factory=list)
    planned: list[PlannedLap] = field(default_factory=list)
    refused: list[tuple[Path, RefusedLap]] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    notes: list[tuple[Path, str]] = field(default_factory=list)
    trouble: str | None = None
    is_refused: bool = False
    """Whether the broker's access list refuses every lap that waits."""
    coaching: dict[UUID, Coaching] = field(default_factory=dict)

    @property
    def all_stored(self) -> bool:
        """Whether every file gave laps and every lap is stored."""
        return not self.unreadable and not self.without_lap and all(lap.is_stored for lap in self.laps)

    @property
    def without_lap(self) -> set[Path]:
        """Files that were read and hold no lap to send."""
        with_laps = {lap.path for lap in self.laps} | {lap.path for lap in self.planned}
        return {path for path, _ in self.refused} - with_laps


async def send_and_wait(
    settings: RigSettings,
    outbox: Outbox,
    report: PublishReport,
    *,
    timeout_s: float,
    progress: Callable[[PublishReport], None],
) -> None:
    """Send what was spooled and wait for the answers, and a moment for the coach.

    Gives up after `timeout_s` without any progress, and as soon as the broker refuses us for good; the laps stay in the
    outbox.
    """
    async with sending(settings, outbox) as sender:
        deadline = time.monotonic() + timeout_s
        answered = -1
        while time.monotonic() < deadline:
            await asyncio.to_thread(_refresh, outbox, report)
            report.trouble = sender.publisher.trouble
            now = sum(lap.is_answered for lap in report.laps)
            if now != answered:
                answered, deadline = now, time.monotonic() + timeout_s
            progress(report)
            if answered == len(report.laps):
                await _listen_to_the_coach(sender, report)
                return
            waiting = {lap.entry.seq for lap in report.laps if not lap.is_answered}
            report.is_refused = waiting <= sender.publisher.refused
            if report.is_refused or sender.publisher.refusals >= _REFUSALS:
                return
            await asyncio.sleep(_POLL_S)


async def _listen_to_the_coach(sender: Sender, report: PublishReport) -> None:
    """Wait for the coach's word on what was stored just now; if another program sends, it hears it, not this one."""
    awaited = {lap.entry.lap_id for lap in report.laps if lap.status == LapStatus.SUCCESS.value}
    said = sender.publisher.ear.said
    deadline = time.monotonic() + _COACH_S
    while sender.sends and not awaited <= said.keys() and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_S)
    report.coaching = {lap_id: said[lap_id] for lap_id in awaited & said.keys()}


def _refresh(outbox: Outbox, report: PublishReport) -> None:
    for lap in report.laps:
        if not lap.is_answered:
            lap.entry = outbox.entry(lap.entry.seq) or lap.entry
