"""Who sends: of several programs of one rig, exactly one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from filelock import FileLock, Timeout

from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.publisher import Publisher

log = structlog.stdlib.get_logger(__name__)

_TRY_AGAIN_S = 1.0


class Sender:
    """Runs the publisher while this process holds the outbox's sender lock.

    Two connections with one client id would throw each other out. So `publish` beside a running `run` only puts laps
    on disk and watches what becomes of them; when the other program ends, it sends.
    """

    def __init__(self, settings: RigSettings, outbox: Outbox) -> None:
        self.publisher = Publisher(settings, outbox)
        self.sends = False
        self._lock = FileLock(outbox.path.with_suffix(".sender.lock"))

    async def run(self) -> None:
        """Send until cancelled, as soon as nobody else does."""
        while not self._acquired():
            await asyncio.sleep(_TRY_AGAIN_S)
        try:
            self.sends = True
            await self.publisher.run()
        finally:
            self.sends = False
            self._lock.release()

    def _acquired(self) -> bool:
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True


@asynccontextmanager
async def sending(settings: RigSettings, outbox: Outbox) -> AsyncIterator[Sender]:
    """Send in the background for the length of the block. If sending fails, the block ends with its error."""
    sender = Sender(settings, outbox)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(sender.run(), name="sender")
        try:
            yield sender
        finally:
            task.cancel()
