"""What can go wrong on a rig."""

from pathlib import Path

from racing_coach_core.exceptions import Fault, RacingCoachError


class RigError(RacingCoachError):
    """Base of the rig's exceptions.

    RigError
    ├── SourceError             a file that holds no lap the rig can publish
    │   ├── FileAccessError     the system does not let the rig read it now
    │   └── UnlabelledError     nobody says of which track or car its laps are
    ├── LiveUnavailableError    live telemetry asked for where the simulator cannot run
    ├── RigConfigurationError   a setting that cannot work
    └── OutboxError             the laps on disk cannot be read or written
        ├── OutboxFullError     no room for another lap
        └── OutboxDamagedError  it was damaged, and is set aside; there is a new one
    """


class SourceError(RigError):
    """A file that holds no lap the rig can publish.

    Attributes:
        path: the file.
        reason: what is wrong with it and, where something can be done, what to do.
    """

    fault = Fault.SENDER

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class FileAccessError(SourceError):
    """The system does not let the rig read a file now; it may later, though the file stays the same."""

    fault = Fault.WORLD

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(path, f"cannot be read: {error.strerror or error}")


class UnlabelledError(SourceError):
    """Nobody says of which track or car a file's laps are, and nobody can be asked.

    Attributes:
        unknown: `track`, `car` or both.
    """

    def __init__(self, path: Path, unknown: list[str]) -> None:
        options = " and ".join(f"--{what}" for what in unknown)
        super().__init__(
            path,
            f"does not say of which {' and '.join(unknown)} its laps are: give {options}, or send them as 'unknown'"
            " with --unknown-ok",
        )
        self.unknown = unknown


class LiveUnavailableError(RigError):
    """Live telemetry asked for where the simulator cannot run.

    Attributes:
        system: the operating system, as `platform.system()` names it.
    """

    fault = Fault.SENDER

    def __init__(self, system: str) -> None:
        super().__init__(
            f"live telemetry needs iRacing, which runs on Windows; this is {system}."
            " Publish the .ibt files that iRacing records instead: racing-coach-rig publish FILE"
        )
        self.system = system


class RigConfigurationError(RigError):
    """A setting that cannot work; the message names the variable."""

    fault = Fault.SENDER


class OutboxError(RigError):
    """The laps on disk cannot be read or written.

    Attributes:
        path: the outbox's file.
        reason: what is wrong.
    """

    fault = Fault.WORLD

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"outbox {path}: {reason}")
        self.path = path
        self.reason = reason


class OutboxFullError(OutboxError):
    """No room for another lap: the ones that wait are kept, the new one is refused.

    Attributes:
        used: bytes of laps on disk.
        limit: most bytes, `RACING_COACH_OUTBOX__MAX_BYTES`.
    """

    def __init__(self, path: Path, used: int, limit: int) -> None:
        super().__init__(
            path,
            f"full: {used:,} of {limit:,} bytes hold laps that are not stored yet. THIS LAP WAS NOT KEPT."
            " Bring the broker and the daemon back, look at `racing-coach-rig status`,"
            " or raise RACING_COACH_OUTBOX__MAX_BYTES",
        )
        self.used = used
        self.limit = limit


class OutboxDamagedError(OutboxError):
    """The file was damaged. It is set aside, and a new one was begun: what is tried again succeeds.

    Attributes:
        kept_as: the damaged file. The laps in it are not sent.
    """

    def __init__(self, path: Path, reason: str, kept_as: Path) -> None:
        super().__init__(path, f"was damaged ({reason}); THE LAPS IN IT ARE NOT SENT, it is kept as {kept_as}")
        self.kept_as = kept_as
