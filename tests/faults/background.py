"""What goes on beside a block, and whether anything still moves."""

import asyncio
import time


class running:  # noqa: N801 (reads as a verb)
    """A task for the length of a block; its failure is the block's."""

    def __init__(self, task: "asyncio._CoroutineLike[None]", name: str) -> None:
        self._coroutine, self._name = task, name

    async def __aenter__(self) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self._coroutine, name=self._name)
        return self._task

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        for result in await asyncio.gather(self._task, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


class Stillness:
    """Tells for how long something that is counted has not changed."""

    def __init__(self, allowed_s: float) -> None:
        self._allowed_s = allowed_s
        self._count: int | None = None
        self._changed_at = time.monotonic()

    def since(self, count: int | None) -> bool:
        """Whether it is as it was for longer than allowed."""
        if count != self._count:
            self._count, self._changed_at = count, time.monotonic()
        return time.monotonic() - self._changed_at > self._allowed_s
