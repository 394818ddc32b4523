"""Wait for what is bound to happen."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import cast

TIMEOUT_S = 120
"""For what takes less than a second on a machine that does nothing else; in time, a test that hangs is ended anyway."""
POLL_S = 0.02


async def eventually[T](check: Callable[[], T | Awaitable[T]], timeout_s: float = TIMEOUT_S) -> T:
    """Wait until a check, of either kind, gives something true; returns that.

    Raises:
        TimeoutError: it did not in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        result = check()
        value = cast("T", await result if inspect.isawaitable(result) else result)
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s: {_text_of(check)}")
        await asyncio.sleep(POLL_S)


def _text_of(check: object) -> str:
    try:
        return inspect.getsource(check).strip()  # type: ignore[arg-type]  # what has no source raises
    except (OSError, TypeError):
        return repr(check)
