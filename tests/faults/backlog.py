"""Many large laps at once: 8 MB of JSON each, made from one lap by exchanging its identity."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import asyncpg
from sqlalchemy.engine import make_url

from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import Simulator
from tests.daemon import DaemonProcess
from tests.faults.observer import MemorySamples
from tests.infra import Broker
from tests.lap_client import LapClient

PAYLOAD_BYTES = 8_000_000
_STUCK_S = 90.0
_AGAIN_S = 10.0


@cache
def _template() -> tuple[bytes, bytes, bytes]:
    """One lap of about 8 MB as JSON, its lap_id and its session_id as they stand there."""
    lap = next(Simulator(seed=1).laps(1))
    bytes_a_frame = len(encode_lap(lap, Encoding.JSON)) / lap.frames.num_rows
    frames = lap.frames.slice(0, round(PAYLOAD_BYTES / bytes_a_frame))
    payload = encode_lap(Lap(lap.lap_id, lap.session, lap.lap_time, frames), Encoding.JSON)
    return payload, str(lap.lap_id).encode(), str(lap.session.session_id).encode()


def large_laps(count: int) -> Iterator[tuple[uuid.UUID, bytes]]:
    """Payloads of laps that differ in their identity, each of a session of its own."""
    payload, lap_id, session_id = _template()
    for _ in range(count):
        new_lap, new_session = uuid.uuid4(), uuid.uuid4()
        yield new_lap, payload.replace(lap_id, str(new_lap).encode()).replace(session_id, str(new_session).encode())


@dataclass
class Drained:
    """How a backlog was worked off."""

    laps: int
    seconds: float
    peak_rss_bytes: int
    stored: int
    frames: int
    answered: int

    def __str__(self) -> str:
        return (
            f"{self.laps} laps of {PAYLOAD_BYTES / 1e6:g} MB drained in {self.seconds:.1f} s"
            f" ({self.laps / self.seconds:.1f} laps/s), {self.stored} stored, {self.answered} answered,"
            f" peak RSS {self.peak_rss_bytes / 2**20:.0f} MiB"
        )


async def drain_waiting(
    broker: Broker,
    database_url: str,
    count: int,
    said: Callable[[str], None] = lambda _: None,
    settings: Mapping[str, object] | None = None,
) -> Drained:
    """Laps wait in the broker while the daemon, with these settings, is away; then it comes back."""
    daemon = DaemonProcess(broker, database_url, settings=settings)
    try:
        await asyncio.to_thread(daemon.start)
        assert await asyncio.to_thread(daemon.stop) == 0
        async with LapClient(broker, "rig-1") as rig:
            sent = []
            for number, (_, payload) in enumerate(large_laps(count)):
                sent.append(await rig.publish(payload))
                if number % 50 == 0:
                    said(f"{number} laps wait")
            return await _drained(daemon, database_url, rig, sent, said)
    finally:
        await asyncio.to_thread(daemon.close)


async def drain_burst(
    broker: Broker, database_url: str, count: int, said: Callable[[str], None] = lambda _: None
) -> Drained:
    """Laps arrive all at once while the daemon is there; what is not answered is sent again, as a rig does."""
    daemon = DaemonProcess(broker, database_url)
    try:
        await asyncio.to_thread(daemon.start)
        async with LapClient(broker, "rig-1") as rig:
            laps = [payload for _, payload in large_laps(count)]
            sent = list(await asyncio.gather(*(rig.publish(payload) for payload in laps)))
            return await _drained(daemon, database_url, rig, sent, said, again=dict(zip(sent, laps, strict=True)))
    finally:
        await asyncio.to_thread(daemon.close)


async def _drained(
    daemon: DaemonProcess,
    database_url: str,
    rig: LapClient,
    sent: list[str],
    said: Callable[[str], None],
    again: dict[str, bytes] | None = None,
) -> Drained:
    """Wait until every lap is answered; gives up when nothing happens any more."""
    memory = MemorySamples()
    began = progress = resent = time.monotonic()
    if not daemon.is_running:
        await asyncio.to_thread(daemon.start, wait=False)
    open_ = set(sent)
    while open_ and time.monotonic() - progress < _STUCK_S:
        await asyncio.sleep(0.25)
        memory.look(daemon.pid)
        if answered := {sha256 for sha256 in open_ if rig.has_answer(sha256)}:
            open_ -= answered
            progress = time.monotonic()
            if len(open_) % 10 == 0:
                said(f"{len(open_)} laps to go, peak RSS {memory.peak_bytes / 2**20:.0f} MiB")
        if again and open_ and time.monotonic() - max(resent, progress) > _AGAIN_S:
            resent = time.monotonic()
            said(f"sending {len(open_)} laps again")
            for sha256 in open_:
                await rig.publish(again[sha256])
    connection = await asyncpg.connect(plain(database_url))
    try:
        return Drained(
            laps=len(sent),
            seconds=time.monotonic() - began,
            peak_rss_bytes=memory.peak_bytes,
            stored=await connection.fetchval("select count(*) from laps"),
            frames=await connection.fetchval("select coalesce(sum(frame_count), 0) from frame_blocks"),
            answered=len(sent) - len(open_),
        )
    finally:
        await connection.close()


def plain(database_url: str) -> str:
    """The URL without SQLAlchemy's driver."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
