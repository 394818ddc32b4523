"""mosquitto and PostgreSQL as processes of the tests' own, to be ill-treated."""

import atexit
import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from racing_coach_demo.embedded import WHEEL_BIN_DIR, EmbeddedPostgres
from racing_coach_demo.processes import ServerProcess, accepts_connections, free_port
from tests.infra import MOSQUITTO_DIR, Broker, default_passwords, find_mosquitto, mosquitto_version, password_file
from tests.waiting import TIMEOUT_S

FORGETFUL: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # A clone of a database is eight megabytes of WAL, and would be as many of zeros before.
    "wal_init_zero": "off",
    "wal_recycle": "off",
    "max_wal_size": "256MB",
}
"""Settings of a PostgreSQL that no test kills: what it commits need not survive that."""

_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 2 * 2**30
"""Free there, or nothing of the tests' goes there: four workers fill less than one, and nobody else is to miss it."""


class MosquittoProcess(ServerProcess):
    """mosquitto with our configuration, on a port and in a directory of its own.

    Start, stop, kill, freeze and thaw it. What it had written to disk is there again after a restart, unless told to
    `forget`. A clean `stop` writes all; `save` does in between.

    Args:
        passwords: the users; the daemon, monitoring and the rigs if not given.
        settings: options of mosquitto.conf to have other values, or to be added.
        more: lines to come after all others.
    """

    start_timeout_s: ClassVar[float] = TIMEOUT_S

    def __init__(
        self,
        passwords: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        more: str = "",
    ) -> None:
        super().__init__()
        self.rigs_port = free_port()
        self.passwords = dict(passwords or default_passwords())
        self._settings = dict(settings or {})
        self._more = more

    @property
    def broker(self) -> Broker:
        return Broker(self.host, self.port, "mosquitto", mosquitto_version(), self.passwords, rigs_port=self.rigs_port)

    @property
    def persistence_file(self) -> Path:
        return self.scratch / "data" / "mosquitto.db"

    def forget(self) -> None:
        """Throw away what a stopped broker had written, as if its disk were lost."""
        self.persistence_file.unlink(missing_ok=True)

    def save(self) -> None:
        """Have it write its sessions and queues now. Not waited for: it does nothing else meanwhile."""
        os.kill(self.pid, signal.SIGUSR1)

    def add_user(self, user: str, password: str) -> None:
        """Let a running broker know one more user."""
        self.passwords[user] = password
        self._write_passwords()
        os.kill(self.pid, signal.SIGHUP)

    def _prepare(self) -> None:
        (self.scratch / "data").mkdir(exist_ok=True)
        shutil.copy(MOSQUITTO_DIR / "acl", self.scratch / "acl")
        (self.scratch / "acl").chmod(0o600)
        self._write_passwords()
        (self.scratch / "mosquitto.conf").write_text(self._configuration())

    def _write_passwords(self) -> None:
        target = self.scratch / "passwords"
        target.touch(mode=0o600)
        target.write_text(password_file(self.passwords))

    def _configuration(self) -> str:
        """Our own file with other paths and other ports, and nothing else but what the test asks for."""
        own = (MOSQUITTO_DIR / "mosquitto.conf").read_text()
        moved = own.replace("/mosquitto/config/", f"{self.scratch}/").replace(
            "/mosquitto/data/", f"{self.scratch}/data/"
        )
        for ours, tests in (("1883", f"{self.rigs_port} {self.host}"), ("1884 127.0.0.1", f"{self.port} {self.host}")):
            assert f"\nlistener {ours}\n" in moved
            moved = moved.replace(f"\nlistener {ours}\n", f"\nlistener {tests}\n")
        settings = dict(self._settings)
        if os.geteuid() == 0:
            # Else it would go on as an account that cannot reach the scratch directory.
            settings["user"] = "root"
        kept = [line for line in moved.splitlines() if line.partition(" ")[0] not in settings]
        return "\n".join([*kept, *(f"{option} {value}" for option, value in settings.items()), self._more, ""])

    def _command(self) -> list[str]:
        return [str(find_mosquitto()), "-c", str(self.scratch / "mosquitto.conf")]

    def _is_ready(self) -> bool:
        return accepts_connections(self.port)


class PostgresProcess(EmbeddedPostgres):
    """A PostgreSQL to ill-treat: the wheel's, or the one whose programs `RACING_COACH_TEST_POSTGRES_BIN` names.

    Start, stop, kill, freeze and thaw it; it comes back on the same port with the same data.
    """

    start_timeout_s: ClassVar[float] = TIMEOUT_S

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(bin_dir=postgres_bin_dir(), settings=settings)
        if settings == FORGETFUL and (folder := _memory()) is not None:
            self._scratch = Path(tempfile.mkdtemp(prefix="racing-coach-", dir=folder))

    def _initialise(self) -> None:
        """Copy the cluster that was made once: initdb takes longer than most tests."""
        # Not shutil.copytree, which leaves the owner behind: as root, the files are another account's.
        subprocess.run(["cp", "-a", f"{_mould().data_dir}/.", str(self.data_dir)], check=True)

    def _executables(self) -> Path:
        return _mould()._executables()


@functools.cache
def _memory() -> Path | None:
    """A folder that no disk is behind, None where there is not enough of it.

    A clone of a database is three hundred files, which a disk's file system makes and removes in a quarter of a second of
    the processor, and this one in a hundredth.
    """
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _MEMORY_BYTES:
        return None
    return _MEMORY


@functools.cache
def _mould() -> EmbeddedPostgres:
    """A cluster that is never started, and the programs for it, of which all others of this run are copies."""
    mould = EmbeddedPostgres(bin_dir=postgres_bin_dir())
    atexit.register(mould.close)
    mould._prepare()
    return mould


def postgres_bin_dir() -> Path:
    """Where the programs are of the PostgreSQL that the tests start."""
    return Path(os.environ.get("RACING_COACH_TEST_POSTGRES_BIN", WHEEL_BIN_DIR))
