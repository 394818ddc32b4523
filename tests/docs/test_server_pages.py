"""What the documentation has an operator do, done, as far as this machine is a server."""

import asyncio
import os
import pwd
import subprocess
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from tests.daemon import DaemonProcess
from tests.docs.pages import block
from tests.docs.reader import Reader
from tests.infra import DAEMON, Broker, find_mosquitto
from tests.servers import PostgresProcess

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import UntrustedBrokerError
from racing_coach_core.settings import MqttSettings
from racing_coach_demo.child_process import ChildProcess
from racing_coach_demo.processes import free_port
from racing_coach_server.commands.runner import run_async


def has_mosquittos_account() -> bool:
    """Whether files can be given to the broker's account."""
    try:
        pwd.getpwnam("mosquitto")
    except KeyError:
        return False
    return os.geteuid() == 0


needs_mosquittos_account = pytest.mark.skipif(
    not has_mosquittos_account(), reason="needs root and the account mosquitto"
)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    reader = Reader(tmp_path, {})
    (reader.machine / "etc/mosquitto").mkdir()
    return reader


class InstalledMosquitto(ChildProcess):
    """The broker with the configuration that a reader has installed, on ports that are free."""

    def __init__(self, configuration: Path, port: int) -> None:
        super().__init__()
        self._configuration = configuration
        self._port = port

    def _command(self) -> list[str]:
        return [str(find_mosquitto()), "-c", str(self._configuration)]

    def _is_ready(self) -> bool:
        return (
            subprocess.run(["bash", "-c", f": </dev/tcp/127.0.0.1/{self._port}"], capture_output=True).returncode == 0
        )


@needs_mosquittos_account
@pytest.mark.mosquitto
def test_a_broker_with_users_and_tls(reader: Reader, need_mosquitto: None) -> None:
    """Installed, its users made, TLS with an authority of one's own: a rig that has its certificate is let in."""
    reader.follow(block("mosquitto/README.md: sudo apt install mosquitto"))
    reader.follow(
        block("mosquitto/README.md: sudo mosquitto_passwd /etc/mosquitto/passwords racing-coach"),
        typed=["daemon's", "daemon's", "monitoring's", "monitoring's", "hush", "hush"],
    )
    users = (reader.machine / "etc/mosquitto/passwords").read_text().splitlines()
    assert [user.partition(":")[0] for user in users] == ["racing-coach", "monitoring", "rig-1"]
    # It prints the names that are none, and there are none.
    wrong = block("mosquitto/README.md: sudo grep -vE '^[A-Za-z0-9_.-]{1,64}:' /etc/mosquitto/passwo")
    assert reader.follow(wrong, code=1) == ""

    reader.follow(
        block("mosquitto/README.md: mkdir -p tls && chmod 700 tls && cd tls openssl req -x509 -n"),
        edit={"DNS:server,IP:192.0.2.7": "DNS:localhost,IP:127.0.0.1"},
    )
    reader.follow(block("mosquitto/README.md: sudo install -d -o mosquitto -g mosquitto -m 700 /etc/mosqui"))
    assert reader.not_run == ["apt install mosquitto", "systemctl restart mosquitto", "systemctl restart mosquitto"]

    installed = reader.machine / "etc/mosquitto/mosquitto.conf"
    port, other = free_port(), free_port()
    text = installed.read_text()
    assert "\nlistener 1883" not in text
    text = text.replace("listener 8883", f"listener {port} 127.0.0.1").replace("listener 1884", f"listener {other}")
    installed.write_text(f"{text}\nuser root\n")
    (reader.machine / "var/lib/mosquitto").mkdir(parents=True)
    with InstalledMosquitto(installed, port):
        asyncio.run(_connect(reader, port))
        reader.environment |= {"RACING_COACH_RIG": "rig-1", "RACING_COACH_MQTT__USERNAME": "rig-1"}
        reader.environment |= {"RACING_COACH_MQTT__PASSWORD": "hush"}
        settings = block("mosquitto/README.md: RACING_COACH_MQTT__PORT=8883 RACING_COACH_MQTT__TLS__CA_FILE").text
        path = reader.home / ".config/racing-coach/rig.env"
        path.parent.mkdir(parents=True)
        certificate = str(reader.checkout / "tls/ca.crt")
        path.write_text(
            settings.replace("8883", str(port)).replace("/home/driver/.config/racing-coach/ca.crt", certificate)
        )
        done = subprocess.run(
            ["racing-coach-rig", "doctor"], env=reader.environment, cwd=reader.home, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


async def _connect(reader: Reader, port: int) -> None:
    mqtt = MqttSettings.model_validate(
        {
            "port": port,
            "username": "rig-1",
            "password": "hush",
            "tls": {"ca_file": reader.checkout / "tls/ca.crt"},
        }
    )
    async with Connection(mqtt, client_id="rig-1", clean=True):
        pass
    unknown = mqtt.model_copy(update={"tls": mqtt.tls.model_copy(update={"ca_file": None, "enabled": True})})
    with pytest.raises(UntrustedBrokerError):
        async with Connection(unknown, client_id="rig-1", clean=True):
            pass


@pytest.mark.long  # that its commands are such is in test_commands.py, what they do in tests/server/commands
def test_the_daemons_settings_and_commands(
    reader: Reader, mosquitto_broker: Broker, postgres_process: PostgresProcess
) -> None:
    """Secrets in files that root alone reads; the command hands them over, and the doctor is content."""
    own = mosquitto_broker.environment(DAEMON)
    url = make_url(postgres_process.url).set(drivername="postgresql").render_as_string(hide_password=False)
    host, port = own["RACING_COACH_MQTT__HOST"], own["RACING_COACH_MQTT__PORT"]
    reader.will_edit(
        f"sed -i 's/^RACING_COACH_MQTT__PORT=.*/RACING_COACH_MQTT__PORT={port}/; s/127.0.0.1/{host}/' \"$1\""
    )
    reader.follow(
        block("systemd/README.md: sudo install -d -m 755 /etc/racing-coach sudo install -m 644"),
        edit={
            "postgresql://racing_coach:PASSWORD@127.0.0.1:5432/racing_coach": url,
            "echo 'PASSWORD'": f"echo '{own['RACING_COACH_MQTT__PASSWORD']}'",
        },
    )
    secret = reader.machine / "etc/racing-coach/credentials/database-url"
    assert (secret.stat().st_mode & 0o777, secret.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    reader.follow(block("systemd/README.md: sudo install -m 644 systemd/racing-coach.service /etc/system"))
    unit = reader.machine / "etc/systemd/system/racing-coach.service"
    unit.write_text(unit.read_text().replace("/etc/racing-coach", str(reader.machine / "etc/racing-coach")))
    with DaemonProcess(mosquitto_broker, postgres_process.url):
        pass  # it has made its tables
    said = reader.follow(block("systemd/README.md: sudo install -m 755 systemd/racing-coach-command /usr/local/"))
    assert "racing-coach.env" in said
    assert "MQTT 5 connection" in said

    said = reader.follow(block("docs/operations.md: sudo racing-coach laps list sudo racing-coach doctor sudo ra"))
    assert "MQTT 5 connection" in said
    assert own["RACING_COACH_MQTT__PASSWORD"] not in said

    reader.follow(block("systemd/README.md: sudo apt install postgresql sudo -u postgres createuser --pw"))
    reader.follow(block("systemd/README.md: sudo -u postgres createuser --pwprompt racing_coach_web sudo"))
    assert reader.not_run == [
        "systemctl daemon-reload",  # no systemd is process 1 here
        "systemctl enable --now --no-block racing-coach",
        "journalctl -u racing-coach -f",
        "apt install postgresql",
        "createuser --pwprompt racing_coach",  # the system's PostgreSQL is not here
        "createdb --owner=racing_coach racing_coach",
        "createuser --pwprompt racing_coach_web",
        "psql -c grant pg_read_all_data to racing_coach_web",
        "systemctl daemon-reload",
        "systemctl enable --now racing-coach-web",
    ]


def test_backups_and_the_way_back(reader: Reader) -> None:
    """The timer's units are where systemd looks; a restore is asked of the database that was edited."""
    reader.will_edit("true")
    (reader.machine / "etc/racing-coach/credentials").mkdir(parents=True)
    reader.follow(block("docs/backup.md: sudo install -d -m 700 /backups sudo install -m 644 systemd/"))
    assert {"racing-coach-backup.service", "racing-coach-backup.timer"} <= {
        unit.name for unit in (reader.machine / "etc/systemd/system").iterdir()
    }
    reader.follow(block("docs/backup.md: sudo systemctl stop racing-coach racing-coach-web sudo -u po"), code=1)
    assert reader.not_run == [
        "systemctl daemon-reload",
        "systemctl enable --now racing-coach-backup.timer",
        "systemctl start racing-coach-backup",
        "systemctl stop racing-coach racing-coach-web",
        "createdb --owner=racing_coach restored",
    ]


def test_a_database_that_a_former_version_made(reader: Reader, database_url: str) -> None:
    """Converting what is converted already says so, and does no harm."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    reader.environment["RACING_COACH_DATABASE__URL"] = url

    reader.follow(block("docs/operations.md: racing-coach db convert"))


def test_what_compose_is_asked(reader: Reader) -> None:
    """What is done beside Docker is done; what Docker is asked, which is not here, is named."""
    reader.will_edit("true")
    reader.follow(block("README.md: cp .env.example .env chmod 600 .env editor .env"))
    assert (reader.checkout / ".env").stat().st_mode & 0o777 == 0o600
    reader.follow(block("docs/operations.md: cp .env.example .env chmod 600 .env editor .env"))
    reader.follow(block("docs/operations.md: docker compose exec daemon racing-coach laps list docker com"))
    reader.follow(block("mosquitto/README.md: docker compose exec broker sh /setup/add-user rig-1"))
    reader.follow(block("docs/backup.md: docker compose exec daemon racing-coach backup /var/lib/raci"))
    reader.follow(block("docs/backup.md: docker compose down docker volume rm racing-coach_database-d"))
    reader.follow(block("mosquitto/README.md: echo COMPOSE_FILE=docker-compose.yml:docker-compose.tls.yml"))
    assert (reader.checkout / ".env").read_text().endswith("\nCOMPOSE_FILE=docker-compose.yml:docker-compose.tls.yml\n")
    backups = f"{reader.machine}/var/lib/racing-coach/backups/2026-05-01"
    asked = ["docker compose up -d", "docker compose exec broker sh /setup/add-user rig-1"]
    assert reader.not_run == [
        *asked,
        *asked,
        "docker compose exec daemon racing-coach doctor",
        "docker compose logs -f daemon",
        "docker compose exec daemon racing-coach laps list",
        "docker compose exec daemon racing-coach laps export LAP_ID -o /tmp/lap.csv",
        "docker compose exec daemon cat /tmp/lap.csv",
        "docker compose exec broker sh /setup/add-user rig-1",
        f"docker compose exec daemon racing-coach backup {backups}",
        "docker compose ps -q daemon",
        f"docker cp :{backups} .",
        "docker compose down",
        "docker volume rm racing-coach_database-data",
        "docker compose up -d database",
        f"docker compose run --rm --user {os.getuid()}:{os.getgid()} -v {reader.checkout}/2026-05-01:/backup:ro daemon restore /backup",
        "docker compose up -d",
        "docker compose up -d",
    ]


def test_statements_of_the_pages_run(database_url: str) -> None:
    """On the tables that this version makes; where a page has dots, an id of no lap."""
    first = block("docs/architecture.md: select speed, throttle, brake from telemetry where lap_id =")
    second = block("docs/architecture.md: select lap_id, frame_index, speed from telemetry where times")
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in f"{first.text}\n{second.text}".replace(
                "...", "00000000-0000-0000-0000-000000000000"
            ).split(";"):
                if statement.strip():
                    await connection.fetch(statement)
        finally:
            await connection.close()

    run_async(run())
