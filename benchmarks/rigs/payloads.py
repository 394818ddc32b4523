"""Encoded laps, as those that publish them need them: without the libraries that made them, so as to start at once."""

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class EncodedLap:
    """A lap on the wire, in two parts: everything that names it is in the head.

    Part of a process's memory once, however many rigs send it.
    """

    head: bytes
    tail: memoryview
    session_id: str
    lap_id: str

    def of(self, session_id: uuid.UUID, lap_id: uuid.UUID | None = None) -> tuple[bytes, memoryview]:
        """The same lap, driven in another session."""
        head = self.head.replace(self.session_id.encode(), str(session_id).encode())
        return head.replace(self.lap_id.encode(), str(lap_id or uuid.uuid4()).encode()), self.tail

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)


@dataclass(frozen=True)
class Payloads:
    """Encoded laps as files, for the processes that publish them."""

    directory: Path
    car: str
    session_id: str
    lap_ids: tuple[str, ...]
    frames: int

    def file(self, encoding: str, number: int) -> Path:
        return self.directory / f"lap-{number}.{encoding}"

    def read(self, encoding: str) -> list[EncodedLap]:
        return [
            split(self.file(encoding, number).read_bytes(), self.session_id, lap_id)
            for number, lap_id in enumerate(self.lap_ids)
        ]

    def mean_size(self, encoding: str) -> float:
        """Bytes of a lap on the wire."""
        sizes = [self.file(encoding, number).stat().st_size for number in range(len(self.lap_ids))]
        return sum(sizes) / len(sizes)

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Payloads":
        values = json.loads(text)
        return cls(**{**values, "directory": Path(values["directory"]), "lap_ids": tuple(values["lap_ids"])})


def split(payload: bytes, session_id: str, lap_id: str) -> EncodedLap:
    """An encoded lap as one that is given other names."""
    end = max(payload.rindex(name.encode()) + len(name) for name in (session_id, lap_id))
    return EncodedLap(payload[:end], memoryview(payload)[end:], session_id, lap_id)
