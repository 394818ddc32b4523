"""Many large laps at once: 8 MB of JSON each, made from one lap by exchanging its identity."""

import uuid
from collections.abc import Iterator
from functools import cache

from racing_coach_core.codecs.decode import Encoding, encode_lap
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.simulator import Simulator

PAYLOAD_BYTES = 8_000_000


@cache
def _template() -> tuple[bytes, bytes, bytes]:
    """One lap of about 8 MB as JSON, its lap_id and its session_id as they stand there."""
    lap = next(Simulator(seed=1).laps(1))
    bytes_a_frame = len(encode_lap(lap, Encoding.JSON)) / lap.frames.num_rows
    frames = lap.frames.slice(0, round(PAYLOAD_BYTES / bytes_a_frame))
    payload = encode_lap(Lap(lap.lap_id, lap.session, lap.lap_time, frames), Encoding.JSON)
    return payload, str(lap.lap_id).encode(), str(lap.session.session_id).encode()


def large_laps(count: int) -> Iterator[tuple[uuid.UUID, bytes]]:
    """Payloads of laps that differ in their identity, each of a session of its own."""
    payload, lap_id, session_id = _template()
    for _ in range(count):
        new_lap, new_session = uuid.uuid4(), uuid.uuid4()
        yield new_lap, payload.replace(lap_id, str(new_lap).encode()).replace(
            session_id, str(new_session).encode()
        )
