"""Waiting for whichever comes first."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def first_of[T](*waits: Coroutine[Any, Any, T] | asyncio.Future[T], timeout_s: float | None = None) -> T:
    """Wait until one of them has finished, and return its result or raise what it raised.

    A coroutine becomes a task, named after it, that belongs to this call: when the call returns, raises or is
    cancelled, the task has ended, cancelled if need be. A future or a task that is given belongs to somebody else
    and goes on. If several have finished at once, the one that was named first counts.

    Args:
        waits: coroutines, tasks and futures.
        timeout_s: how long to wait, None for as long as it takes.

    Raises:
        TimeoutError: none of them finished in time.
    """
    own = {wait: asyncio.create_task(wait, name=_name(wait)) for wait in waits if asyncio.iscoroutine(wait)}
    futures = [own[wait] if asyncio.iscoroutine(wait) else wait for wait in waits]
    try:
        await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        for future in futures:
            if future.done():
                return future.result()
    finally:
        for task in own.values():
            task.cancel()
        await asyncio.gather(*own.values(), return_exceptions=True)
    raise TimeoutError


async def uninterrupted[T](work: Coroutine[Any, Any, T], *, name: str) -> T:
    """Run what may not be left half done to its end, however often the caller is cancelled; then that is raised.

    Raises:
        asyncio.CancelledError: the caller was cancelled, and the work has succeeded. If it failed, its error is raised.
    """
    task = begin(work, name=name)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result


async def put_an_end_to(*tasks: asyncio.Task[Any]) -> None:
    """Cancel what still runs, and wait for its end; what it came to, nobody asks any more."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
    for task in tasks:
        if not task.cancelled():
            task.exception()


def begin[T](work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """A task that runs at once, up to where it first waits, instead of when the event loop comes to it."""
    return asyncio.Task(work, loop=asyncio.get_running_loop(), name=name, eager_start=True)


def _name(coroutine: Coroutine[Any, Any, Any]) -> str:
    return getattr(coroutine, "__qualname__", "first of")  # the protocol does not promise what every `async def` has
