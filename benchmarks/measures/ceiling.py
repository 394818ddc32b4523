"""What the database can take: binary COPY of the laps' own frames by one bare connection, a commit for each lap."""

import asyncio
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg
import uvloop

from benchmarks.servers.running import Servers
from racing_coach_core.lap import Lap
from racing_coach_server.telemetry.binary_copy import COPY_COLUMNS, binary_copy
from racing_coach_server.telemetry.models import frame_blocks


@dataclass(frozen=True)
class Ceiling:
    """What was measured.

    Attributes:
        frames_per_s: over all laps.
        lap_ms: the median of one lap's COPY and commit.
    """

    frames_per_s: float
    lap_ms: float


def measure_ceiling(servers: Servers, laps: list[Lap], count: int) -> Ceiling:
    """Store `count` laps one after the other; all are encoded before."""

    async def go() -> Ceiling:
        lap_ids = [uuid.uuid4() for _ in range(count)]
        sources = [_copied(laps[number % len(laps)], lap_id) for number, lap_id in enumerate(lap_ids)]
        connection = await servers.connect()
        try:
            await add_laps(connection, lap_ids)
            # The first COPY of a connection looks up what the others know.
            await _copy(connection, sources[0])
            times = [await _copy(connection, source) for source in sources[1:]]
        finally:
            await connection.close()
        frames = sum(laps[number % len(laps)].frames.num_rows for number in range(1, count))
        return Ceiling(frames / sum(times), statistics.median(times) * 1e3)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(go())


def _copied(lap: Lap, lap_id: uuid.UUID) -> list[bytes]:
    """The pieces of a COPY stream."""
    return [bytes(piece) for piece in binary_copy(lap.frames, lap_id=lap_id)]


async def add_laps(connection: asyncpg.Connection, lap_ids: Sequence[uuid.UUID]) -> None:
    """Laps without frames, of one session."""
    session_id = uuid.uuid4()
    await connection.execute(
        "insert into track_sessions (id, rig_id, track_id, track_name, car_id, car_name, track_type)"
        " values ($1, '', '', '', '', '', '')",
        session_id,
    )
    await connection.executemany(
        "insert into laps (id, track_session_id, rig_id, lap_number, is_valid, frame_count, payload_sha256,"
        " content_sha256, encoding, received_at, track_id, track_config_name, car_id, driver, driven_at)"
        " values ($1, $2, '', $3, true, 0, '', '', '', now(), '', '', '', '', now())",
        [(lap_id, session_id, number) for number, lap_id in enumerate(lap_ids)],
    )


async def _copy(connection: asyncpg.Connection, pieces: list[bytes]) -> float:
    """Seconds from BEGIN to the end of COMMIT."""
    began = time.perf_counter()
    async with connection.transaction():
        await connection.copy_to_table(frame_blocks.name, source=_stream(pieces), columns=COPY_COLUMNS, format="binary")
    return time.perf_counter() - began


async def _stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
