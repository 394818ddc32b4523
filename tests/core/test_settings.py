"""The way to the broker: what cannot work is refused at the start, in words."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from racing_coach_core.setting_sources import EnvironmentSettings
from racing_coach_core.settings import MqttSettings, TlsSettings


class _Settings(EnvironmentSettings):
    mqtt: MqttSettings = MqttSettings()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory without a .env, and an environment without a setting."""
    for name in list(os.environ):
        if name.startswith("RACING_COACH_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("prefix", ["racing-coach/v1", "home", "a/b/c"])
def test_a_prefix_is_the_beginning_of_a_topic(prefix: str) -> None:
    """Every topic is made below it."""
    topics = MqttSettings(topic_prefix=prefix).topics
    assert topics.laps.build(rig="a", car="b") == f"{prefix}/rigs/a/cars/b/laps"


@pytest.mark.parametrize("prefix", ["", "/", "/a", "a/", "+", "a/#", "a/+/b", "$SYS", "a\0b"])
def test_what_is_no_prefix(prefix: str) -> None:
    """Wildcards, slashes at the ends and the broker's own topics."""
    with pytest.raises(ValidationError, match="must be the beginning of a topic"):
        MqttSettings(topic_prefix=prefix)


@pytest.mark.parametrize(
    "fields", [{"port": 0}, {"port": 70_000}, {"host": ""}, {"keepalive_s": 4}, {"timeout_s": 0}, {"hsot": "typo"}]
)
def test_what_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    """Out of range, or a name that is no setting."""
    with pytest.raises(ValidationError):
        MqttSettings.model_validate(fields)


def test_tls_files_are_looked_at_at_the_start(elsewhere: Path) -> None:
    """A file that is not there, or holds no certificate, is told when the settings are read."""
    with pytest.raises(ValidationError, match="ca_file"):
        TlsSettings.model_validate({"ca_file": elsewhere / "missing.crt"})
    empty = elsewhere / "empty.crt"
    empty.write_text("no certificate")
    with pytest.raises(ValidationError, match="the files cannot be used"):
        TlsSettings.model_validate({"ca_file": empty})


def test_settings_come_from_the_environment_then_env_then_credentials(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each source gives what the one before leaves open; passwords do not show."""
    (elsewhere / ".env").write_text("RACING_COACH_MQTT__HOST=from-env-file\nRACING_COACH_MQTT__PORT=2000\n")
    credentials = elsewhere / "credentials"
    credentials.mkdir()
    (credentials / "RACING_COACH_MQTT__PASSWORD").write_text("secret\n")
    (credentials / "RACING_COACH_MQTT__PORT").write_text("3000")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("RACING_COACH_MQTT__HOST", "from-environment")
    settings = _Settings().mqtt
    assert (settings.host, settings.port) == ("from-environment", 2000)
    assert settings.password is not None
    assert settings.password.get_secret_value() == "secret"
    assert "secret" not in repr(settings)
