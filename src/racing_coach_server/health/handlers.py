"""State and heartbeats: what monitoring sees."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime

import psutil
import structlog

from racing_coach_core.messages import DaemonState, DatabaseHealth, Heartbeat, MqttHealth
from racing_coach_core.mqtt import BrokerError, Connection, PublishRefusedError, Will
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import in_words
from racing_coach_server.health.service import HealthService
from racing_coach_server.messaging.accounts import Accounts
from racing_coach_server.messaging.client import BrokerClient
from racing_coach_server.messaging.dispatcher import Dispatcher
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)


class Health:
    """Publishes the daemon's state and its heartbeats."""

    def __init__(self, settings: Settings, database: Database, accounts: Accounts, dispatcher: Dispatcher) -> None:
        self._settings = settings
        self._database = database
        self._accounts = accounts
        self._dispatcher = dispatcher
        self._started = time.monotonic()
        self._process = psutil.Process()
        self._refused = Trouble("monitoring sees nothing of us", "monitoring sees us again")
        topics = settings.mqtt.topics
        self._state_topic = topics.health_state.build(instance=settings.instance)
        self._heartbeat_topic = topics.heartbeat.build(instance=settings.instance)

    def will(self) -> Will:
        """What the broker says of us when we are gone without a word."""
        return Will(topic=self._state_topic, payload=self._state(online=False))

    async def say_online(self, connection: Connection) -> None:
        """Publish the retained state on a new connection. Should the broker not let us, laps are taken all the same."""
        try:
            await connection.publish(self._state_topic, self._state(online=True), retain=True)
        except PublishRefusedError as error:
            self._refused.began(str(error))
        else:
            self._refused.ended()

    async def say_offline(self, connection: Connection) -> None:
        """Publish the retained state before a clean stop."""
        await connection.publish(self._state_topic, self._state(online=False), retain=True)

    def _state(self, *, online: bool) -> bytes:
        settings = self._settings
        state = DaemonState(
            online=online,
            instance=settings.instance,
            version=VERSION,
            timestamp=datetime.now(UTC),
            client_id=settings.client_id,
        )
        return state.model_dump_json().encode()

    async def run(self, client: BrokerClient) -> None:
        """Send a heartbeat at every interval, while connected."""
        interval = self._settings.health.interval_s
        due = time.monotonic()
        while True:
            connection = client.outgoing
            if connection is not None:
                with contextlib.suppress(BrokerError):
                    # What is wrong with the connection shows where laps are handled; a heartbeat can be missed.
                    await connection.publish(
                        self._heartbeat_topic, (await self.heartbeat(client)).model_dump_json().encode()
                    )
            due = max(due + interval, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def heartbeat(self, client: BrokerClient) -> Heartbeat:
        """How the daemon is now."""
        database = await self._database_health()
        trouble = self._dispatcher.database_trouble.reason or self._dispatcher.answer_trouble.reason
        healthy = database.status == "healthy" and trouble is None and client.outgoing is not None
        return Heartbeat(
            instance=self._settings.instance,
            version=VERSION,
            uptime_s=round(time.monotonic() - self._started, 3),
            status="healthy" if healthy else "degraded",
            mqtt=MqttHealth(
                connected_since=client.connected_since,
                reconnects=max(0, client.connects - 1),
                message=self._dispatcher.answer_trouble.reason,
            ),
            database=database,
            # Taken last and without a pause between them, so that the numbers are of one moment.
            timestamp=datetime.now(UTC),
            laps=self._accounts.snapshot(),
            frames_stored=self._accounts.rows_stored,
            rss_bytes=self._process.memory_info().rss,
        )

    async def _database_health(self) -> DatabaseHealth:
        reason = self._dispatcher.database_trouble.reason
        try:
            async with asyncio.timeout(self._settings.health.database_timeout_s):
                async with self._database.transaction() as session:
                    health = await HealthService(session).check()
        except TimeoutError:
            limit = self._settings.health.database_timeout_s
            return _unhealthy(reason or f"no answer within {limit:g} s")
        except Exception as error:  # noqa: BLE001 (whatever it is, the heartbeat says it)
            return _unhealthy(in_words(error))
        return _unhealthy(reason) if reason else health


def _unhealthy(message: str) -> DatabaseHealth:
    return DatabaseHealth(status="unhealthy", latency_ms=None, message=message)
