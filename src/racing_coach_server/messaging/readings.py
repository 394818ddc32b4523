"""Which messages are being read, on disk: one that takes the daemon down with it is not read for ever.

To read a message is the one step at which it could end the process: by a bug in a library written in C, or by more
memory than the service may have. The broker sends it again after each start, before all others. So a message that was
being read at a death is remembered, messages are read one at a time while such a one is about, and one that was being
read at three deaths is refused at the next try: kept, and answered.

What is written survives the process, not the machine: a message ends processes, not machines.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import structlog

from racing_coach_core.exceptions import Fault
from racing_coach_server.exceptions import ServerError
from racing_coach_server.messaging.messages import Message

log = structlog.stdlib.get_logger(__name__)

_DEATHS: Final = 3
"""A daemon that is killed for other reasons may be reading the same message twice by chance."""
_LOOKED_AT: Final = 65_536
"""Bytes at either end of a payload that tell it from others, beside its length and topic."""
_READING: Final = ".reading"
_REMEMBERED_S: Final = 7 * 86_400
_WATCHFUL_S: Final = 600
"""A message that was being read at a death, and does not come again for so long after the start, is not waited for."""


_mark: ContextVar[Path | None] = ContextVar("mark", default=None)
"""Of the message that this task reads."""


class DeadlyMessageError(ServerError):
    """A message that the daemon died of."""

    fault = Fault.SENDER

    def __init__(self, deaths: int) -> None:
        super().__init__(
            f"the daemon died {deaths} times while it read this message, so it reads it no more; "
            "it is kept, and the operator can replay it"
        )
        self.deaths = deaths


class Readings:
    """Messages that are being read, and those at which a daemon before this one died.

    Args:
        folder: where that is written, of this daemon alone; nothing is remembered if None.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._deaths: dict[str, int] = {}
        self._alone = asyncio.Lock()
        self._watchful_until = 0.0

    def look(self) -> None:
        """See what was being read when the daemon before this one ended. Before the first message."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for mark in self._folder.glob(f"*{_READING}"):
                count = mark.with_suffix("")
                count.write_text(str(_number(count) + 1))
                mark.unlink()
            self._remember(self._folder)
        except OSError as error:
            log.warning(
                "what is being read cannot be remembered, so a message may end the daemon again and again",
                folder=str(self._folder),
                reason=error.strerror,
                remedy="let the daemon write there, or set RACING_COACH_DELIVERY__STATE_FOLDER",
            )
            self._folder = None
        if self._deaths:
            self._watchful_until = time.monotonic() + _WATCHFUL_S
            log.warning(
                "the daemon died while it read messages",
                messages=len(self._deaths),
                what_follows="they are read one at a time for a while",
            )

    def _remember(self, folder: Path) -> None:
        for count in folder.iterdir():
            if time.time() - count.stat().st_mtime > _REMEMBERED_S:
                count.unlink()
            else:
                self._deaths[count.name] = _number(count)

    @asynccontextmanager
    async def reading(self, message: Message) -> AsyncIterator[None]:
        """Around the reading of one message.

        Raises:
            DeadlyMessageError: it was being read at three deaths.
        """
        if self._folder is None:
            yield
            return
        mark = self._folder / f"{_name(message)}{_READING}"
        deaths = self._deaths.get(mark.stem, 0)
        if deaths >= _DEATHS:
            self._forget(mark)
            raise DeadlyMessageError(deaths)
        async with self._one_at_a_time():
            _set(mark)
            token = _mark.set(mark)
            try:
                yield
            finally:
                _mark.reset(token)
                self._forget(mark)

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        if not self._deaths or time.monotonic() > self._watchful_until:
            yield
            return
        async with self._alone:
            yield

    def _forget(self, mark: Path) -> None:
        """It was read to an end, or is refused: neither is to be remembered."""
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)
            if self._deaths.pop(mark.stem, None) is not None:
                mark.with_suffix("").unlink(missing_ok=True)


@contextmanager
def waiting() -> Iterator[None]:
    """Around what a message only waits for while it is read, such as memory: a death meanwhile is not its doing."""
    mark = _mark.get()
    if mark is None:
        yield
        return
    with contextlib.suppress(OSError):
        mark.unlink(missing_ok=True)
    try:
        yield
    finally:
        _set(mark)


def _set(mark: Path) -> None:
    with contextlib.suppress(OSError):  # a full disk stops no message
        mark.touch()


def _name(message: Message) -> str:
    payload = memoryview(message.payload)
    seen = hashlib.sha256(f"{len(payload)} {message.topic}".encode())
    seen.update(payload[:_LOOKED_AT])
    seen.update(payload[-_LOOKED_AT:])
    return seen.hexdigest()


def _number(count: Path) -> int:
    """Deaths that are written down; none where it cannot be read, as after a disk that was full."""
    try:
        return int(count.read_text())
    except (OSError, ValueError):
        return 0
