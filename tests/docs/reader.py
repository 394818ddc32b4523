"""Somebody who follows the documentation word for word, on a machine where not everything can be done."""

import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.docs.pages import ROOT, Block

NOT_HERE = ("apt", "docker", "systemctl", "journalctl", "loginctl", "createuser", "createdb", "psql", "uv", "make")
"""Programs that need another machine than this one. What is asked of them is written down, and told by the tests."""

_CHECKOUT = ("mosquitto", "systemd", "requirements", ".env.example", "docker-compose.yml", "docker-compose.tls.yml")
_PLACES = ("/etc/", "/usr/local/bin/", "/opt/racing-coach", "/var/lib/", "/backups")
_SUDO = """#!/bin/sh
[ "$1" = -u ] && shift 2
exec "$@"
"""
_NOT_HERE = """#!/bin/sh
echo "$(basename "$0") $*" >>"$NOT_RUN"
"""
_EDITOR = """#!/bin/sh
exec sh "$HOME/edit" "$1"
"""


class Reader:
    """A home, a checkout, and a machine's folders below one of ours; commands run in bash, as they stand.

    Args:
        home: an empty directory.
        environment: further variables.
    """

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home / "home"
        self.machine = home / "machine"
        self.checkout = home / "checkout"
        self._bin = home / "bin"
        for folder in (self.home, self.machine / "etc/systemd/system", self.machine / "usr/local/bin", self._bin):
            folder.mkdir(parents=True)
        (self.machine / "run").mkdir()
        self.checkout.mkdir()
        for name in _CHECKOUT:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.checkout / name)
        for program in ("racing-coach", "racing-coach-rig"):
            (self._bin / program).symlink_to(Path(sys.executable).with_name(program))
        self._write("sudo", _SUDO)
        self._write("editor", _EDITOR)
        for program in NOT_HERE:
            self._write(program, _NOT_HERE)
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{self.machine}/usr/local/bin:{self._bin}:/usr/bin:/bin:/usr/sbin:/sbin",
            "NOT_RUN": str(home / "not-run"),
            "COLUMNS": "400",
            "NO_COLOR": "1",
            "XDG_RUNTIME_DIR": str(self.machine / "run"),
            "RACING_COACH_ETC": str(self.machine / "etc/racing-coach"),
            "RACING_COACH_UNITS": str(self.machine / "etc/systemd/system"),
            "RACING_COACH_PROGRAM": str(self._bin / "racing-coach"),
            **environment,
        }

    def _write(self, program: str, text: str) -> None:
        path = self._bin / program
        path.write_text(text)
        path.chmod(0o755)

    def will_edit(self, script: str) -> None:
        """What is done in the editor: a shell script that is given the file."""
        (self.home / "edit").write_text(script)

    def follow(
        self,
        block: Block,
        *,
        until: str | None = None,
        typed: Sequence[str] = (),
        edit: Mapping[str, str] | None = None,
        code: int = 0,
    ) -> str:
        """Run a block and return all that was printed.

        Args:
            block: as it stands, but for the machine's folders, which lie below one of ours.
            until: ends it once this was printed; for a program that runs on.
            typed: the answers to its questions, on a terminal.
            edit: what a reader puts in the place of names and passwords that stand for theirs.
            code: with which it ends.

        Raises:
            AssertionError: it ended otherwise, or what is to be edited is not in it.
        """
        said = self.home / "said"
        terminal, ours = os.openpty()
        try:
            with said.open("w") as output:
                process = subprocess.Popen(
                    ["bash", "-euo", "pipefail", "-c", self._on_this_machine(block.text, edit or {})],
                    cwd=self.checkout,
                    env=self.environment,
                    stdin=ours,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            runs_on = _wait(process, said, until, terminal, list(typed))
        finally:
            os.close(terminal)
            os.close(ours)
        assert runs_on == (until is not None), said.read_text()
        assert runs_on or process.returncode == code, said.read_text()
        return said.read_text()

    def _on_this_machine(self, text: str, edit: Mapping[str, str]) -> str:
        for old, new in edit.items():
            assert old in text, f"{old!r} is not there to be edited"
            text = text.replace(old, new)
        for place in _PLACES:
            text = re.sub(rf"(?<![\w.-]){place}", f"{self.machine}{place}", text)
        return text

    @property
    def not_run(self) -> list[str]:
        """What was asked of programs that are not here."""
        path = Path(self.environment["NOT_RUN"])
        return path.read_text().splitlines() if path.exists() else []


def _wait(process: subprocess.Popen[bytes], said: Path, until: str | None, terminal: int, typed: list[str]) -> bool:
    """Wait for its end, or until it said that, and answer its questions. Returns whether it had to be ended.

    Whoever asks for a password first turns off the echo, and throws away what was typed before.
    """
    deadline = time.monotonic() + 240
    answered = 0
    while process.poll() is None and time.monotonic() < deadline:
        text = said.read_text()
        if until is not None and until in text:
            break
        if text.count("assword: ") > answered < len(typed) and not _echoes(terminal):
            os.write(terminal, f"{typed[answered]}\n".encode())
            answered += 1
        time.sleep(0.05)
    runs_on = process.poll() is None
    if runs_on:
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(60)
    return runs_on


def _echoes(terminal: int) -> bool:
    """Whether what is typed there is shown."""
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
