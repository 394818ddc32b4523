"""The rig command at a broker, in a directory of its own."""

import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.infra import RIGS, Broker
from tests.laps import lap_json, to_bytes
from tests.rig.rig_program import RigProgram, forget

from racing_coach_rig.commands import publishing

_names = itertools.cycle(RIGS)


@pytest.fixture(autouse=True)
def no_coach(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemons of these tests say nothing but answers: the coach's word is not waited for."""
    monkeypatch.setattr(publishing, "_COACH_S", 0.0)


@pytest.fixture
def rig() -> str:
    return next(_names)


@pytest.fixture
async def program(mosquitto_broker: Broker, rig: str, tmp_path: Path) -> RigProgram:
    await forget(mosquitto_broker, rig)
    # A lap is sent again only where a test says so: on a busy machine it would be, and be answered twice.
    settings = {"MQTT__CLIENT_ID": f"{rig}-{uuid.uuid4().hex}", "SENDING__ANSWER_TIMEOUT_S": 600}
    return RigProgram(tmp_path, rig, mosquitto_broker, settings)


@pytest.fixture
def lap_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a lap as existing clients send it."""

    def write(number: int = 3, name: str | None = None) -> Path:
        path = tmp_path / (name or f"lap-{number}.json")
        path.write_bytes(to_bytes(lap_json(lap_number=number)))
        return path

    return write
