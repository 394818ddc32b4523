"""Heartbeats: how the daemon is, at every interval."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import psutil
import structlog

from racing_coach_core.messages import DatabaseHealth, FeatureAccounts, Heartbeat, LapAccounts, MqttHealth
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import in_words
from racing_coach_server.following.runner import Progress
from racing_coach_server.health.service import HealthService
from racing_coach_server.messaging.accounts import Counts
from racing_coach_server.messaging.status import MessagingStatus
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_LAP: Final = "lap"
"""The noun of the route whose counts are the heartbeat's `laps`."""


class Heartbeats:
    """Publishes the daemon's heartbeats.

    Attributes:
        trouble: that the database does not answer them.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        messaging: Callable[[], MessagingStatus],
        followers: Callable[[], Mapping[str, Progress]],
    ) -> None:
        """Wire it.

        Args:
            settings: the daemon's settings.
            database: asked how it is, at every heartbeat.
            messaging: how messaging is at this moment.
            followers: how far each feature's followers are at this moment.
        """
        self._settings = settings
        self._database = database
        self._messaging = messaging
        self._followers = followers
        self._started = time.monotonic()
        self._process = psutil.Process()
        self._topic = settings.mqtt.topics.heartbeat.build(instance=settings.instance)
        self.trouble = Trouble("the database does not answer", "the database answers again")

    async def run(self, outgoing: Callable[[], Connection | None]) -> None:
        """Look how things are at every interval, and say so while connected."""
        interval = self._settings.health.interval_s
        due = time.monotonic()
        while True:
            beat = await self.heartbeat()
            connection = outgoing()
            if connection is not None:
                with contextlib.suppress(BrokerError):
                    # What is wrong with the connection shows where laps are handled; a heartbeat can be missed.
                    await connection.publish(self._topic, beat.model_dump_json().encode())
            due = max(due + interval, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def heartbeat(self) -> Heartbeat:
        """How the daemon is now."""
        answer = await self._database_health()
        # Taken once, and after what is waited for, so that all of it is of this moment.
        messaging = self._messaging()
        database = self._judged(answer, waits=messaging.database_trouble)
        laps = messaging.counts.get(_LAP, Counts())
        healthy = database.status == "healthy" and not messaging.trouble and messaging.connected_since is not None
        return Heartbeat(
            instance=self._settings.instance,
            version=VERSION,
            uptime_s=round(time.monotonic() - self._started, 3),
            status="healthy" if healthy else "degraded",
            mqtt=MqttHealth(
                connected_since=messaging.connected_since,
                reconnects=messaging.reconnects,
                message=messaging.answer_trouble,
            ),
            database=database,
            timestamp=datetime.now(UTC),
            laps=LapAccounts.model_validate(laps, from_attributes=True),
            frames_stored=laps.rows_stored,
            rss_bytes=self._process.memory_info().rss,
            features={
                name: FeatureAccounts(done=each.done, failed=each.failed, behind=each.behind)
                for name, each in self._followers().items()
            },
        )

    async def _database_health(self) -> DatabaseHealth:
        """What the database answers."""
        try:
            return await self._ask_the_database()
        except Exception as error:  # noqa: BLE001 (whatever it is, the heartbeat says it)
            return _unhealthy(self._words(error))

    def _judged(self, answer: DatabaseHealth, *, waits: str | None) -> DatabaseHealth:
        """How the database is. What it answers is logged, or nothing would be said of an outage until a lap comes.

        Args:
            answer: what it said to the heartbeat.
            waits: why messages wait for it, which is logged already; None if none does.
        """
        if answer.status == "healthy":
            self.trouble.ended()
        elif waits is None:
            self.trouble.began(answer.message or "")
        return _unhealthy(waits) if waits else answer

    async def _ask_the_database(self) -> DatabaseHealth:
        async with asyncio.timeout(self._settings.health.database_timeout_s):
            async with self._database.transaction() as session:
                return await HealthService(session).check()

    def _words(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._settings.health.database_timeout_s:g} s"
        return in_words(error)


def _unhealthy(message: str) -> DatabaseHealth:
    return DatabaseHealth(status="unhealthy", latency_ms=None, message=message)
