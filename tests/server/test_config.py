"""Settings: where they come from, which wins, and what a wrong one is told."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import TIMEOUT_S

from racing_coach_core.topics import is_segment
from racing_coach_server.config import load_settings
from racing_coach_server.exceptions import ConfigurationError

URL = "postgresql://coach:hush@db.example:5433/laps"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine, and an empty directory without .env."""
    for name in list(os.environ):
        if name.startswith("RACING_COACH_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_it_is_one_box_with_everything_on_it() -> None:
    """The defaults: broker and database on this machine, the machine's name, heartbeats every 10 s."""
    settings = load_settings()

    assert (settings.mqtt.host, settings.mqtt.port) == ("127.0.0.1", 1883)
    assert settings.database.sqlalchemy_url.host == "127.0.0.1"
    assert is_segment(settings.instance)
    assert settings.client_id == f"racing-coach-{settings.instance}"
    assert settings.health.interval_s == 10
    assert settings.limits.wire_bytes == 16 * 2**20


def test_variables_are_nested_with_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every section is reached from the environment."""
    for name, value in {
        "DATABASE__URL": URL,
        "MQTT__HOST": "broker.example",
        "MQTT__PORT": "8883",
        "MQTT__USERNAME": "racing-coach",
        "MQTT__PASSWORD": "hush",
        "MQTT__CLIENT_ID": "the-daemon",
        "MQTT__TLS__ENABLED": "true",
        "INSTANCE": "box-1",
        "HEALTH__INTERVAL_S": "2.5",
        "DELIVERY__BUDGET__MESSAGES": "7",
        "LIMITS__FRAMES": "1000",
        "LOG__LEVEL": "DEBUG",
    }.items():
        monkeypatch.setenv(f"RACING_COACH_{name}", value)

    settings = load_settings()

    assert settings.database.url.get_secret_value() == URL
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.username) == ("broker.example", 8883, "racing-coach")
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "hush"
    assert isinstance(settings.mqtt.tls.context(), ssl.SSLContext)
    assert (settings.instance, settings.client_id) == ("box-1", "the-daemon")
    assert settings.health.interval_s == 2.5
    assert settings.delivery.budget.messages == 7
    assert settings.limits.frames == 1000
    assert settings.log.level == "DEBUG"


def test_environment_before_dotenv_before_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each source is read, and the more special one wins."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "RACING_COACH_MQTT__PASSWORD").write_text("from the credentials\n")
    (credentials / "RACING_COACH_MQTT__USERNAME").write_text("from the credentials\n")
    (credentials / "RACING_COACH_MQTT__HOST").write_text("from the credentials\n")
    (tmp_path / ".env").write_text(
        "RACING_COACH_MQTT__USERNAME=from .env\nRACING_COACH_MQTT__HOST=from .env\nUNRELATED=x\nRACING_COACH_RIG=rig-7\n"
    )
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("RACING_COACH_MQTT__HOST", "from the environment")

    mqtt = load_settings().mqtt

    assert mqtt.password is not None
    assert mqtt.password.get_secret_value() == "from the credentials"
    assert mqtt.username == "from .env"
    assert mqtt.host == "from the environment"


def test_a_database_url_from_the_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """systemd's LoadCredential= gives a file with a newline at its end, and other files beside it are no matter."""
    (tmp_path / "RACING_COACH_DATABASE__URL").write_text(f"{URL}\n")
    (tmp_path / "tls-key.pem").write_text("another service's")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert load_settings().database.url.get_secret_value() == URL


def test_no_credentials_directory_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CREDENTIALS_DIRECTORY that is not there is as good as none."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/nowhere")

    assert load_settings().mqtt.password is None


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever prints the settings prints no password."""
    monkeypatch.setenv("RACING_COACH_DATABASE__URL", URL)
    monkeypatch.setenv("RACING_COACH_MQTT__PASSWORD", "hush")

    settings = load_settings()

    assert "hush" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("given", "driver_url"),
    [
        (URL, "postgresql+asyncpg://coach:hush@db.example:5433/laps"),
        ("postgresql+asyncpg://db/laps", "postgresql+asyncpg://db/laps"),
        ("postgresql://db/laps?sslmode=require", "postgresql+asyncpg://db/laps?ssl=require"),
    ],
)
def test_the_database_is_reached_with_asyncpg(given: str, driver_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever driver the URL names; libpq's sslmode, which every URL has, is asyncpg's ssl."""
    monkeypatch.setenv("RACING_COACH_DATABASE__URL", given)

    assert load_settings().database.sqlalchemy_url.render_as_string(hide_password=False) == driver_url


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE__URL", "laps.db", "is no URL such as postgresql://"),
        ("DATABASE__URL", "mysql://coach:hush@db/laps", "must begin with postgresql://, not mysql://"),
        ("DATABASE__URL", "postgresql://coach:hush@db:port/laps", "is no URL such as postgresql://"),
        ("DATABASE__URL", "postgresql://coach:hush@db/laps?sllmode=require", "sllmode"),
        ("DATABASE__URL", "postgresql://coach:hu@sh@db/laps", "percent-encode it, as %40"),
        ("DATABASE__URL", "postgresql://coach:a@b:hush@db:5432/laps", "percent-encode @"),
        ("DATABASE__SYNCHRONOUS_COMMIT", "off", "'on'"),
        ("MQTT__PORT", "mqtt", "valid integer"),
        ("MQTT__PORT", "70000", "65535"),
        ("MQTT__HOST", "", "at least 1 character"),
        ("MQTT__TOPIC_PREFIX", "racing/#", "must be the beginning of a topic"),
        ("MQTT__TOPIC_PREFIX", "racing/", "must be the beginning of a topic"),
        ("MQTT__HOTS", "broker", "is not a setting; did you mean RACING_COACH_MQTT__HOST?"),
        ("MQTT__TLS__CA_FILE", "/nowhere/ca.pem", "not point to a file"),
        ("INSTANCE", "two words", "must be 1 to 64 letters, digits"),
        ("HEALTH__INTERVAL_S", "0", "greater than or equal to 0.1"),
        ("HEALTH__INTERVAL_S", "inf", "3600"),
        ("DELIVERY__CONCURRENCY", "0", "greater than or equal to 1"),
        ("DELIVERY__SHARED_GROUP", "a/b", "must be 1 to 64 letters, digits"),
        ("LIMITS__FRAME", "5", "did you mean RACING_COACH_LIMITS__FRAMES?"),
        ("LOG__LEVEL", "LOUD", "'DEBUG'"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """One error that names the variable and what it should be, and shows no secret."""
    monkeypatch.setenv(f"RACING_COACH_{name}", value)

    with pytest.raises(ConfigurationError) as raised:
        load_settings()

    assert str(raised.value).startswith(f"RACING_COACH_{name}: ")
    assert words in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_section_that_is_no_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """RACING_COACH_MQTT=broker: the section is named, and how its values are set."""
    monkeypatch.setenv("RACING_COACH_MQTT", "broker")

    with pytest.raises(ConfigurationError, match=r"^RACING_COACH_MQTT: .*RACING_COACH_MQTT__HOST"):
        load_settings()


def test_a_certificate_that_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A CA file without a certificate is a setting that cannot work, not a broker to wait for."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("no certificate")
    monkeypatch.setenv("RACING_COACH_MQTT__TLS__CA_FILE", str(ca_file))

    with pytest.raises(ConfigurationError, match=r"RACING_COACH_MQTT__TLS: .*cannot be used"):
        load_settings()


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to start five times to hear of five mistakes."""
    monkeypatch.setenv("RACING_COACH_MQTT__PORT", "x")
    monkeypatch.setenv("RACING_COACH_LOG__LEVEL", "x")

    with pytest.raises(ConfigurationError, match=r"RACING_COACH_MQTT__PORT: .*; RACING_COACH_LOG__LEVEL: "):
        load_settings()


def test_the_daemon_says_so_and_ends_for_good() -> None:
    """`serve` with a wrong setting: one line, no traceback, EX_CONFIG, at which systemd does not start again."""
    result = subprocess.run(
        [Path(sys.executable).with_name("racing-coach"), "serve"],
        env={
            **os.environ,
            "RACING_COACH_MQTT__PORT": "mqtt",
            "RACING_COACH_DATABASE__URL": "postgresql://db/x?[/no]=1",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert result.returncode == 78
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: RACING_COACH_DATABASE__URL: ")
    assert "[/no]" in line
    assert "RACING_COACH_MQTT__PORT: " in line
