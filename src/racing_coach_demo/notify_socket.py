"""systemd's end of the notifications that a service sends (sd_notify(3))."""

import socket
import threading
from collections.abc import Callable


class NotifySocket:
    """A socket for datagrams, under an abstract name that the kernel chooses.

    Attributes:
        address: for the service's NOTIFY_SOCKET.
        states: what came so far: `READY=1`, `STOPPING=1`, ...
    """

    def __init__(self) -> None:
        self.states: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind("")
        self._socket.settimeout(0.1)
        self.address = "@" + self._socket.getsockname()[1:].decode()
        self._thread: threading.Thread | None = None

    def listen(self, *, until: Callable[[], bool]) -> None:
        """Read on a thread, so that no sender ever waits, until that is so and nothing more comes."""
        self._thread = threading.Thread(target=self._read, args=[until], name="notifications", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until all was read; soon once that is so."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """For one that never listened."""
        self._socket.close()

    def _read(self, until: Callable[[], bool]) -> None:
        with self._socket:
            while True:
                try:
                    self.states.extend(self._socket.recv(65_536).decode().splitlines())
                except TimeoutError:
                    if until():
                        return
