"""Workers: one in this process, or several in processes of their own."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event as Flag
from types import TracebackType
from typing import Final, Protocol, Self

from racing_coach_server.commands.analyzing.plan import Run, Stage
from racing_coach_server.commands.analyzing.work import Done, Worker
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.logging import configure_logging

_SPAWN: Final = multiprocessing.get_context("spawn")
"""A process that has threads must not be forked."""

type Told = Callable[[Done], None]


class Workers(Protocol):
    """Does stages of work."""

    async def do(self, stage: Stage, tell: Told) -> None:
        """Do all runs of a stage, and tell of each lap that is done.

        If this is cancelled, what is in hand is finished or rolled back, and told of if it was finished.
        """


class Here:
    """One worker, in this process."""

    def __init__(self, settings: Settings) -> None:
        self._worker = Worker(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._worker.__aexit__(kind, error, at)

    async def do(self, stage: Stage, tell: Told) -> None:
        for run in stage:
            for lap_id in run.lap_ids:
                tell(await self._worker.do(lap_id, run.part))


class Processes:
    """Several workers, each in a process with a connection of its own."""

    def __init__(self, settings: Settings, jobs: int) -> None:
        self._stop = _SPAWN.Event()
        self._pool = ProcessPoolExecutor(jobs, mp_context=_SPAWN, initializer=_begin, initargs=(settings, self._stop))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stop.set()
        # In a thread: a process takes a moment to end.
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def do(self, stage: Stage, tell: Told) -> None:
        with _interrupts_are_ours():
            submitted = [asyncio.wrap_future(self._pool.submit(_do, run)) for run in stage]
        for future in submitted:
            future.add_done_callback(lambda one: _tell_all(one, tell))
        try:
            await asyncio.wait(submitted, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            if any(not future.done() for future in submitted):
                self._stop.set()
                # What is in hand ends with its lap, the rest before it begins.
                await asyncio.wait(submitted)
        try:
            for future in submitted:
                future.result()
        except BrokenProcessPool as error:
            raise CommandError(
                "a worker process ended in the middle of its work, perhaps for want of memory; what was done before is "
                "kept, and a lower --jobs takes less"
            ) from error


def _tell_all(future: asyncio.Future[list[Done]], tell: Told) -> None:
    if not future.cancelled() and future.exception() is None:
        for done in future.result():
            tell(done)


@contextlib.contextmanager
def _interrupts_are_ours() -> Iterator[None]:
    """Processes that are started in this block do not hear Ctrl-C: we are the one to stop them, between two laps."""
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- in a worker's process -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Process:
    """What a worker's process has, for as long as it lives."""

    worker: Worker
    runner: asyncio.Runner
    stop: Flag


_process: _Process | None = None


def _begin(settings: Settings, stop: Flag) -> None:
    global _process  # noqa: PLW0603 (what a pool's processes have is made here, and used in `_do`)
    configure_logging(settings.log)
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    _process = _Process(Worker(settings), asyncio.Runner(), stop)


def _end_with_parent() -> None:
    """A parent that was killed can stop nobody; what is in hand is rolled back."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _do(run: Run) -> list[Done]:
    """Do the laps of a run, as far as there is time."""
    assert _process is not None
    return _process.runner.run(_do_laps(_process, run))


async def _do_laps(process: _Process, run: Run) -> list[Done]:
    done: list[Done] = []
    for lap_id in run.lap_ids:
        if process.stop.is_set():
            break
        done.append(await process.worker.do(lap_id, run.part))
    return done
