"""What can be wrong with a lap beyond its own payload."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from racing_coach_core.exceptions import ErrorDetail, Fault
from racing_coach_server.exceptions import ServerError


class TelemetryError(ServerError):
    """Base of the telemetry feature.

    TelemetryError
    ├── CarMismatchError        the topic names another car than the payload
    ├── SessionConflictError    a known session comes with another track or car
    ├── SessionVanishedError    a session is deleted while a lap of it is stored
    ├── LapConflictError        a known lap comes with other content
    ├── DecoderBugError         the decoder failed in a way it should not
    ├── InvalidLapIdError       what is to name a lap is no id, and no first part of one
    ├── UnknownNameError        no lap is of a track, car or driver of that name
    ├── AmbiguousNameError      several tracks, cars or drivers may be meant
    ├── InvalidCursorError      where a list is to go on is no place in it
    ├── StoredLapUnreadableError  the stored frames of a lap are not what they should be
    └── RowsDifferError         a lap's rows are not the lap that was stored
    """

    fault = Fault.SENDER

    def __init__(self, message: str, loc: tuple[str | int, ...] | None = None) -> None:
        super().__init__(message)
        self.errors = () if loc is None else (ErrorDetail(loc, message),)


class CarMismatchError(TelemetryError):
    """The topic's `{car}` is not the payload's car."""

    def __init__(self, topic_car: str, payload_car: str) -> None:
        super().__init__(
            f"the topic is of car {topic_car!r}, the payload of car {payload_car!r}", ("session", "car_id")
        )
        self.topic_car = topic_car
        self.payload_car = payload_car


class SessionConflictError(TelemetryError):
    """A session_id that is stored with another track, car or rig."""

    def __init__(self, session_id: UUID, field: str, stored: str, sent: str) -> None:
        super().__init__(
            f"session {session_id} is stored with {field} {stored!r}, this lap says {sent!r}; "
            "a new drive needs a new session_id",
            ("session", field),
        )
        self.session_id = session_id
        self.field = field
        self.stored = stored
        self.sent = sent


class SessionVanishedError(TelemetryError):
    """A session is deleted, with its last lap, while another lap of it is stored: the next try makes it anew."""

    fault = Fault.WORLD

    def __init__(self, session_id: UUID) -> None:
        super().__init__(f"session {session_id} was deleted just now")
        self.session_id = session_id


class LapConflictError(TelemetryError):
    """A lap that is stored with other content, or under another identity."""

    def __init__(self, lap_id: UUID, stored_lap_id: UUID, session_id: UUID, lap_number: int) -> None:
        super().__init__(
            f"lap {lap_number} of session {session_id} (lap_id {lap_id}) is not what is stored "
            f"as lap_id {stored_lap_id}",
            ("lap_id",),
        )
        self.lap_id = lap_id
        self.stored_lap_id = stored_lap_id
        self.session_id = session_id
        self.lap_number = lap_number


class DecoderBugError(TelemetryError):
    """The decoder raised what it should not. Ours, and told apart from an operating system's OSError."""

    fault = Fault.BUG

    def __init__(self, reason: str) -> None:
        super().__init__(f"the decoder failed: {reason}")
        self.reason = reason


class InvalidLapIdError(TelemetryError):
    """What is to name a lap is no id, and no first part of one."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no lap_id: give it whole, or its first part, at least 6 hexadecimal digits")
        self.text = text


_NAMED: Final = 10
"""Most tracks, cars or drivers that an error names."""


def _names(found: Mapping[str, str]) -> str:
    named = [f"{key} ({name})" if name != key else key for key, name in sorted(found.items())[:_NAMED]]
    return ", ".join(named) + (", ..." if len(found) > _NAMED else "")


class UnknownNameError(TelemetryError):
    """No lap is of a track, car or driver of that name."""

    def __init__(self, kind: str, text: str, known: Mapping[str, str]) -> None:
        super().__init__(f"no lap is of a {kind} {text!r}; there are {_names(known) or 'no laps'}")
        self.kind = kind
        self.text = text


class AmbiguousNameError(TelemetryError):
    """Several tracks, cars or drivers may be meant."""

    def __init__(self, kind: str, text: str, found: Mapping[str, str]) -> None:
        super().__init__(f"{kind} {text!r} may be one of {_names(found)}: give more of its name, or its id")
        self.kind = kind
        self.text = text
        self.found = found


class InvalidCursorError(TelemetryError):
    """Where a list is to go on is no place in it: no cursor, or one of a list in another order."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is no place in this list: a cursor is good for the search that it came from")
        self.cursor = cursor


class StoredLapUnreadableError(TelemetryError):
    """The stored frames of a lap are not what a lap's frames are: somebody else than the daemon changed them."""

    fault = Fault.WORLD

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stored frames cannot be read: {reason}")
        self.reason = reason


class RowsDifferError(TelemetryError):
    """A lap that is stored as rows is not, or does not become, what came from the rig, by its content hash."""

    fault = Fault.WORLD

    def __init__(self, lap_id: UUID, reason: str) -> None:
        super().__init__(f"lap {lap_id}: {reason}")
        self.lap_id = lap_id
        self.reason = reason
