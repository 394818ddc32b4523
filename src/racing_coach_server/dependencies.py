"""What features are given to build their handlers and followers, and who closes it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from racing_coach_core.topics import Topics
from racing_coach_server.byte_budget import ByteBudget
from racing_coach_server.config import Settings
from racing_coach_server.threads import BackgroundThread


class Dependencies:
    """Settings, topics and threads, for as long as the `with` block lasts; services are made for each transaction.

    Attributes:
        settings: the daemon's settings.
        decoders: threads for what a message needs before it is stored. More than one for two cores gain nothing, take
            memory, and keep the event loop, and each other, from the interpreter lock.
        decoding: what all that is being decoded may take; one of the largest laps takes all of it.
        trace_bytes: how many laps are kept in memory for the next analysis that needs them, and traces likewise.
        background: the one thread for what followers compute.
    """

    def __init__(self, settings: Settings, *, trace_bytes: int = 32 << 20) -> None:
        self.settings = settings
        self.trace_bytes = trace_bytes
        self.decoders = ThreadPoolExecutor(max(1, (os.process_cpu_count() or 1) // 2), thread_name_prefix="decode")
        self.decoding = ByteBudget(settings.limits.decoded_bytes)
        self.background = BackgroundThread("followers")
        self._made: dict[Callable[[Dependencies], Any], Any] = {}

    def once[T](self, make: Callable[["Dependencies"], T]) -> T:
        """What several features share: made by the first of them that asks, the same for all."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @property
    def topics(self) -> Topics:
        """The wire contract's topics below the configured prefix."""
        return self.settings.mqtt.topics

    def close(self) -> None:
        """End the threads as soon as they are idle."""
        self.decoders.shutdown(wait=False, cancel_futures=True)
        self.background.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
