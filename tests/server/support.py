"""Laps to send, ways to spoil them, and a look at what is stored."""

import asyncio
import gzip
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import asyncpg
import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from sqlalchemy.engine import URL, make_url
from tests.clients import TOPICS, forget
from tests.infra import DAEMON, MONITORING, Broker
from tests.lap_client import Facts
from tests.waiting import eventually

from racing_coach_core.channels import CHANNELS
from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.messages import DaemonState, Heartbeat
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.settings import MqttSettings
from racing_coach_rig.sources.simulator import TRACKS, Simulator
from racing_coach_server.app import App
from racing_coach_server.config import Settings

SHORT_TRACK = [*TRACKS][-1]
"""The simulator's track for tests: a lap of some 800 frames."""

_seeds = itertools.count(1)

type Document = dict[str, Any]
type Spoil = Callable[[Document], object]


def new_laps(count: int, *, lap_ids: bool = True) -> list[Lap]:
    """Laps of a driving session that nobody has driven before."""
    seed = next(_seeds)
    laps = list(Simulator(seed=seed, track=SHORT_TRACK, session_id=uuid.uuid4()).laps(count))
    return [replace(lap, lap_id=uuid.uuid4()) for lap in laps] if lap_ids else laps


def new_lap() -> Lap:
    """A lap of a driving session that nobody has driven before."""
    return new_laps(1)[0]


def arrow(lap: Lap) -> bytes:
    return encode_lap(lap, Encoding.ARROW)


def as_json(lap: Lap) -> bytes:
    return encode_lap(lap, Encoding.JSON)


def gzipped(lap: Lap) -> bytes:
    return gzip.compress(as_json(lap))


def zstandardised(lap: Lap) -> bytes:
    return zstandard.compress(as_json(lap))


ENCODERS: dict[str, Callable[[Lap], bytes]] = {
    "arrow": arrow,
    "json": as_json,
    "gzip": gzipped,
    "zstd": zstandardised,
}


def changed(lap: Lap, channel: str, value: Callable[[pa.Array], pa.Array]) -> Lap:
    """The lap with one channel changed."""
    index = lap.frames.schema.get_field_index(channel)
    field = lap.frames.schema.field(index)
    column = value(lap.frames.column(index)).cast(field.type)
    return replace(lap, frames=lap.frames.set_column(index, field, column))


def faster(lap: Lap) -> Lap:
    """The lap with other content."""
    return changed(lap, "speed", lambda speed: pc.add(speed, pa.scalar(1.0, pa.float32())))


def with_session(lap: Lap, **fields: Any) -> Lap:
    """The lap with another session; its lap_id follows as if the rig had made none."""
    session = lap.session.model_copy(update=fields)
    return replace(lap, session=session, lap_id=lap_id_for(session.session_id, lap.lap_number))


def spoilt(lap: Lap, spoil: Spoil) -> bytes:
    """The lap as JSON, with something done to the document."""
    document = json.loads(as_json(lap))
    spoil(document)
    return json.dumps(document).encode()


async def execute(url: URL | str, statement: str, *args: object) -> list[asyncpg.Record]:
    """Run one statement on a connection of its own."""
    async with connected(url) as connection:
        return await connection.fetch(statement, *args)


@asynccontextmanager
async def connected(url: URL | str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the daemon's."""
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        yield connection
    finally:
        await connection.close()


@dataclass(frozen=True)
class Stored:
    """What is in a database."""

    url: str

    async def query(self, statement: str, *args: object) -> list[asyncpg.Record]:
        return await execute(self.url, statement, *args)

    async def value(self, statement: str, *args: object) -> Any:
        return (await self.query(statement, *args))[0][0]

    async def lap(self, lap_id: uuid.UUID) -> asyncpg.Record:
        """The row of a lap."""
        (row,) = await self.query("select * from laps where id = $1", lap_id)
        return row

    async def session(self, session_id: uuid.UUID) -> asyncpg.Record:
        """The row of a driving session."""
        (row,) = await self.query("select * from track_sessions where id = $1", session_id)
        return row

    async def columns(self, lap_id: uuid.UUID) -> dict[str, list[Any]]:
        """The channels of a lap, column by column, in driving order."""
        rows = await self.query("select * from telemetry where lap_id = $1 order by frame_index", lap_id)
        return {channel.name: [row[channel.name] for row in rows] for channel in CHANNELS}

    async def rejected(self, sha256: str) -> list[asyncpg.Record]:
        """The rows of a rejected payload."""
        return await self.query("select * from rejected_messages where payload_sha256 = $1", sha256)

    async def counts(self) -> tuple[int, int, int]:
        """How many sessions, laps and frames there are."""
        (row,) = await self.query(
            "select (select count(*) from track_sessions), (select count(*) from laps),"
            " (select count(*) from telemetry)"
        )
        return row[0], row[1], row[2]


def mqtt_settings(broker: Broker, user: str, **more: object) -> MqttSettings:
    """The way to a broker as one of its users."""
    credentials = broker.credentials(user)
    return MqttSettings.model_validate(
        {
            "host": broker.host,
            "port": broker.port,
            "username": credentials and credentials.username,
            "password": credentials and credentials.password,
            **more,
        }
    )


def app_settings(
    broker: Broker, database_url: str, *, mqtt: Facts | None = None, instance: str | None = None, **sections: Any
) -> Settings:
    """The settings of a daemon of its own name, with quick retries; sections as dicts of what shall differ."""
    sections.setdefault("cell", "a-cell")  # a daemon that is started anew under another name has the same broker
    delivery = {"retry_first_s": 0.02, "retry_cap_s": 0.1, "waste_s": 600, **sections.pop("delivery", {})}
    return Settings(
        _env_file=None,
        instance=instance or f"test-{uuid.uuid4().hex[:12]}",
        database={"url": make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)},
        mqtt=mqtt_settings(broker, DAEMON, **(mqtt or {})),
        delivery=delivery,
        **sections,
    )


@asynccontextmanager
async def running(settings: Settings, broker: Broker) -> AsyncIterator[App]:
    """The daemon in this process, connected; stopped at the end as by SIGTERM."""
    app = App(settings)
    task = asyncio.create_task(app.run(), name="app")
    try:
        await eventually(lambda: app.client.outgoing is not None or task.done())
        if task.done():
            task.result()
        yield app
    finally:
        app._stop.set()
        try:
            await task
        finally:
            await asyncio.to_thread(forget, broker, settings.client_id, settings.instance)


@dataclass
class Watcher:
    """Monitoring: everything that a daemon says of its health."""

    broker: Broker
    instance: str
    states: list[DaemonState] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)
    raw: list[Facts] = field(default_factory=list)
    retained: list[bool] = field(default_factory=list)
    """Of each state, whether the broker had kept it."""

    async def __aenter__(self) -> Self:
        self._connection = Connection(
            mqtt_settings(self.broker, MONITORING), client_id=uuid.uuid4().hex, receive_maximum=100, clean=True
        )
        await self._connection.__aenter__()
        await self._connection.subscribe([TOPICS.health_state.filter, TOPICS.heartbeat.filter])
        self._reader = asyncio.create_task(self._read(), name="watcher")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._connection.__aexit__()

    async def _read(self) -> None:
        async for delivery in self._connection.deliveries():
            if delivery.payload and delivery.topic == TOPICS.health_state.build(instance=self.instance):
                self.states.append(DaemonState.model_validate_json(delivery.payload))
                self.retained.append(delivery.retain)
                self.raw.append(json.loads(delivery.payload))
            elif delivery.topic == TOPICS.heartbeat.build(instance=self.instance):
                self.heartbeats.append(Heartbeat.model_validate_json(delivery.payload))
                self.raw.append(json.loads(delivery.payload))
            delivery.acknowledge()
            delivery.release()

    async def next_heartbeat(self) -> Heartbeat:
        """The next one from now."""
        seen = len(self.heartbeats)
        await eventually(lambda: len(self.heartbeats) > seen)
        return self.heartbeats[-1]
