"""Servers that run as our children, on a loopback port."""

import contextlib
import random
import socket
from typing import ClassVar

from racing_coach_demo.child_process import ChildProcess

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A loopback TCP port that nobody listens on.

    It lies below the range from which systems number outgoing connections. A server that is down for a while
    would otherwise find its port taken by a client, or a client that keeps knocking would be connected to
    itself.

    Raises:
        OSError: no free port was found.
    """
    for port in random.sample(range(20_000, 32_000), k=100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise OSError("no free TCP port between 20000 and 32000")


def accepts_connections(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class ServerProcess(ChildProcess):
    """A server as a child process, always on the same port, however often it is started."""

    host: ClassVar[str] = LOOPBACK

    def __init__(self, port: int | None = None) -> None:
        super().__init__()
        self.port = port or free_port()
