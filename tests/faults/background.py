"""A task beside a block."""

import asyncio


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
