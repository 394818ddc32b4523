"""The daemon's own exceptions; each feature has its leaves in its folder."""

from typing import Final

from racing_coach_core.exceptions import Fault, RacingCoachError

EXIT_CONFIGURATION: Final = 78
"""EX_CONFIG of sysexits.h: starting again does not help; the systemd unit does not try."""


class ServerError(RacingCoachError):
    """Base of what the daemon raises.

    ServerError
    ├── ConfigurationError       a setting that cannot work
    ├── MigrationError           the schema cannot be brought to this version
    ├── ClientIdInUseError       another daemon runs with our client id
    ├── CommandError             a command of the command line could not do its work
    ├── DeadlyMessageError       (messaging.readings) the daemon died of this message
    ├── TelemetryError           (telemetry.exceptions)
    └── HealthError              (health.exceptions)
    """


class ConfigurationError(ServerError):
    """A setting that cannot work; the message names it."""

    fault = Fault.SENDER
    exit_code = EXIT_CONFIGURATION


class CommandError(ServerError):
    """A command of the command line could not do its work; the message says what to do."""


class MigrationError(ServerError):
    """The database's schema cannot be brought to what this version needs."""


class ClientIdInUseError(ServerError):
    """Another daemon is alive with the same client id: starting would be a war over the session."""

    fault = Fault.WORLD

    def __init__(self, client_id: str, instance: str) -> None:
        super().__init__(
            f"another daemon (instance {instance!r}) is running with the client id {client_id!r}; "
            "stop it, or give this one its own RACING_COACH_INSTANCE and RACING_COACH_MQTT__CLIENT_ID"
        )
        self.client_id = client_id
        self.instance = instance
