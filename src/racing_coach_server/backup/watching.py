"""How far a long work of another program has come."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

type Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much in all."""

_LOOK_S: Final = 1.0


@asynccontextmanager
async def watched(progress: Progress, size: Callable[[], Awaitable[int]], total: int) -> AsyncIterator[None]:
    """Tell, every second of the block, how many bytes there are by now, of about so many."""

    async def look() -> None:
        while True:
            progress(await size(), total)
            await asyncio.sleep(_LOOK_S)

    watching = asyncio.create_task(look(), name="watch the progress")
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
