"""Simulated rigs: laps to disk, from disk to the broker, until each is answered and the coach has spoken."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from racing_coach_core.coaching import Coaching
from racing_coach_core.lap import Lap
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_demo.habits import simulator_of
from racing_coach_demo.stage import Stage
from racing_coach_rig.config import OutboxSettings, RigSettings, SendingSettings
from racing_coach_rig.outbox.entry import Entry, State
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.coaching import CoachingEar
from racing_coach_rig.sending.sender import sending

_ANSWERS_S = 60.0
_COACH_S = 15.0
_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Sent:
    """A lap of a simulated rig, and what became of it.

    Attributes:
        rig, driver: whose it is.
        lap: as it was driven.
        entry: as the outbox has it, with the answer.
        wire_bytes: of its payload.
        seconds: from the disk to the answer.
        said: what the coach said of it, None if nothing came.
    """

    rig: str
    driver: str
    lap: Lap
    entry: Entry
    wire_bytes: int
    seconds: float
    said: Coaching | None = None


async def drive(stage: Stage, number: int, laps: int, seed: int, advance: Callable[[], None]) -> list[Sent]:
    """One rig: `laps` laps, one after the other, each sent and answered; then the coach is listened to."""
    simulator = simulator_of(number, seed)
    settings = RigSettings(
        rig=f"rig-{number}",
        mqtt=stage.mqtt,
        outbox=OutboxSettings(path=stage.folder / f"rig-{number}.sqlite3"),
        sending=SendingSettings(answer_timeout_s=10),
    )
    sent: list[Sent] = []
    with Outbox(settings.outbox) as outbox:
        async with sending(settings, outbox) as sender:
            while not sender.publisher.connected:
                await asyncio.sleep(_POLL_S)
            for lap in await asyncio.to_thread(lambda: list(simulator.laps(laps))):
                started = time.perf_counter()
                spooled = await asyncio.to_thread(outbox.spool, lap, settings.sending.encoding)
                sender.publisher.wake()
                entry = await _answer(stage, outbox, spooled)
                seconds = time.perf_counter() - started
                sent.append(Sent(settings.rig, simulator.driver.name, lap, entry, spooled.payload_bytes, seconds))
                advance()
            said = await _listen(sender.publisher.ear, {lap.lap.lap_id for lap in sent})
    return [replace(lap, said=said.get(lap.lap.lap_id)) for lap in sent]


async def _listen(ear: CoachingEar, laps: set[UUID]) -> dict[UUID, Coaching]:
    """What the coach says of laps; those of which nothing comes in time are left out."""
    deadline = time.monotonic() + _COACH_S
    while not laps <= ear.said.keys() and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_S)
    return dict(ear.said)


async def _answer(stage: Stage, outbox: Outbox, entry: Entry) -> Entry:
    deadline = time.monotonic() + _ANSWERS_S
    while entry.state is State.WAITING:
        if time.monotonic() > deadline:
            raise ConnectionLostError(f"no answer within {_ANSWERS_S:g} s; the daemon's log: {stage.daemon.log_file}")
        stage.daemon.check()
        await asyncio.sleep(_POLL_S)
        latest = await asyncio.to_thread(outbox.entry, entry.seq)
        if latest is not None:
            entry = latest
    return entry
