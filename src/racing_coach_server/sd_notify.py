"""Tell systemd how the service is: the sd_notify protocol, a datagram to $NOTIFY_SOCKET."""

import os
import socket
from datetime import timedelta

import structlog

log = structlog.stdlib.get_logger(__name__)


def notify(*states: str) -> bool:
    """Send states such as `READY=1`, `STATUS=...`, `WATCHDOG=1`.

    Returns:
        Whether systemd was told; False where the program does not run under it.

    Source: sd_notify(3).
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.connect(address)
            sock.sendall("\n".join(states).encode())
    except OSError as error:
        log.warning("systemd was not reached", error=str(error))
        return False
    return True


def watchdog_interval() -> timedelta | None:
    """Half of the unit's WatchdogSec, None where there is none for this process."""
    micros = os.environ.get("WATCHDOG_USEC")
    pid = os.environ.get("WATCHDOG_PID")
    if not micros or (pid and int(pid) != os.getpid()):
        return None
    return timedelta(microseconds=int(micros) / 2)
