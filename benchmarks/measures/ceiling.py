"""What the database can take: binary COPY of the laps' own rows by one bare connection, a commit for each lap."""

import asyncio
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import uvloop

from benchmarks.servers.running import Servers
from racing_coach_core.lap import Lap
from racing_coach_server.telemetry.binary_copy import COPY_COLUMNS, binary_copy


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
        sources = [_copied(laps[number % len(laps)]) for number in range(count)]
        connection = await servers.connect()
        try:
            # The first COPY of a connection looks up what the others know.
            await _copy(connection, sources[0])
            times = [await _copy(connection, source) for source in sources[1:]]
        finally:
            await connection.close()
        frames = sum(laps[number % len(laps)].frames.num_rows for number in range(1, count))
        return Ceiling(frames / sum(times), statistics.median(times) * 1e3)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(go())


def _copied(lap: Lap) -> list[bytes]:
    """The pieces of a COPY stream, under another lap id each time: with one and the same the index would be another."""
    return [bytes(piece) for piece in binary_copy(lap.frames, session_id=lap.session.session_id, lap_id=uuid.uuid4())]


async def _copy(connection: asyncpg.Connection, pieces: list[bytes]) -> float:
    """Seconds from BEGIN to the end of COMMIT."""
    began = time.perf_counter()
    async with connection.transaction():
        await connection.copy_to_table("telemetry", source=_stream(pieces), columns=COPY_COLUMNS, format="binary")
    return time.perf_counter() - began


async def _stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
