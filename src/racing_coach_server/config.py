"""Settings of the daemon: environment, `.env`, `/etc/racing-coach/racing-coach.env`, systemd's credentials."""

import hashlib
import os
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import SettingsError
from racing_coach_core.mqtt.budget import ReceiveBudget
from racing_coach_core.reading_settings import read_settings
from racing_coach_core.setting_sources import EnvironmentSettings
from racing_coach_core.settings import MqttSettings
from racing_coach_core.topics import is_segment, to_segment
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.exceptions import ConfigurationError
from racing_coach_server.web_settings import WebSettings

VERSION: Final = version("racing-coach")


def etc() -> Path:
    """The folder of the daemon's settings, `/etc/racing-coach` unless `RACING_COACH_ETC` names another."""
    return Path(os.environ.get("RACING_COACH_ETC") or "/etc/racing-coach")


def _segment(value: str) -> str:
    if not is_segment(value):
        raise ValueError("must be 1 to 64 letters, digits, '_', '.' or '-'")
    return value


def _state_directory() -> Path | None:
    """The first of those that systemd made for the service."""
    first = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(first) if first else None


class RejectedQuota(BaseModel):
    """Bounds of what is kept of rejected messages."""

    model_config = ConfigDict(extra="forbid")

    rows_per_rig: int = Field(default=1_000, ge=1, description="above, messages are only counted")
    bytes_per_rig: int = Field(
        default=256 * 2**20, ge=0, description="of payloads; above, only hash and reason are kept"
    )
    rows: int = Field(default=20_000, ge=1, description="of all rigs together")
    bytes: int = Field(default=4 * 2**30, ge=0, description="of payloads, of all rigs together")
    keep_days: int = Field(default=90, ge=1, description="since it came last; then it is deleted")


class DeliverySettings(BaseModel):
    """How laps are taken and retried."""

    model_config = ConfigDict(extra="forbid")

    concurrency: int = Field(
        default=6, ge=1, le=64, description="laps handled at once; four times as many are asked for"
    )
    budget: ReceiveBudget = ReceiveBudget()
    bug_tries: int = Field(default=3, ge=1, le=20, description="tries before a lap that we fail on is set aside")
    poison_tries: int = Field(
        default=10, ge=2, description="times a lap may lose its database connection before it is set aside"
    )
    waste_s: float = Field(
        default=2.0,
        gt=0,
        description="work on rejected and repeated laps that a rig may ask for in a row",
    )
    retry_first_s: float = Field(default=0.2, gt=0, description="pause before the second try, about; it doubles")
    retry_cap_s: float = Field(default=15.0, gt=0, description="longest pause between two tries")
    stop_grace_s: float = Field(default=20.0, gt=0, description="on SIGTERM, wait so long for laps in flight")
    state_folder: Path | None = Field(
        default_factory=_state_directory,
        description="where it is written which laps are being read: one that ends the daemon three times is set aside."
        " systemd's StateDirectory; if there is none, such a lap is tried at every start",
    )
    rejected: RejectedQuota = RejectedQuota()
    shared_group: Annotated[str, AfterValidator(_segment)] | None = Field(
        default=None, description="subscribe as $share/<group>/...: several daemons behind a broker cluster"
    )


class FollowerSettings(BaseModel):
    """What is done after laps are stored."""

    model_config = ConfigDict(extra="forbid")

    connections: int = Field(default=2, ge=1, le=16, description="to the database; as many followers work at once")
    catch_up_s: float = Field(default=60.0, gt=0, description="ask the database so often what was missed")
    batch: int = Field(default=100, ge=1, le=10_000, description="most events that are read from the database at once")
    memory: int = Field(default=1_000, ge=1, description="most events that wait in memory for each follower")
    tries: int = Field(default=10, ge=2, description="times an event may lose its connection before it has failed")
    retry_first_s: float = Field(default=0.2, gt=0, description="pause before the second try, about; it doubles")
    retry_cap_s: float = Field(default=15.0, gt=0, description="longest pause between two tries")
    stop_grace_s: float = Field(default=3.0, gt=0, description="on SIGTERM, wait so long for what is in hand")


def _language(value: str) -> str:
    from racing_coach_analysis.words import LANGUAGES  # noqa: PLC0415 (numpy, for whoever sets a language)

    if value not in LANGUAGES:
        raise ValueError(f"must be one of {', '.join(LANGUAGES)}")
    return value


class CoachingSettings(BaseModel):
    """The coach."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(
        default=True, description="analyse, compare and coach what is stored; laps are stored either way"
    )
    language: Annotated[str, AfterValidator(_language)] = Field(default="en", description="of what the coach says")


class RetentionSettings(BaseModel):
    """How long laps are kept."""

    model_config = ConfigDict(extra="forbid")

    keep_days: int | None = Field(
        default=None, ge=1, description="laps received longer ago are deleted; for ever if not set"
    )
    interval_s: float = Field(default=3600.0, gt=0, description="between two looks for such laps")


class HealthSettings(BaseModel):
    """Heartbeats."""

    model_config = ConfigDict(extra="forbid")

    interval_s: float = Field(default=10.0, ge=0.1, le=3600, description="between two heartbeats")
    database_timeout_s: float = Field(default=5.0, gt=0, description="wait so long for the database's word")


class DoctorSettings(BaseModel):
    """A rig's password, with which `racing-coach doctor` tries what it opens; the daemon has no use for it."""

    model_config = ConfigDict(extra="forbid")

    rig_username: str | None = Field(default=None, description="the rig's user at the broker")
    rig_password: SecretStr | None = Field(default=None, description="its password")
    rig_host: str | None = Field(default=None, description="where rigs reach the broker; the daemon's if not set")
    rig_port: int = Field(default=1883, ge=1, le=65535, description="the port there")


class BackupSettings(BaseModel):
    """Backups."""

    model_config = ConfigDict(extra="forbid")

    programs: Path | None = Field(
        default=None, description="the folder of pg_dump and pg_restore, where the PATH does not have the right ones"
    )


class LogSettings(BaseModel):
    """Logging."""

    model_config = ConfigDict(extra="forbid")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: readable on a terminal, JSON elsewhere"
    )


class Settings(EnvironmentSettings):
    """Everything the daemon can be told."""

    program = "racing-coach"

    instance: Annotated[str, AfterValidator(_segment)] = Field(
        default_factory=lambda: to_segment(socket.gethostname()),
        description="this daemon's name in health topics and in its client id; the host's if not set",
    )
    cell: Annotated[str, AfterValidator(_segment)] | None = Field(
        default=None, description="the same for all daemons of one broker, another for each broker of one database"
    )
    database: DatabaseSettings = DatabaseSettings()
    mqtt: MqttSettings = MqttSettings()
    delivery: DeliverySettings = DeliverySettings()
    followers: FollowerSettings = FollowerSettings()
    retention: RetentionSettings = RetentionSettings()
    health: HealthSettings = HealthSettings()
    limits: PayloadLimits = PayloadLimits()
    coaching: CoachingSettings = CoachingSettings()
    log: LogSettings = LogSettings()
    doctor: DoctorSettings = DoctorSettings()
    web: WebSettings = WebSettings()
    backup: BackupSettings = BackupSettings()

    @classmethod
    def own_file(cls) -> Path:
        """The file that the service's unit names too."""
        return etc() / "racing-coach.env"

    @property
    def client_id(self) -> str:
        """The fixed MQTT client id. Whoever connects with it has our queue, so it is told to nobody."""
        return self.mqtt.client_id or self.mqtt.unguessable(f"racing-coach-{self.instance}")

    @property
    def cell_name(self) -> str:
        """Whose rigs this daemon reaches. Without a name of its own, what says which daemons share a broker."""
        return self.cell or self.delivery.shared_group or self.instance

    @property
    def state_folder(self) -> Path | None:
        """What is written down between starts, of this daemon alone; None if nothing is."""
        folder = self.delivery.state_folder
        return None if folder is None else folder / self.instance

    @property
    def shared_group(self) -> str | None:
        """The shared group's name at the broker. A rig that knew it could join, and laps would go to it: mosquitto
        lets everybody join, and only then sees that a rig may not read laps.
        """
        group = self.delivery.shared_group
        return None if group is None else self.mqtt.unguessable(group)

    @property
    def public_client_name(self) -> str:
        """What daemons with the same client id know each other by; it does not give the id away."""
        return f"sha256:{hashlib.sha256(self.client_id.encode()).hexdigest()[:32]}"


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: names every variable that cannot work.
    """
    try:
        settings = read_settings(Settings)
    except SettingsError as error:
        raise ConfigurationError(str(error)) from error
    _refuse_without_the_services_secrets(settings)
    return settings


def _refuse_without_the_services_secrets(settings: Settings) -> None:
    """Where systemd hands over the secrets, a command without them would look at another database, by default."""
    credentials = etc() / "credentials"
    if "url" in settings.database.model_fields_set or "CREDENTIALS_DIRECTORY" in os.environ or not credentials.is_dir():
        return
    raise ConfigurationError(
        f"RACING_COACH_DATABASE__URL: is not set; the service's secrets are in {credentials}: call the command with"
        " them, `sudo racing-coach ...` as systemd/README.md installs it (systemd/racing-coach-command)"
    )
