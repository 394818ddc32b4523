"""The laps of a run: a few simulated ones, encoded once, and given new identities as often as one is needed."""

from pathlib import Path

from benchmarks.rigs.payloads import Payloads
from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import Simulator

LAPS = 8
"""Different laps; each is published in many sessions. All but the first of a session find it stored, as in a stint."""


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
