"""CONTRIBUTING's "How to add a feature", followed word for word in a copy of the project."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.server.support import Stored, mqtt_settings
from tests.servers import MosquittoProcess
from tests.waiting import eventually

import racing_coach_server
from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.database.init_db import head_revision

ROOT = Path(racing_coach_server.__file__).parents[2]
BIN = Path(sys.executable).parent
_SERVER = "src/racing_coach_server"


def steps() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return text[text.index("## How to add a feature") : text.index("## What we hold to")]


def blocks() -> dict[str, str]:
    """The files that the text shows, by their paths."""
    found = re.findall(r"^```\w*\n# (\S+)\n(.*?)^```$", steps(), re.DOTALL | re.MULTILINE)
    return dict(found)


def into(path: Path, before: str, line: str) -> None:
    """Write a line before the first that begins so."""
    lines = path.read_text().splitlines()
    at = next(number for number, each in enumerate(lines) if each.startswith(before))
    path.write_text("\n".join([*lines[:at], line, *lines[at:]]) + "\n")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project with the feature that the text describes."""
    for name in ("src", "pyproject.toml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    files = blocks()
    files.pop("mosquitto/acl")
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace('"the one before"', f'"{head_revision()}"'))
    (tmp_path / "src/racing_coach_server/notes/__init__.py").touch()
    features = tmp_path / "src/racing_coach_server/features.py"
    into(features, "from racing_coach_server.telemetry", "from racing_coach_server.notes.handlers import notes")
    features.write_text(features.read_text().replace("= (telemetry,", "= (telemetry, notes,"))
    into(tmp_path / "pyproject.toml", '  "feature",', '  "notes",')
    return tmp_path


def test_every_step_is_there() -> None:
    """The steps that this test takes by hand are the ones that the text names."""
    assert len(re.findall(r"^\*\*\d+\. ", steps(), re.MULTILINE)) == 11
    prose = re.sub(r"^```.*?^```$", "", steps(), flags=re.DOTALL | re.MULTILINE)
    assert {"notes,", '"notes",', '"feature",'} <= set(re.findall(r"`([^`]+)`", prose))


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    return subprocess.run(
        [BIN / command[0], *command[1:]], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command", [["lint-imports"], ["ruff", "check", _SERVER], ["ruff", "format", "--check", _SERVER]], ids=" ".join
)
def test_the_feature_keeps_the_borders(copy: Path, command: list[str]) -> None:
    """Import contracts and style hold for what the text shows."""
    done = run(copy, *command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_package_without_a_floor_is_found(copy: Path) -> None:
    """The contract is exhaustive: who forgets the line in pyproject.toml is told."""
    contracts = copy / "pyproject.toml"
    contracts.write_text(contracts.read_text().replace('  "notes",\n', ""))
    done = run(copy, "lint-imports")
    assert done.returncode == 1
    assert "racing_coach_server.notes" in done.stdout


async def test_the_daemon_runs_it(
    copy: Path,
    mosquitto_process: MosquittoProcess,
    database_url: str,
    stored: Stored,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A note is stored, answered, followed; an empty one is kept and answered; laps are where they were."""
    # A fork would have imported the daemon as it is here.
    monkeypatch.delenv("RACING_COACH_TEST_FORK", raising=False)
    acl = mosquitto_process.scratch / "acl"
    acl.write_text(acl.read_text() + blocks()["mosquitto/acl"])
    os.kill(mosquitto_process.pid, signal.SIGHUP)
    broker = mosquitto_process.broker
    daemon = DaemonProcess(broker, database_url, environment={"PYTHONPATH": str(copy / "src")})
    daemon.command = [sys.executable, "-m", "racing_coach_server.main", "serve"]
    with daemon:
        answers = await _send(broker, b"brake later at turn 5", b" ")
        assert answers == [b"1", b"note of 1 bytes: a note needs a word"]
        await eventually(lambda: _counted(stored))
        assert len(daemon.logged("note stored")) == len(daemon.logged("note rejected")) == 1
        assert "not stored: a note needs a word" in await _replay(daemon)
        assert await asyncio.to_thread(daemon.stop) == 0

    assert await stored.value("select words from note_words") == 5
    assert await stored.value("select topic from rejected_messages") == "racing-coach/v1/rigs/rig-1/notes"


async def _replay(daemon: DaemonProcess) -> str:
    """`racing-coach rejected replay`, of the only message there is."""
    command = [sys.executable, "-m", "racing_coach_server.main", "rejected", "replay", "1"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=daemon.environment, capture_output=True, text=True, check=False
    )
    return done.stdout


async def _counted(stored: Stored) -> bool:
    return bool(await stored.value("select count(*) from note_words"))


async def _send(broker: Broker, *notes: bytes) -> list[bytes]:
    answers = []
    async with Connection(mqtt_settings(broker, "rig-1"), client_id="notes", receive_maximum=10, clean=True) as rig:
        await rig.subscribe(["racing-coach/v1/acks/rig-1/notes"])
        deliveries = rig.deliveries()
        for note in notes:
            await rig.publish("racing-coach/v1/rigs/rig-1/notes", note)
            delivery = await anext(deliveries)
            answers.append(bytes(delivery.payload))
            delivery.acknowledge()
            delivery.release()
    return answers
