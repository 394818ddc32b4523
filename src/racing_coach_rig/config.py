"""Settings of the rig: environment and `.env`; the broker's are the daemon's too."""

import socket
from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
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

MAX_DRIVER = 64
"""Characters; the driver's name is the id too."""


def _rig_name(value: str) -> str:
    if not is_segment(value):
        raise ValueError("must be 1 to 64 letters, digits, '_', '.' or '-'")
    return value


def _name_or_none(value: object) -> object:
    """An empty variable says nothing."""
    return (value.strip() or None) if isinstance(value, str) else value


class OutboxSettings(BaseModel):
    """Where laps wait until they are answered.

    Attributes:
        path: the SQLite file; its folder is made if need be.
        max_bytes: of all payloads on disk. When a lap would make it more, the lap is refused.
        keep_days: how long a stored lap's payload is kept; 0 deletes it with the answer.
    """

    model_config = ConfigDict(extra="forbid")

    path: Path = Field(default_factory=lambda: user_data_path("racing-coach") / "outbox.sqlite3")
    max_bytes: int = Field(
        default=4 * 2**30, ge=2**20, description="bytes of laps on disk; above, new ones are refused"
    )
    keep_days: float = Field(default=0.0, ge=0, description="keep stored laps so long; 0 deletes them at once")


class SendingSettings(BaseModel):
    """How laps are sent and sent again.

    Attributes:
        encoding: of the laps that this rig writes.
        window: laps that were sent and are not answered yet, at most.
        answer_timeout_s: s without an answer after which a lap is sent again; twice as long after each time.
        answer_timeout_cap_s: s; the longest of these waits.
        long_backlog: laps. When so many wait, those of the newest session are sent first.
    """

    model_config = ConfigDict(extra="forbid")

    encoding: Encoding = Encoding.ARROW
    window: int = Field(default=4, ge=1, le=64, description="laps sent and not yet answered")
    answer_timeout_s: float = Field(default=30.0, gt=0, description="then a lap is sent again, later each time")
    answer_timeout_cap_s: float = Field(default=600.0, gt=0, description="the longest wait for an answer")
    long_backlog: int = Field(
        default=20, ge=1, description="from so many waiting laps on the newest session goes first"
    )


class RigSettings(EnvironmentSettings):
    """Everything the rig can be told.

    Attributes:
        rig: its name in topics, letters, digits, `_`, `.` and `-`; the host's unless set.
        driver: who drives on this rig, up to 64 characters; counts more than what a source says. None for that.
        mqtt: the way to the broker.
        outbox: where laps wait.
        sending: how they are sent.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__", env_file=".env", extra="ignore")

    rig: Annotated[str, AfterValidator(_rig_name)] = Field(default_factory=lambda: to_segment(socket.gethostname()))
    driver: Annotated[Annotated[str, Field(max_length=MAX_DRIVER)] | None, BeforeValidator(_name_or_none)] = None
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = Field(default_factory=OutboxSettings)
    sending: SendingSettings = SendingSettings()

    @property
    def client_id(self) -> str:
        """The fixed MQTT client id; on our broker's listener for rigs the user name counts in its place."""
        return self.mqtt.client_id or self.mqtt.unguessable(f"racing-coach-rig-{self.rig}")


def load_settings() -> RigSettings:
    """Read the settings.

    Raises:
        RigConfigurationError: names every variable that cannot work.
    """
    try:
        return RigSettings()
    except UNREADABLE_SETTINGS as error:
        raise RigConfigurationError(settings_error_in_words(error)) from error
