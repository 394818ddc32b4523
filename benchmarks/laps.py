"""The laps of a run: a few simulated ones, encoded once, and given new identities as often as one is needed."""

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from racing_coach_core.codecs.decode import Encoding, encode_lap
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import Simulator

LAPS = 8
"""Different laps; each is published in many sessions. All but the first of a session find it stored, as in a stint."""


@dataclass(frozen=True)
class EncodedLap:
    """A lap on the wire, in two parts: everything that names it is in the head.

    Part of a process's memory once, however many rigs send it.
    """

    head: bytes
    tail: memoryview
    session_id: str
    lap_id: str

    def of(self, session_id: uuid.UUID) -> tuple[bytes, memoryview]:
        """The same lap, driven in another session."""
        head = self.head.replace(self.session_id.encode(), str(session_id).encode())
        return head.replace(self.lap_id.encode(), str(uuid.uuid4()).encode()), self.tail

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
            _split(self.file(encoding, number).read_bytes(), self.session_id, lap_id)
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


def simulate() -> list[Lap]:
    """The laps of a run, always the same."""
    return list(Simulator(seed=4).laps(LAPS))


def write_payloads(laps: list[Lap], directory: Path) -> Payloads:
    """Encode every lap in both encodings."""
    session = laps[0].session
    payloads = Payloads(
        directory,
        session.car_id,
        str(session.session_id),
        tuple(str(lap.lap_id) for lap in laps),
        sum(lap.frames.num_rows for lap in laps),
    )
    for number, lap in enumerate(laps):
        for encoding in Encoding:
            payloads.file(encoding.value, number).write_bytes(encode_lap(lap, encoding))
    return payloads


def _split(payload: bytes, session_id: str, lap_id: str) -> EncodedLap:
    end = max(payload.rindex(name.encode()) + len(name) for name in (session_id, lap_id))
    return EncodedLap(payload[:end], memoryview(payload)[end:], session_id, lap_id)
