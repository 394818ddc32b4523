"""Settings of the rig: environment, `.env`, `rig.env` where the system keeps settings; the broker's are shared."""

import socket
from pathlib import Path
from typing import Annotated

from platformdirs import user_config_path, user_data_path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.exceptions import SettingsError
from racing_coach_core.reading_settings import read_settings
from racing_coach_core.setting_sources import EnvironmentSettings
from racing_coach_core.settings import MqttSettings
from racing_coach_core.topics import is_segment, to_segment
from racing_coach_rig.exceptions import RigConfigurationError

MAX_DRIVER = 64
"""Characters; the driver's name is the id too."""
NAME_IS_USER = "with our access list a rig's user is its name: set RACING_COACH_RIG to the user's name"


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
        watch: the folder in which laps appear, for `run` unless it is told another.
    """

    program = "racing-coach-rig"

    rig: Annotated[str, AfterValidator(_rig_name)] = Field(default_factory=lambda: to_segment(socket.gethostname()))
    driver: Annotated[Annotated[str, Field(max_length=MAX_DRIVER)] | None, BeforeValidator(_name_or_none)] = None
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = Field(default_factory=OutboxSettings)
    sending: SendingSettings = SendingSettings()
    watch: Path | None = Field(default=None, description="the folder in which laps appear, for `run`")

    @classmethod
    def own_file(cls) -> Path:
        """The rig's own file, where its system keeps settings; on Linux the service's unit names it too."""
        return user_config_path("racing-coach", appauthor=False) / "rig.env"

    @property
    def two_names(self) -> str | None:
        """That rig and user have different names, in words; None if they have not."""
        user = self.mqtt.username
        return f"the rig is {self.rig!r}, its user at the broker {user!r}" if user and user != self.rig else None

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
        return read_settings(RigSettings)
    except SettingsError as error:
        raise RigConfigurationError(str(error)) from error
