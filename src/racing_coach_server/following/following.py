"""Every follower of every feature, each in a task of its own, with connections of their own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.following.follower import Follower
from racing_coach_server.following.runner import Progress, Runner
from racing_coach_server.following.work import Means
from racing_coach_server.messaging.messages import Event
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)


class Following:
    """Tells events to those who follow them, and runs these so that messages never wait for them."""

    def __init__(
        self,
        settings: Settings,
        followers: Sequence[tuple[str, Follower[Any]]],
        *,
        outgoing: Callable[[], Connection | None],
        room: Callable[[], Awaitable[object]],
    ) -> None:
        """Describe it; nothing connects and nothing runs before `run`.

        Args:
            settings: the daemon's settings.
            followers: each with the name of its feature.
            outgoing: the connection to the broker, None while there is none.
            room: waits while messages wait for a slot; they come first.
        """
        self._settings = settings.followers
        self._room = room
        self._hands = asyncio.Semaphore(self._settings.connections)
        self._database = Database(
            create_engine(
                settings.database,
                pool_size=self._settings.connections,
                application=f"racing-coach {settings.instance} followers",
            )
        )
        database_trouble = Trouble("followers do not reach the database, they wait", "followers are back at work")
        publish_trouble = Trouble("what followers publish is refused", "what followers publish is accepted again")
        means = Means(
            settings=self._settings,
            database=self._database,
            outgoing=outgoing,
            turn=self._turn,
            database_trouble=database_trouble,
            publish_trouble=publish_trouble,
        )
        self.troubles = (database_trouble, publish_trouble)
        """What may be wrong with all followers together."""
        self._runners = [Runner(feature, follower, means) for feature, follower in followers]
        self._by_event: defaultdict[type[Event], list[Runner[Any]]] = defaultdict(list)
        for runner in self._runners:
            self._by_event[runner.follower.follows].append(runner)
        self._tasks: dict[asyncio.Task[None], Runner[Any]] = {}

    def tell(self, event: Event) -> None:
        """Tell an event to those who follow it. Neither fails nor waits; what is forgotten is found again."""
        for runner in self._by_event.get(type(event), ()):
            runner.tell(event)

    def catch_up(self) -> None:
        """Have every follower ask the database soon what is to be done."""
        for runner in self._runners:
            runner.catch_up()

    def progress(self) -> dict[str, Progress]:
        """How far each feature's followers are, by the feature's name."""
        features: defaultdict[str, Progress] = defaultdict(Progress)
        for runner in self._runners:
            features[runner.feature] += runner.progress()
        return dict(features)

    async def run(self) -> None:
        """Work until `stop`."""
        async with asyncio.TaskGroup() as tasks:
            for runner in self._runners:
                task = tasks.create_task(runner.run(self.tell), name=f"follower {runner.follower.name}")
                self._tasks[task] = runner

    async def stop(self) -> None:
        """Begin nothing more, and give what is in hand a short while; the rest is rolled back, and found again."""
        in_hand = {task for task, runner in self._tasks.items() if runner.stop()}
        late = self._tasks.keys() - in_hand
        if in_hand:
            _, unfinished = await asyncio.wait(in_hand, timeout=self._settings.stop_grace_s)
            if unfinished:
                log.warning("followers' work is rolled back unfinished", followers=len(unfinished))
            late |= unfinished
        for task in late:
            task.cancel()

    async def close(self) -> None:
        """Close the connections to the database."""
        await self._database.close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._hands:
            await self._room()
            yield
