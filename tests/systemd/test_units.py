"""The units are what systemd understands, and keep the promises that their comments make."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from racing_coach_demo.processes import free_port
from racing_coach_rig.config import RigSettings
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import EXIT_CONFIGURATION

UNITS = Path(__file__).parent.parent.parent / "systemd"
INSTALLED_BIN = "/opt/racing-coach/bin"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with the programs of this environment in place of the installed ones."""
    for unit in UNITS.glob("*.service"):
        text = unit.read_text().replace(INSTALLED_BIN, str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def analyze(*arguments: str, runtime_dir: Path) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(runtime_dir), "XDG_RUNTIME_DIR": str(runtime_dir), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def value(unit: str, option: str) -> str:
    found = re.search(rf"^{option}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)
    assert found, option
    return found[1]


@needs_systemd
@pytest.mark.parametrize(
    ("unit", "manager"), [("racing-coach.service", "system"), ("racing-coach-rig.service", "user")]
)
def test_systemd_understands_every_line(installed: Path, unit: str, manager: str) -> None:
    verdict = analyze(f"--{manager}", "--man=no", "verify", str(installed / unit), runtime_dir=installed)

    assert (verdict.returncode, verdict.stderr) == (0, "")


@needs_systemd
def test_the_daemon_is_closed_in(installed: Path) -> None:
    verdict = analyze(
        "security",
        "--offline=true",
        "--threshold=15",
        str(installed / "racing-coach.service"),
        runtime_dir=installed,
    )

    assert verdict.returncode == 0, verdict.stdout


def test_the_stop_timeout_outlasts_the_daemons_grace() -> None:
    grace_s = Settings.model_fields["delivery"].default.stop_grace_s

    assert float(value("racing-coach.service", "TimeoutStopSec")) >= 2 * grace_s


def test_a_setting_that_cannot_work_is_not_tried_again() -> None:
    assert value("racing-coach.service", "RestartPreventExitStatus") == str(EXIT_CONFIGURATION)


@pytest.mark.parametrize(
    "file",
    [
        UNITS / "racing-coach.env.example",
        UNITS / "racing-coach-rig.env.example",
        UNITS.parent / "docker-compose.yml",
    ],
    ids=lambda file: file.name,
)
def test_every_variable_that_we_deliver_is_a_setting(file: Path) -> None:
    settings: type[BaseSettings] = RigSettings if "rig" in file.name else Settings
    names = set(re.findall(r"^ *#?(RACING_COACH_[A-Z_]+)[=:]", file.read_text(), re.MULTILINE))
    assert names
    for name in names - {"RACING_COACH_WATCH"}:  # which is the unit's own
        model: Any = settings
        for part in name.removeprefix("RACING_COACH_").lower().split("__"):
            assert part in model.model_fields, name
            model = model.model_fields[part].annotation


def test_a_command_has_the_services_settings_and_secrets(tmp_path: Path) -> None:
    """`racing-coach-command` reads what the unit reads: here a database that is not there, by a log level that is none."""
    port = free_port()
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "database-url").write_text(f"postgresql://u:secret@127.0.0.1:{port}/laps\n")
    (tmp_path / "credentials" / "mqtt-password").write_text("secret\n")
    environment = {
        "PATH": "/usr/bin:/bin",
        "RACING_COACH_ETC": str(tmp_path),
        "RACING_COACH_PROGRAM": str(Path(sys.executable).with_name("racing-coach")),
    }

    def run() -> subprocess.CompletedProcess[str]:
        command = [str(UNITS / "racing-coach-command"), "laps", "list"]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    unreached = run()
    assert unreached.returncode == 1
    assert f"the database at 127.0.0.1:{port}/laps did not do it" in unreached.stderr
    assert "secret" not in unreached.stderr

    (tmp_path / "racing-coach.env").write_text("RACING_COACH_LOG__LEVEL=LOUD\n")
    assert "RACING_COACH_LOG__LEVEL" in run().stderr
