"""docker-compose.yml and the scripts that it starts give nobody more than they need."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.infra import MOSQUITTO_DIR, TIMESCALE_IMAGE

from racing_coach_demo.daemon import HUGE_PAGES

ROOT = MOSQUITTO_DIR.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()


def service(name: str) -> str:
    """What is said of one service."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.tls.yml"])
def test_it_is_read_as_it_is_meant(name: str) -> None:
    """YAML takes a colon in the middle of a command for a key."""
    services = yaml.safe_load((ROOT / name).read_text())["services"]
    assert services.keys() <= {"broker", "database", "daemon", "web"}
    for one in services.values():
        assert isinstance(one.get("healthcheck", {}).get("test", ""), str)


def test_the_tests_take_the_same_database_image_which_is_of_one_version() -> None:
    """A tag such as `latest` would bring another version of the extension than the one in the database."""
    assert f"image: {TIMESCALE_IMAGE}\n" in service("database")
    assert re.fullmatch(r"timescale/timescaledb:\d+\.\d+\.\d+-pg\d+", TIMESCALE_IMAGE)


def test_the_daemon_is_no_superuser() -> None:
    """The image makes POSTGRES_USER one; the daemon's user comes of a script of ours."""
    assert "POSTGRES_USER: postgres\n" in service("database")
    assert "postgresql://racing_coach@database" in service("daemon")
    script = (ROOT / "postgresql" / "make-user.sql").read_text()
    assert "create role racing_coach login password" in script
    statements = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    assert "superuser" not in statements


def test_the_daemon_gets_its_memory_as_where_it_is_measured() -> None:
    """What the demo and the benchmarks set, the service sets."""
    assert yaml.safe_load(COMPOSE)["services"]["daemon"]["environment"].items() >= HUGE_PAGES.items()


def test_the_pages_can_read_and_no_more() -> None:
    """They have a role of their own, and the broker's user that hears; and are reached from this machine only, at first."""
    web, script = service("web"), (ROOT / "postgresql" / "make-user.sql").read_text()
    assert "postgresql://racing_coach_web@database" in web
    assert "RACING_COACH_MQTT__USERNAME: monitoring\n" in web
    assert "DAEMON_PASSWORD" not in web
    assert "${DATABASE_PASSWORD" not in web
    assert "RACING_COACH_WEB__PASSWORD: ${WEB_PASSWORD:?" in web
    assert '"${WEB_ADDRESS:-127.0.0.1}:' in web
    assert [line for line in script.splitlines() if "racing_coach_web" in line and not line.startswith("--")] == [
        "create role racing_coach_web login password :'web_password';",
        "grant pg_read_all_data to racing_coach_web;",
    ]


def test_the_daemons_listener_has_no_port_outside() -> None:
    """It is reached from the other containers alone; rigs have the other one."""
    (port,) = re.findall(r"^      - .*:(\d+)\"$", service("broker"), re.MULTILINE)
    assert port == "1883"
    assert "RACING_COACH_MQTT__PORT: 1884\n" in service("daemon")


@pytest.mark.parametrize("path", ["mosquitto/start-in-container", "mosquitto/add-user"])
def test_no_password_is_on_a_command_line(path: str) -> None:
    """Everybody on the machine sees those."""
    commands = re.findall(r"^[^#\n]*mosquitto_(?:sub|pub|passwd).*$", (ROOT / path).read_text(), re.MULTILINE)
    assert commands
    for command in commands:
        typed = re.sub(r"printf [^|>]*", "", command)  # of the shell itself, no process
        assert not re.search(r"password\"( |$)(?!\$)|PASSWORD| -b | -P ", typed.replace('"$passwords"', "")), command


def test_the_brokers_healthcheck_makes_no_connection() -> None:
    """A client every ten seconds would fill the broker's log. It looks whether anybody listens on the daemon's port."""
    check = yaml.safe_load(COMPOSE)["services"]["broker"]["healthcheck"]["test"]
    assert "mosquitto" not in check
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = check.replace(f"{1884:04X}", f"{server.getsockname()[1]:04X}")
        assert subprocess.run(["sh", "-c", ours], check=False).returncode == 0
    assert subprocess.run(["sh", "-c", ours], check=False).returncode == 1


def in_a_container(tmp_path: Path, certificate: str | None) -> Path:
    """Run `start-in-container` up to the broker's start, with the container's folders below one of ours."""
    folder = tmp_path / "container"
    (folder / "config").mkdir(parents=True)
    (folder / "data").mkdir()
    if certificate is not None:
        (tmp_path / "tls").mkdir()
        for name in ("server.crt", "server.key"):
            (tmp_path / "tls" / name).write_text(certificate)
    script = (MOSQUITTO_DIR / "start-in-container").read_text()
    for theirs, ours in (
        ("exec /usr/sbin/mosquitto", "true"),
        ("mosquitto:mosquitto", f"{os.getuid()}:{os.getgid()}"),
        ("root:root", f"{os.getuid()}:{os.getgid()}"),
        ("/mosquitto/", f"{folder}/"),
        ("config=/mosquitto/config", f"config={folder}/config"),
        ("/setup/", f"{MOSQUITTO_DIR}/"),
        (" /tls/", f" {tmp_path}/tls/"),
    ):
        script = script.replace(theirs, ours)
    environment = {**os.environ, "DAEMON_PASSWORD": "a", "MONITORING_PASSWORD": "b"}
    subprocess.run(["sh", "-c", script], env=environment, check=True, capture_output=True)
    return folder / "config"


def listeners(config: Path) -> list[str]:
    return re.findall(r"^listener (.*)$", (config / "mosquitto.conf").read_text(), re.MULTILINE)


@pytest.mark.mosquitto
def test_a_certificate_takes_the_place_of_the_port_without(tmp_path: Path, need_mosquitto: None) -> None:
    """Rigs have one listener or the other; the key is a copy that the broker alone reads."""
    assert listeners(in_a_container(tmp_path / "plain", None)) == ["1883", "1884"]

    config = in_a_container(tmp_path / "tls", "a certificate")
    assert listeners(config) == ["1884", "8883"]
    assert (config / "tls/server.key").read_text() == "a certificate"
    assert (config / "tls/server.key").stat().st_mode & 0o077 == 0
    assert "keyfile /mosquitto/config/tls/server.key" in (config / "mosquitto.conf").read_text()
