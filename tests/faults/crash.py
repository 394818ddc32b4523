"""Ways to die at a given step, for programs that are the real ones but for that."""

import functools
import inspect
import os
import signal
from collections.abc import Callable
from typing import Any

type When = Callable[..., bool]


def die() -> None:
    """`kill -9` to this process: no handler, no `finally`, no farewell."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_before(owner: Any, name: str, *, when: When = lambda *_: True, time: int = 1) -> None:
    """Die instead of the `time`-th call."""
    _wrap(owner, name, when, time, before=True)


def dies_after(owner: Any, name: str, *, when: When = lambda *_: True, time: int = 1) -> None:
    """Die as soon as the `time`-th call has returned, before its caller knows."""
    _wrap(owner, name, when, time, before=False)


def _wrap(owner: Any, name: str, when: When, time: int, *, before: bool) -> None:
    wrapped = getattr(owner, name)
    calls = 0

    def is_the_one(*arguments: Any) -> bool:
        nonlocal calls
        calls += when(*arguments)
        return calls == time and when(*arguments)

    def call(*arguments: Any, **options: Any) -> Any:
        one = is_the_one(*arguments)
        if one and before:
            die()
        result = wrapped(*arguments, **options)
        if one:
            die()
        return result

    async def call_async(*arguments: Any, **options: Any) -> Any:
        one = is_the_one(*arguments)
        if one and before:
            die()
        result = await wrapped(*arguments, **options)
        if one:
            die()
        return result

    wrapper = call_async if inspect.iscoroutinefunction(wrapped) else call
    setattr(owner, name, functools.wraps(wrapped)(wrapper))
