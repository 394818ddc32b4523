"""A lap in the outbox, without its payload."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from racing_coach_core.messages import LapUploadResponse


class State(StrEnum):
    """Where a lap stands: it waits for an answer, was answered as stored, or is set aside."""

    WAITING = "waiting"
    STORED = "stored"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Entry:
    """A lap in the outbox, without its payload.

    Attributes:
        seq: the order in which laps were put on disk; a lap keeps it until it is forgotten.
        lap_id, session_id, lap_number, car_id: the lap's own.
        title: track, car and lap number, for people.
        content_type: MQTT content type of the payload.
        payload_bytes: what the payload takes on disk; 0 once a stored lap's payload is deleted.
        payload_sha256: SHA-256 of the payload in hex, by which its answer is recognised.
        state: where it stands.
        spooled_at: Unix time in s at which it was put on disk.
        sent: how many times it was published.
        due_at: Unix time in s before which it is not published again; 0 for at once.
        trouble: why it was not taken or can never be, in words; None as far as nothing is known to be wrong.
        answer: the daemon's last answer, None while there is none.
    """

    seq: int
    lap_id: UUID
    session_id: UUID
    lap_number: int
    car_id: str
    title: str
    content_type: str
    payload_bytes: int
    payload_sha256: str
    state: State
    spooled_at: float
    sent: int
    due_at: float
    trouble: str | None
    answer: LapUploadResponse | None


COLUMNS: Final = ", ".join(Entry.__slots__)
"""The columns of the table `laps` that make an entry, in the order of its fields."""


def entry_of(row: tuple[object, ...]) -> Entry:
    """An entry of the values of `COLUMNS`."""
    values = dict(zip(Entry.__slots__, row, strict=True))
    answer = values["answer"]
    return Entry(
        **{
            **values,
            "lap_id": UUID(str(values["lap_id"])),
            "session_id": UUID(str(values["session_id"])),
            "state": State(str(values["state"])),
            "answer": None if answer is None else LapUploadResponse.model_validate_json(str(answer)),
        }  # type: ignore[arg-type]  # the columns are in the order of the fields
    )
