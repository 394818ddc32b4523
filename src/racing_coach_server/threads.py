"""A thread for computing in the background: one for all followers, so that they compute on one core at a time."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any


class BackgroundThread:
    """Runs functions one after another.

    The thread is a daemon: a long computation does not hold up the end of the program. It has no lower priority than
    the event loop: the two share Python's interpreter lock, and a thread that is put aside while it has the lock would
    have the event loop, and with it every lap, wait for its turn.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run[**P, T](self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a function computed, and wait for its result; if the wait is cancelled before it began, it never does.

        Raises:
            Exception: what the function raises.
        """
        result: Future[T] = Future()

        def job() -> None:
            if not result.set_running_or_notify_cancel():
                return
            try:
                result.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 (it is raised where the result is awaited)
                result.set_exception(error)

        self._start()
        self._jobs.put(job)
        return await asyncio.wrap_future(result)

    def close(self) -> None:
        """Take nothing more; what is being computed is not waited for."""
        self._jobs.put(None)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _work(self, *_: Any) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # or what it computed with stays until the next one
