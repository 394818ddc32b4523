"""Settings of the rig: environment and `.env`; the broker's are the daemon's too."""

import socket
from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from racing_coach_core.codecs.decode import Encoding
from racing_coach_core.settings import (
    ENV_PREFIX,
    UNREADABLE_SETTINGS,
    EnvironmentSettings,
    MqttSettings,
    settings_error_in_words,
)
from racing_coach_core.topics import is_segment, to_segment
from racing_coach_rig.exceptions import RigConfigurationError


def _rig_name(value: str) -> str:
    if not is_segment(value):
        raise ValueError("must be 1 to 64 letters, digits, '_', '.' or '-'")
    return value


class OutboxSettings(BaseModel):
    """Where laps wait until they are answered."""

    model_config = ConfigDict(extra="forbid")

    path: Path = Field(default_factory=lambda: user_data_path("racing-coach") / "outbox.sqlite3")
    max_bytes: int = Field(default=4 * 2**30, ge=2**20, description="laps on disk; above, new ones are refused")
    keep_days: float = Field(default=0.0, ge=0, description="keep stored laps so long; 0 deletes them at once")


class SendingSettings(BaseModel):
    """How laps are sent and sent again."""

    model_config = ConfigDict(extra="forbid")

    encoding: Encoding = Encoding.ARROW
    window: int = Field(default=4, ge=1, le=64, description="laps sent and not yet answered")
    answer_timeout_s: float = Field(default=30.0, gt=0, description="then a lap is sent again, later each time")
    answer_timeout_cap_s: float = Field(default=600.0, gt=0)
    long_backlog: int = Field(
        default=20, ge=1, description="from so many waiting laps on the newest session goes first"
    )


class RigSettings(EnvironmentSettings):
    """Everything the rig can be told."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__", env_file=".env", extra="ignore")

    rig: Annotated[str, AfterValidator(_rig_name)] = Field(default_factory=lambda: to_segment(socket.gethostname()))
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = Field(default_factory=OutboxSettings)
    sending: SendingSettings = SendingSettings()

    @property
    def client_id(self) -> str:
        """The fixed MQTT client id."""
        return self.mqtt.client_id or f"racing-coach-rig-{self.rig}"


def load_settings() -> RigSettings:
    """Read the settings.

    Raises:
        RigConfigurationError: names every variable that cannot work.
    """
    try:
        return RigSettings()
    except UNREADABLE_SETTINGS as error:
        raise RigConfigurationError(settings_error_in_words(error)) from error
