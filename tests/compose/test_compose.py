"""docker-compose.yml and the scripts that it starts give nobody more than they need."""

import re
import socket
import subprocess

import pytest
from tests.infra import MOSQUITTO_DIR, TIMESCALE_IMAGE

ROOT = MOSQUITTO_DIR.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()


def service(name: str) -> str:
    """What is said of one service."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found
    return found[1]


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
    (check,) = re.findall(r"^      test: (.*)$", service("broker"), re.MULTILINE)
    assert "mosquitto" not in check
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = check.replace(f"{1884:04X}", f"{server.getsockname()[1]:04X}")
        assert subprocess.run(["sh", "-c", ours], check=False).returncode == 0
    assert subprocess.run(["sh", "-c", ours], check=False).returncode == 1
