"""Hears every answer, every word of the coach and every heartbeat, and looks at the moment of each answer whether the lap is in the database."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import aiomqtt
import asyncpg
from aiomqtt import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from racing_coach_core.coaching import Coaching
from racing_coach_core.messages import Heartbeat, LapStatus, LapUploadResponse
from racing_coach_core.topics import Topics
from tests.infra import MONITORING, Broker

TOPICS = Topics()
_RETRY_S = 0.3
_EXPIRY_S = 3600


@dataclass
class Observations:
    """What was seen from outside."""

    answers: Counter[str] = field(default_factory=Counter)
    answered: set[UUID] = field(default_factory=set)
    early: set[UUID] = field(default_factory=set)
    """Answers that came when the lap was not in the database."""
    looked_at: int = 0
    """Answers of which could be seen at once whether the lap was in the database."""
    looked_at_late: int = 0
    """Answers that came when the database could not be asked."""
    heartbeats: int = 0
    wrong_accounts: list[str] = field(default_factory=list)
    degraded: int = 0
    spoken: list[tuple[UUID, float]] = field(default_factory=list)
    """What the coach said: of which lap, and when it was heard, s of the wall clock."""
    connects: list[float] = field(default_factory=list)
    """When a connection of the observer's was made: what was unacknowledged comes again."""
    rejections: list[str] = field(default_factory=list)


class Observer:
    """Listens as every rig and as monitoring, straight at the broker, until cancelled."""

    def __init__(self, broker: Broker, database_url: str, rigs: list[str]) -> None:
        self.seen = Observations()
        self._broker = broker
        self._database_url = database_url
        self._rigs = rigs
        self._database: asyncpg.Connection | None = None
        self._asking = asyncio.Lock()
        self._late: set[UUID] = set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for rig in self._rigs:
                heard = {
                    f"{TOPICS.answers_below(rig)}#": self._answer,
                    TOPICS.coaching.filter_for(rig=rig): self._coaching,
                }
                tasks.create_task(self._listen(rig, heard), name=f"what {rig} is told")
            beats = {TOPICS.heartbeat.filter: self._heartbeat}
            tasks.create_task(self._listen(MONITORING, beats), name="heartbeats")

    async def _listen(self, user: str, heard: Mapping[str, Callable[[bytes], Awaitable[None]]]) -> None:
        """Listen with a session of its own, so that a cut loses no answer unless the broker does."""
        credentials = self._broker.credentials(user)
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = _EXPIRY_S
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError, ValueError):
                async with aiomqtt.Client(
                    self._broker.host,
                    self._broker.port,
                    username=credentials and credentials.username,
                    password=credentials and credentials.password,
                    identifier=f"observer-{user}",
                    protocol=ProtocolVersion.V5,
                    clean_start=False,
                    properties=session,
                    keepalive=5,
                    timeout=3,
                ) as client:
                    self.seen.connects.append(time.time())
                    await client.subscribe([(topic, 1) for topic in heard])
                    async for message in client.messages:
                        for topic, take in heard.items():
                            if message.topic.matches(topic):
                                await take(bytes(message.payload))
            await asyncio.sleep(_RETRY_S)

    async def _answer(self, payload: bytes) -> None:
        answer = LapUploadResponse.model_validate_json(payload)
        self.seen.answers[answer.status.value] += 1
        if answer.status is LapStatus.REJECTED:
            self.seen.rejections.append(answer.message)
            return
        assert answer.lap_id is not None
        self.seen.answered.add(answer.lap_id)
        stored = await self._is_stored(answer.lap_id)
        if stored is None:
            self.seen.looked_at_late += 1
            self._late.add(answer.lap_id)
            return
        self.seen.looked_at += 1
        if not stored:
            self.seen.early.add(answer.lap_id)

    async def _coaching(self, payload: bytes) -> None:
        self.seen.spoken.append((Coaching.model_validate_json(payload).lap_id, time.time()))

    async def _heartbeat(self, payload: bytes) -> None:
        beat = Heartbeat.model_validate_json(payload)
        laps = beat.laps
        self.seen.heartbeats += 1
        self.seen.degraded += beat.status == "degraded"
        if laps.received != laps.stored + laps.duplicate + laps.rejected + laps.in_flight:
            self.seen.wrong_accounts.append(laps.model_dump_json())

    async def _is_stored(self, lap_id: UUID) -> bool | None:
        """Whether the lap is committed; None if the database does not say."""
        async with self._asking:
            try:
                async with asyncio.timeout(2):
                    if self._database is None or self._database.is_closed():
                        self._database = await asyncpg.connect(self._database_url, timeout=2)
                    found = await self._database.fetchval("select 1 from laps where id = $1", lap_id)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                if self._database is not None:
                    self._database.terminate()
                self._database = None
                return None
            return found is not None

    async def look_again(self) -> None:
        """Look at the answers that came while the database could not be asked."""
        for lap_id in sorted(self._late):
            if await self._is_stored(lap_id) is False:
                self.seen.early.add(lap_id)
        self._late.clear()


@dataclass
class MemorySamples:
    """The resident memory of a process that is started again and again."""

    peak_bytes: int = 0
    samples: int = 0
    started: float = field(default_factory=time.monotonic)

    def look(self, pid: int) -> None:
        """Take the peak since its start, as the kernel keeps it (VmHWM)."""
        with contextlib.suppress(OSError, ProcessLookupError), open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    self.peak_bytes = max(self.peak_bytes, int(line.split()[1]) * 1024)
                    self.samples += 1
