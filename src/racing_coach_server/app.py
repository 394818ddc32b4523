"""Wires the daemon together. Its background tasks are in TaskGroups below one, which ends when the last of them has."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_core.concurrency import first_of
from racing_coach_core.exceptions import Fault
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import fault_of, in_words
from racing_coach_server.database.init_db import upgrade_database
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import ClientIdInUseError
from racing_coach_server.features import FEATURES, MakeFeature
from racing_coach_server.following.following import Following
from racing_coach_server.health.heartbeats import Heartbeats
from racing_coach_server.health.presence import Presence
from racing_coach_server.lifecycle.retention import Retention
from racing_coach_server.messaging.client import BrokerClient
from racing_coach_server.messaging.dispatcher import Dispatcher
from racing_coach_server.messaging.readings import Readings
from racing_coach_server.messaging.router import Router
from racing_coach_server.messaging.takeover import refuse_if_in_use
from racing_coach_server.messaging.trouble import Trouble
from racing_coach_server.sd_notify import notify, watchdog_interval
from racing_coach_server.service_status import ServiceStatus
from racing_coach_server.tables import metadata

log = structlog.stdlib.get_logger(__name__)

_HEALTH_CONNECTIONS = 1


class App:
    """The daemon."""

    def __init__(self, settings: Settings, features: Sequence[MakeFeature] = FEATURES) -> None:
        """Wire it; nothing connects before `run`.

        Args:
            settings: the daemon's settings.
            features: what it does.
        """
        self.settings = settings
        engine = create_engine(
            settings.database,
            pool_size=settings.delivery.concurrency + _HEALTH_CONNECTIONS,
            application=f"racing-coach {settings.instance}",
        )
        self.database = Database(engine)
        self.dependencies = Dependencies(settings)
        made = [make(self.dependencies) for make in features]
        self.router = Router([route for feature in made for route in feature.routes])
        self.following = Following(
            settings,
            [(feature.name, follower) for feature in made for follower in feature.followers],
            outgoing=lambda: self.client.outgoing,
            room=lambda: self.client.room(),  # noqa: PLW0108 (there is no client yet)
        )
        self.retention = Retention(
            settings,
            made,
            room=lambda: self.client.room(),  # noqa: PLW0108 (there is no client yet)
        )
        self.readings = Readings(settings.state_folder)
        dispatcher = Dispatcher(
            self.router,
            self.database,
            settings.delivery,
            settings.mqtt.topics,
            self.readings,
            tell=self.following.tell,
        )
        self.presence = Presence(settings)
        self.heartbeats = Heartbeats(
            settings,
            self.database,
            messaging=lambda: self.client.status(),  # noqa: PLW0108 (there is no client yet)
            followers=self.following.progress,
        )
        self.client = BrokerClient(
            settings, self.router, dispatcher, will=self.presence.will(), on_connect=self._on_connect
        )
        self._stop = asyncio.Event()
        self._status = ServiceStatus(
            f"taking {self.router.things}",
            (*self.client.troubles, self.heartbeats.trouble, self.presence.trouble, *self.following.troubles),
        )

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            ClientIdInUseError: another daemon is alive with our client id.
            MigrationError: the schema is not one that this version can use.
        """
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stop.set)
        log.info("starting", version=VERSION, instance=self.settings.instance)
        try:
            async with asyncio.TaskGroup() as tasks:
                watchdog = tasks.create_task(self._watchdog(), name="watchdog")
                main = tasks.create_task(self._main(), name="main")
                await first_of(self._stop.wait(), asyncio.wait([main]))
                if main.done():
                    watchdog.cancel()
                    return
                self._status.stopping(f"finishing {self.router.things} in flight")
                log.info("stopping")
                async with asyncio.TaskGroup() as stopping:
                    stopping.create_task(self.following.stop(), name="stop followers")
                    stopping.create_task(self.client.stop(self.presence.say_offline), name="stop taking messages")
                main.cancel()
                watchdog.cancel()
        except* Exception as group:  # noqa: BLE001 (the one reason is told, not the group)
            raise _first(group) from None
        finally:
            await self.following.close()
            await self.retention.close()
            await self.database.close()
            self.dependencies.close()
            for signum in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(signum)
        log.info("stopped")

    async def _main(self) -> None:
        self.readings.look()
        await self._until_it_works(
            lambda: upgrade_database(self.settings.database, metadata),
            Trouble("the database is not reached, waiting", "the database is reached"),
        )
        await self._until_it_works(
            lambda: refuse_if_in_use(self.settings),
            Trouble("the broker is not reached, waiting", "the broker is reached"),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.client.run(), name="broker")
            tasks.create_task(self.heartbeats.run(lambda: self.client.outgoing), name="heartbeat")
            tasks.create_task(self.following.run(), name="followers")
            tasks.create_task(self.retention.run(), name="retention")

    async def _until_it_works(self, attempt: Callable[[], Any], trouble: Trouble) -> None:
        backoff = Backoff()
        while True:
            try:
                await attempt()
            except Exception as error:
                waits = isinstance(error, BrokerError) or (
                    fault_of(error) is Fault.WORLD and not isinstance(error, ClientIdInUseError)
                )
                if not waits:
                    raise
                trouble.began(in_words(error))
                self._status.waiting(str(trouble))
                await asyncio.sleep(backoff.next_s())
            else:
                trouble.ended()
                return

    async def _on_connect(self, connection: Connection) -> None:
        await self.presence.say_online(connection)
        self.following.catch_up()
        self._status.ready()

    async def _watchdog(self) -> None:
        interval = watchdog_interval()
        if interval is None:
            return
        while True:
            notify("WATCHDOG=1")
            await asyncio.sleep(interval.total_seconds())


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error
