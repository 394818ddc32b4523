"""The daemon's heartbeats, as monitoring hears them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from racing_coach_core.messages import Heartbeat
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_demo.stage import INSTANCE, Stage


class Heartbeats:
    """Listens as monitoring does."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._came = asyncio.Event()
        self.last: Heartbeat | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen for the length of the block."""
        task = asyncio.create_task(self._listen(), name="monitoring")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionLostError):
                await task

    async def _listen(self) -> None:
        topic = self._stage.mqtt.topics.heartbeat.build(instance=INSTANCE)
        async with Connection(self._stage.mqtt, client_id="demo-monitoring", clean=True) as connection:
            await connection.subscribe([topic])
            async for delivery in connection.deliveries():
                self.last = Heartbeat.model_validate_json(delivery.payload)
                delivery.acknowledge()
                delivery.release()
                self._came.set()

    async def next(self, timeout_s: float) -> None:
        """Wait for the next heartbeat."""
        self._came.clear()
        deadline = time.monotonic() + timeout_s
        while not self._came.is_set():
            self._stage.daemon.check()
            if time.monotonic() > deadline:
                raise ConnectionLostError(
                    f"no heartbeat of the daemon within {timeout_s:g} s; its log: {self._stage.daemon.log_file}"
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), 0.2)
