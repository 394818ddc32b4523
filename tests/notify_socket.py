"""systemd's end of the notifications that a service sends."""

import socket
from collections.abc import Callable
from pathlib import Path


class NotifySocket:
    """A socket for datagrams at a path, listening from the start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(str(path))
        self._socket.settimeout(0.1)

    def read_into(self, notified: list[str], *, until: Callable[[], bool]) -> None:
        """Take what comes, line by line, until that is so and nothing more is there."""
        with self._socket:
            while True:
                try:
                    notified.extend(self._socket.recv(65_536).decode().splitlines())
                except TimeoutError:
                    if until():
                        return
