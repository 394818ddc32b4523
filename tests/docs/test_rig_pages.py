"""What the documentation has a driver do, done, against a real broker and a daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.daemon import DaemonProcess
from tests.docs.pages import block
from tests.docs.reader import Reader
from tests.infra import Broker
from tests.rig.sources.garage61.exports import lap_rows, text
from tests.rig.sources.iracing.ibt_writer import drive, ibt_bytes, laps_of

RIG = "rig-1"


@pytest.fixture
def reader(tmp_path: Path, mosquitto_broker: Broker, database_url: str) -> Iterator[Reader]:
    """A driver with two recordings, and the server that the pages speak of."""
    with DaemonProcess(mosquitto_broker, database_url):
        reader = Reader(tmp_path, {})
        (reader.checkout / "Garage 61 - driver - car - track - 01.18.783 - id.csv").write_text(text(lap_rows()))
        (reader.checkout / "session.ibt").write_bytes(ibt_bytes(drive(laps_of(3))))
        (reader.home / "Documents/iRacing/telemetry").mkdir(parents=True)
        yield reader


def settings(broker: Broker) -> dict[str, str]:
    return broker.environment(RIG) | {"RACING_COACH_RIG": RIG}


def edits(broker: Broker) -> str:
    """What a driver types in the editor."""
    lines = "\n".join(f"{name}={value}" for name, value in settings(broker).items())
    return f"sed -i '/^RACING_COACH/d' \"$1\"\ncat >>\"$1\" <<'END'\n{lines}\nEND\n"


@pytest.mark.long  # that its commands are such is in test_commands.py, what they do in tests/rig/commands
def test_a_rig_from_the_readme(reader: Reader, mosquitto_broker: Broker) -> None:
    """Its settings in a file; doctor, publish, run; and in another shell, status."""
    own = settings(mosquitto_broker)
    server = f"{own['RACING_COACH_MQTT__HOST']}\nRACING_COACH_MQTT__PORT={own['RACING_COACH_MQTT__PORT']}"
    reader.follow(
        block("README.md: mkdir -p ~/.config/racing-coach cat > ~/.config/racing-coach"),
        edit={"=server": f"={server}", "PASSWORD=...": f"PASSWORD={own['RACING_COACH_MQTT__PASSWORD']}"},
    )
    assert (reader.home / ".config/racing-coach/rig.env").stat().st_mode & 0o777 == 0o600

    said = reader.follow(block("README.md: racing-coach-rig doctor"), until="connected to the broker")
    assert "MQTT 5 connection" in said
    assert said.count("success") >= 2
    assert "watching" in said

    assert "Outbox of rig rig-1" in reader.follow(block("README.md: racing-coach-rig status"))
    shown = reader.follow(block("docs/configuration.md: racing-coach config show --set"))
    assert "rig.env" in shown
    assert own["RACING_COACH_MQTT__PASSWORD"] not in shown


def test_a_rig_as_a_service(reader: Reader, mosquitto_broker: Broker) -> None:
    """The example is edited and right, the unit is where systemd looks for it; what systemd is asked is named."""
    reader.will_edit(edits(mosquitto_broker))

    said = reader.follow(block("systemd/README.md: uv tool install '.[rig]'"))

    assert "MQTT 5 connection" in said
    assert (reader.home / ".config/systemd/user/racing-coach-rig.service").exists()
    assert reader.not_run == [
        "uv tool install .[rig]",  # tests/docs/test_installing.py
        "systemctl --user daemon-reload",
        "systemctl --user enable --now racing-coach-rig",
        "loginctl enable-linger",
    ]


def test_one_machine(reader: Reader, mosquitto_broker: Broker) -> None:
    """The same on a machine that is the server too; Docker's part is named."""
    reader.will_edit("true")
    reader.follow(block("docs/one-machine.md: cp .env.example .env chmod 600 .env editor .env"))
    assert (reader.checkout / ".env").stat().st_mode & 0o777 == 0o600
    (reader.checkout / ".env").unlink()  # docker compose's, and no setting of the rig

    reader.will_edit(edits(mosquitto_broker))
    reader.follow(block("docs/one-machine.md: uv tool install '.[rig]'"))
    said = reader.follow(block("docs/one-machine.md: racing-coach-rig publish session.ibt racing-coach-rig status"))

    assert "success" in said
    assert reader.not_run == [
        "docker compose up -d",
        "docker compose exec broker sh /setup/add-user rig-1",
        "uv tool install .[rig]",
        "docker compose exec daemon racing-coach laps list",
    ]
