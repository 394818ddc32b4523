"""The units are what systemd understands, and keep the promises that their comments make."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from racing_coach_core.setting_sources import EnvironmentSettings, names
from racing_coach_demo.daemon import HUGE_PAGES
from racing_coach_demo.processes import free_port
from racing_coach_rig.config import RigSettings
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import EXIT_CONFIGURATION

UNITS = Path(__file__).parent.parent.parent / "systemd"
INSTALLED_BIN = re.compile(r"/opt/racing-coach/bin|%h/\.local/bin")

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with the programs of this environment in place of the installed ones."""
    for unit in (*UNITS.glob("*.service"), *UNITS.glob("*.timer")):
        text = INSTALLED_BIN.sub(str(Path(sys.executable).parent), unit.read_text())
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
    ("unit", "manager"),
    [
        ("racing-coach.service", "system"),
        ("racing-coach-web.service", "system"),
        ("racing-coach-backup.service", "system"),
        ("racing-coach-backup.timer", "system"),
        ("racing-coach-rig.service", "user"),
    ],
)
def test_systemd_understands_every_line(installed: Path, unit: str, manager: str) -> None:
    verdict = analyze(f"--{manager}", "--man=no", "verify", str(installed / unit), runtime_dir=installed)

    assert (verdict.returncode, verdict.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", ["racing-coach.service", "racing-coach-web.service"])
def test_a_service_is_closed_in(installed: Path, unit: str) -> None:
    verdict = analyze("security", "--offline=true", "--threshold=15", str(installed / unit), runtime_dir=installed)

    assert verdict.returncode == 0, verdict.stdout


def test_the_stop_timeout_outlasts_the_daemons_grace() -> None:
    grace_s = Settings.model_fields["delivery"].default.stop_grace_s

    assert float(value("racing-coach.service", "TimeoutStopSec")) >= 2 * grace_s


@pytest.mark.parametrize("unit", ["racing-coach.service", "racing-coach-web.service"])
def test_a_setting_that_cannot_work_is_not_tried_again(unit: str) -> None:
    assert value(unit, "RestartPreventExitStatus") == str(EXIT_CONFIGURATION)


def test_the_daemon_gets_its_memory_as_where_it_is_measured() -> None:
    """What the demo and the benchmarks set, the unit sets."""
    assert value("racing-coach.service", "Environment") == " ".join(f"{k}={v}" for k, v in HUGE_PAGES.items())


def test_the_pages_have_none_of_the_daemons_secrets() -> None:
    """Who breaks into them has a role that reads, and a user of the broker that hears."""
    files = {
        unit: set(re.findall(r"^LoadCredential=\w+:(.*)$", (UNITS / unit).read_text(), re.MULTILINE))
        for unit in ("racing-coach.service", "racing-coach-web.service")
    }
    assert all(files.values())
    assert files["racing-coach.service"].isdisjoint(files["racing-coach-web.service"])


@pytest.mark.parametrize(
    "file",
    [
        UNITS / "racing-coach.env.example",
        UNITS / "racing-coach-web.env.example",
        UNITS / "rig.env.example",
        UNITS.parent / "docker-compose.yml",
    ],
    ids=lambda file: file.name,
)
def test_every_variable_that_we_deliver_is_a_setting(file: Path) -> None:
    settings: type[EnvironmentSettings] = RigSettings if "rig" in file.name else Settings
    delivered = set(re.findall(r"^ *#?(RACING_COACH_[A-Z_]+)[=:]", file.read_text(), re.MULTILINE))
    assert delivered
    assert delivered <= set(names(settings))


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """What is in /etc for a service: unit, settings, secrets."""
    (tmp_path / "racing-coach/credentials").mkdir(parents=True)
    (tmp_path / "units/racing-coach.service.d").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    unit = (UNITS / "racing-coach.service").read_text().replace("/etc/racing-coach", str(tmp_path / "racing-coach"))
    (tmp_path / "units/racing-coach.service").write_text(unit)
    return tmp_path


def run_command(etc: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "COLUMNS": "200",
        "XDG_RUNTIME_DIR": str(etc / "run"),
        "RACING_COACH_ETC": str(etc / "racing-coach"),
        "RACING_COACH_UNITS": str(etc / "units"),
        "RACING_COACH_PROGRAM": str(Path(sys.executable).with_name("racing-coach")),
    }
    command = [str(UNITS / "racing-coach-command"), *words]
    return subprocess.run(command, env=environment, cwd=etc, capture_output=True, text=True, check=False)


def write_secrets(etc: Path, url: str) -> None:
    (etc / "racing-coach/credentials/database-url").write_text(f"{url}\n")
    (etc / "racing-coach/credentials/mqtt-password").write_text("hush\n")


def test_a_command_has_the_services_settings_and_secrets(etc: Path) -> None:
    """`racing-coach-command` reads what the unit reads, a value in no quotes as systemd does, and leaves nothing behind."""
    port = free_port()
    write_secrets(etc, f"postgresql://u:secret@127.0.0.1:{port}/laps")
    (etc / "racing-coach/racing-coach.env").write_text("RACING_COACH_DOCTOR__RIG_USERNAME=$two words # so\n")

    unreached = run_command(etc, "laps", "list")
    assert unreached.returncode == 1
    assert f"the database at 127.0.0.1:{port}/laps did not do it" in unreached.stderr
    assert "secret" not in unreached.stderr

    shown = {one["name"]: one for one in json.loads(run_command(etc, "config", "show", "--json").stdout)}
    assert shown["RACING_COACH_DOCTOR__RIG_USERNAME"]["value"] == "$two words # so"
    assert shown["RACING_COACH_DOCTOR__RIG_USERNAME"]["origin"] == str(etc / "racing-coach/racing-coach.env")
    assert shown["RACING_COACH_MQTT__PASSWORD"]["value"] == "set, not shown"
    assert shown["RACING_COACH_MQTT__PASSWORD"]["origin"].startswith("credentials in ")
    assert list((etc / "run").iterdir()) == []

    (etc / "racing-coach/racing-coach.env").write_text("RACING_COACH_LOG__LEVEL=LOUD\n")
    assert "RACING_COACH_LOG__LEVEL" in run_command(etc, "laps", "list").stderr


def can_encrypt() -> bool:
    """Whether there is a key of this machine to encrypt with, which needs root."""
    encrypt = ["systemd-creds", "encrypt", "--name=x", "-", "-"]
    try:
        return subprocess.run(encrypt, input=b"x", capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_encrypt(), reason="needs systemd-creds and root")
def test_a_command_reads_encrypted_secrets(etc: Path) -> None:
    """Secrets that a drop-in names with LoadCredentialEncrypted= are decrypted as for the service."""
    folder = etc / "racing-coach/credentials"
    write_secrets(etc, "postgresql://u:plain@127.0.0.1:1/plain")
    for name, secret in {"DATABASE__URL": "postgresql://u:secret@127.0.0.1:1/laps", "MQTT__PASSWORD": "hush"}.items():
        subprocess.run(
            ["systemd-creds", "encrypt", f"--name=RACING_COACH_{name}", "-", folder / f"{name}.cred"],
            input=secret.encode(),
            check=True,
            capture_output=True,
        )
    lines = [
        f"LoadCredentialEncrypted=RACING_COACH_{name}:{folder}/{name}.cred"
        for name in ("DATABASE__URL", "MQTT__PASSWORD")
    ]
    drop_in = "\n".join(["[Service]", "LoadCredential=", *lines, ""])
    (etc / "units/racing-coach.service.d/encrypted.conf").write_text(drop_in)

    shown = {one["name"]: one for one in json.loads(run_command(etc, "config", "show", "--json").stdout)}

    assert shown["RACING_COACH_DATABASE__URL"]["value"] == "postgresql://u:***@127.0.0.1:1/laps"
    assert shown["RACING_COACH_MQTT__PASSWORD"]["value"] == "set, not shown"


def test_a_command_without_the_secrets_says_how_to_call_it(etc: Path) -> None:
    """Where systemd hands over the secrets, a command without them does not look at the default database instead."""
    environment = {"PATH": "/usr/bin:/bin", "RACING_COACH_ETC": str(etc / "racing-coach")}
    program = Path(sys.executable).with_name("racing-coach")

    done = subprocess.run(
        [program, "laps", "list"], env=environment, cwd=etc, capture_output=True, text=True, check=False
    )

    assert done.returncode == EXIT_CONFIGURATION
    assert "sudo racing-coach" in done.stderr


def test_a_command_whose_secret_is_missing_names_it(etc: Path) -> None:
    """A credential that is not there is an error, not a default."""
    (etc / "racing-coach/credentials/database-url").write_text("postgresql://127.0.0.1:1/laps\n")

    done = run_command(etc, "laps", "list")

    assert done.returncode == 1
    assert "the credential RACING_COACH_MQTT__PASSWORD could not be read" in done.stderr
    assert list((etc / "run").iterdir()) == []
