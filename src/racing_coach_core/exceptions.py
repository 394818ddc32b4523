"""The root of every exception of the project, and what is common to rig and daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final

_SHOWN: Final = 200


def shortened(text: str) -> str:
    """What a message quotes of a text; a sender may have written 60,000 letters where a name belongs."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class Fault(StrEnum):
    """Whose fault a failure is, which decides what is done about it.

    SENDER: the message is wrong and will stay wrong: answer `rejected`.
    WORLD: a broker or database is in trouble: try again later.
    BUG: the program is wrong: a few tries, then keep the evidence.
    """

    SENDER = "sender"
    WORLD = "world"
    BUG = "bug"


class RacingCoachError(Exception):
    """Root of the project's exceptions.

    RacingCoachError
    ├── InvalidTopicError             a topic or a segment of one that the wire contract does not know
    ├── PayloadError                  a lap payload that cannot be accepted
    │   ├── PayloadTooLargeError      over a limit, on the wire, decoded, or in frames
    │   ├── UnknownEncodingError      neither JSON nor an Arrow stream
    │   ├── ContentTypeError          the content type says something else than the bytes
    │   ├── MalformedPayloadError     broken compression, JSON or Arrow
    │   └── InvalidLapError           decoded, but not a lap: names field, frame and value
    ├── SettingsError                 settings that cannot work; names each variable
    │   └── UnreadableSettingsError   a file of settings that cannot be read
    ├── MissingExtraError             a command whose extra is not installed
    ├── BrokerError                   (racing_coach_core.mqtt.exceptions) the broker or the way to it
    ├── RigError                      (racing_coach_rig.exceptions)
    └── ServerError                   (racing_coach_server.exceptions)

    Attributes:
        fault: whose it is.
        exit_code: of a command that it ends.
    """

    fault: ClassVar[Fault] = Fault.BUG
    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One thing that is wrong with a message: where, and what."""

    loc: tuple[str | int, ...]
    msg: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.loc))}: {self.msg}" if self.loc else self.msg


class SettingsError(RacingCoachError):
    """Settings that cannot work; the message names each variable, and what to do."""

    fault = Fault.SENDER


class UnreadableSettingsError(SettingsError):
    """A file of settings that cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the settings in {path}: {reason}")
        self.path = path
        self.reason = reason


class MissingExtraError(RacingCoachError):
    """A command whose extra is not installed.

    Attributes:
        command: as it is typed.
        extra: what to install.
        module: what was not found.
    """

    fault = Fault.SENDER

    def __init__(self, command: str, extra: str, module: str) -> None:
        super().__init__(
            f"`{command}` needs what racing-coach[{extra}] installs ({module} is not there);"
            f" from a checkout: uv tool install '.[{extra}]', or pip install in the place where it is"
        )
        self.command = command
        self.extra = extra
        self.module = module


class InvalidTopicError(RacingCoachError):
    """A topic that does not fit its template."""

    fault = Fault.SENDER

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"topic {shortened(topic)!r}: {reason}")
        self.topic = topic
        self.reason = reason


class PayloadError(RacingCoachError):
    """A lap payload that cannot be accepted."""

    fault = Fault.SENDER

    def __init__(self, message: str, errors: Sequence[ErrorDetail] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class PayloadTooLargeError(PayloadError):
    """Over one of the configured limits."""

    def __init__(self, what: str, size: int | None, limit: int) -> None:
        found = f"{size:,}" if size is not None else "more"
        super().__init__(f"too large: {what} may be at most {limit:,}, found {found}")
        self.what = what
        self.size = size
        self.limit = limit


class UnknownEncodingError(PayloadError):
    """The first bytes are neither JSON's nor an Arrow stream's."""


class ContentTypeError(PayloadError):
    """The MQTT content type contradicts the bytes."""

    def __init__(self, content_type: str, found: str) -> None:
        super().__init__(f"the content type says {content_type!r}, the payload is {found}")
        self.content_type = content_type
        self.found = found


class MalformedPayloadError(PayloadError):
    """Compression, JSON or Arrow that cannot be read."""


class InvalidLapError(PayloadError):
    """A payload that decodes but is not a lap."""

    def __init__(self, errors: Sequence[ErrorDetail]) -> None:
        shown = "; ".join(map(str, errors[:3]))
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""  # noqa: PLR2004
        super().__init__(f"not a valid lap: {shown}{more}", errors)
