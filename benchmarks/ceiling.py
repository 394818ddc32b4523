"""What the database can take: binary COPY of the laps' own rows by one bare connection, a commit for each lap."""

import asyncio
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvloop

from racing_coach_core.lap import Lap
from racing_coach_server.telemetry.copy_frames import COPY_SCHEMA, binary_copy
from servers import Servers


@dataclass(frozen=True)
class CopiedLap:
    """A lap as the pieces of a COPY stream."""

    pieces: list[bytes]
    lap_id: bytes
    frames: int

    def again(self) -> list[bytes]:
        """The same rows as another lap's: COPY of one lap over and over would make another index than laps do."""
        lap_id = uuid.uuid4().bytes
        return [piece.replace(self.lap_id, lap_id) for piece in self.pieces]


async def copied(lap: Lap) -> CopiedLap:
    stream = binary_copy(lap.frames, session_id=lap.session.session_id, lap_id=lap.lap_id)
    return CopiedLap([piece async for piece in stream], lap.lap_id.bytes, lap.frames.num_rows)


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
    """Only the time from BEGIN to the end of COMMIT counts; encoding is done before."""

    async def go() -> Ceiling:
        sources = [await copied(lap) for lap in laps]
        connection = await servers.connect()
        times: list[float] = []
        frames = 0
        try:
            for number in range(count):
                source = sources[number % len(sources)]
                pieces = source.again()
                began = time.perf_counter()
                async with connection.transaction():
                    await connection.copy_to_table(
                        "telemetry", source=_stream(pieces), columns=COPY_SCHEMA.names, format="binary"
                    )
                times.append(time.perf_counter() - began)
                frames += source.frames
        finally:
            await connection.close()
        return Ceiling(frames / sum(times), statistics.median(times) * 1e3)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(go())


async def _stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
