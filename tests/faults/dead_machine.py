"""A machine that vanishes: a network namespace with a cable to this one, on which all at once nothing comes any more.

A proxy or a killed process ends a connection, and the other side learns of it. Here no packet ever says so.
"""

import functools
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_SUBNET = "10.213"


@functools.cache
def can_be_made() -> bool:
    """Whether this user may make network namespaces."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return False
    name = f"rc{secrets.token_hex(3)}"
    if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode:
        return False
    subprocess.run(["ip", "netns", "del", name], check=True, capture_output=True)
    return True


@dataclass
class DeadMachine:
    """The other machine, as long as it lives.

    Attributes:
        host: this machine's address, as the other one sees it.
        name: of the namespace.
    """

    name: str
    host: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, code: str, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
        """Run Python code there."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, "-c", code, *arguments],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def vanish(self) -> None:
        """Nothing leaves it any more, no FIN and no RST, and its processes are gone."""
        _ip("-n", self.name, "route", "replace", "blackhole", f"{self.host}/32")
        for process in self.processes:
            process.kill()
            process.wait()


@contextmanager
def dead_machine() -> Iterator[DeadMachine]:
    """A machine with an address of its own, to be taken away from this one."""
    tag = secrets.token_hex(3)
    near, far, namespace = f"rcn{tag}", f"rcf{tag}", f"rc{tag}"
    subnet = f"{_SUBNET}.{int(tag[:2], 16)}"
    _ip("netns", "add", namespace)
    machine = DeadMachine(namespace, f"{subnet}.1")
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace)
        _ip("addr", "add", f"{machine.host}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", namespace, "addr", "add", f"{subnet}.2/30", "dev", far)
        _ip("-n", namespace, "link", "set", far, "up")
        yield machine
    finally:
        machine.vanish()
        for process in machine.processes:
            if process.stdout is not None:
                process.stdout.close()
        _ip("netns", "del", namespace)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
