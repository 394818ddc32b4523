"""Laps that come while something else goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import publish
from benchmarks.servers.running import Servers

RIGS: Final = 4
_RATE: Final = 3.0
"""Laps a second: those of 270 rigs, if a lap takes 90 s."""
_LAPS: Final = 15
"""Of each round; only after it they hear that it is over."""


class Ingest:
    """Rigs that drive until they are told to stop."""

    def __init__(self, servers: Servers, payloads: Payloads) -> None:
        self._servers = servers
        self._payloads = payloads
        self._is_over = threading.Event()
        self._seconds: list[float] = []
        self._failure: Exception | None = None

    @contextmanager
    def beside(self) -> Iterator[list[float]]:
        """Laps come during the block; after it the list has how long each waited for its answer, s."""
        thread = threading.Thread(target=self._drive)
        self._is_over.clear()
        self._seconds = []
        thread.start()
        try:
            yield self._seconds
        finally:
            self._is_over.set()
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _drive(self) -> None:
        try:
            while not self._is_over.is_set():
                done = publish(self._servers, self._payloads, "arrow", rigs=RIGS, laps=_LAPS, rate=_RATE)
                self._seconds.extend(lap.answered - lap.sent for lap in done.laps)
        except Exception as error:  # noqa: BLE001 (told by the thread that waits)
            self._failure = error
