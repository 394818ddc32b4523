"""`racing-coach` on a terminal, as people have it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.waiting import TIMEOUT_S

_STYLE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(environment: Mapping[str, str], *words: str, columns: int) -> str:
    """Run the program with its output on a terminal of so many columns. Returns what is seen, without colours."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    settings = {k: v for k, v in environment.items() if k not in {"COLUMNS", "LINES"}} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("racing-coach"), *words],
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=there,
        stderr=there,
    )
    os.close(there)
    seen = b""
    try:
        while piece := os.read(here, 65_536):
            seen += piece
    except OSError:
        pass  # Linux's way to say that nobody writes any more
    finally:
        process.wait(timeout=TIMEOUT_S)
        os.close(here)
    return _STYLE.sub("", seen.decode()).replace("\r\n", "\n")
