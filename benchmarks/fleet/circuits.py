"""What the rigs of a fleet drive: circuits of 60 to 130 s, and each lap of them encoded once for all rigs on it."""

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.rigs.payloads import EncodedLap, split
from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import TRACKS, Corner, Simulator

STINT = 8
"""Laps of a session, as the simulator drives them; then the same are driven again in a new session."""

SCALES = {
    ("heronsgate", 0.56): "a",
    ("larchmoor", 0.8): "b",
    ("port-calder", 0.96): "c",
    ("heronsgate", 1.14): "d",
    ("larchmoor", 1.5): "e",
    ("port-calder", 1.7): "f",
    ("heronsgate", 1.84): "g",
    ("heronsgate", 2.0): "h",
}
"""The simulator's tracks made smaller and larger: laps of about 60, 69, 79, 91, 98, 111, 122 and 130 s."""

SHORT = {([*TRACKS][-1], 1.0): "short"}
"""The simulator's track for tests, a lap of some seconds."""

_LAPS_KEPT = 6
"""Of a circuit. All its rigs are within one lap of one another: a lap that is sent again is in an outbox, not here."""


@dataclass(frozen=True)
class FleetLap:
    """A lap that a whole circuit's rigs drive, as it is sent and as it must be stored.

    Attributes:
        encoded: its payload, to be given names.
        lap: with the names of the template.
    """

    encoded: EncodedLap
    lap: Lap


class Circuit:
    """One track and the laps on it. The wall clock of a lap is right to within a lap's time, for every rig on it."""

    def __init__(self, track: str, scale: float, name: str, *, seed: int, began_at: datetime) -> None:
        simulator = Simulator(seed=seed, track=track)
        corners = tuple(Corner(*(scale * value for value in corner)) for corner in simulator.track.corners)
        simulator.track = replace(simulator.track, corners=corners)
        self.name = f"{track}-{name}"
        self.car = simulator.session.car_id
        session = simulator.session.model_copy(
            update={"track_id": self.name, "driver_id": None, "driver_name": None, "timestamp": began_at}
        )
        self._laps = [replace(lap, session=session) for lap in simulator.laps(STINT)]
        self._encoded: OrderedDict[int, FleetLap] = OrderedDict()
        assert simulator.session.timestamp is not None
        # A rig is up to a lap ahead of its circuit: no lap is to end in the future.
        self._shift = began_at - simulator.session.timestamp - timedelta(seconds=max(map(self.lap_s, range(STINT))))

    @property
    def stint_s(self) -> float:
        return sum(lap.lap_time or 0.0 for lap in self._laps)

    def lap_s(self, number: int) -> float:
        """How long the lap of this number takes, the first being 0."""
        return self._laps[number % STINT].lap_time or 0.0

    def lap(self, number: int) -> FleetLap:
        """The lap of this number, the first being 0; encoded when the first rig of the circuit asks for it."""
        found = self._encoded.get(number)
        if found is None:
            found = self._encoded[number] = self._encode(number)
            while len(self._encoded) > _LAPS_KEPT:
                self._encoded.popitem(last=False)
        return found

    def _encode(self, number: int) -> FleetLap:
        stint, which = divmod(number, STINT)
        lap = self._laps[which]
        shift = self._shift + timedelta(seconds=stint * self.stint_s)
        names = lap.frames.schema.names
        at = names.index("timestamp")
        moved = pc.add(lap.frames.column(at), pa.scalar(shift)).cast(lap.frames.schema.field(at).type)
        lap = replace(
            lap,
            lap_id=uuid.uuid4(),
            frames=lap.frames.set_column(at, lap.frames.schema.field(at), moved),
            session=lap.session.model_copy(update={"session_id": uuid.uuid4()}),
        )
        payload = encode_lap(lap, Encoding.ARROW)
        return FleetLap(split(payload, str(lap.session.session_id), str(lap.lap_id)), lap)


def circuits(scales: dict[tuple[str, float], str]) -> Sequence[Circuit]:
    """The circuits, all of whose first laps begin now."""
    now = datetime.now(UTC)
    return [
        Circuit(track, scale, name, seed=number, began_at=now)
        for number, ((track, scale), name) in enumerate(scales.items(), start=1)
    ]
