"""What the form of the frame table is worth: blocks, beside the rows that were before them."""

import asyncio
import random
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import uvloop

from benchmarks.forms.encode import columns_of, encode
from benchmarks.forms.variants import BEFORE, TEN
from benchmarks.measures.ceiling import add_laps
from benchmarks.servers.running import Servers
from racing_coach_core.lap import Lap
from racing_coach_server.telemetry.binary_copy import COPY_COLUMNS, binary_copy
from racing_coach_server.telemetry.models import frame_blocks

_BEFORE = "telemetry_before"
_WARM_UP = 2
_READ = f"select {', '.join(TEN)} from {{table}} where lap_id = $1 order by frame_index"


@dataclass
class _Form:
    """One of the two."""

    table: str
    columns: Sequence[str]
    read_from: str
    copies: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)

    def source(self, lap: Lap, lap_id: uuid.UUID) -> list[bytes]:
        if self.table == _BEFORE:
            return encode(BEFORE, lap, lap_id, 0)
        return [bytes(piece) for piece in binary_copy(lap.frames, lap_id=lap_id)]

    async def once(self, connection: asyncpg.Connection, lap: Lap, lap_id: uuid.UUID) -> None:
        """Store a lap, and read ten channels of it again."""
        source = self.source(lap, lap_id)
        began = time.perf_counter()
        async with connection.transaction():
            await connection.copy_to_table(self.table, source=_stream(source), columns=self.columns, format="binary")
        self.copies.append(time.perf_counter() - began)
        self.reads.append(await read_lap(connection, lap_id, self.read_from))

    def figures(self, size: int, frames: int) -> dict[str, float]:
        return {
            "copy_ms": statistics.median(self.copies[_WARM_UP:]) * 1e3,
            "read_lap_ms": statistics.median(self.reads[_WARM_UP:]) * 1e3,
            "bytes_per_frame": size / frames,
        }


def measure_layout(servers: Servers, laps: list[Lap], rounds: int) -> dict[str, Any]:
    """The same laps in both forms, in turn and in random order, on one connection."""
    servers.empty()
    servers.execute(*BEFORE.ddl(_BEFORE))
    now = _Form(frame_blocks.name, COPY_COLUMNS, "telemetry")
    before = _Form(_BEFORE, columns_of(BEFORE), _BEFORE)
    stored = [laps[number % len(laps)] for number in range(_WARM_UP + rounds)]

    async def go() -> None:
        connection = await servers.connect()
        try:
            lap_ids = [uuid.uuid4() for _ in stored]
            await add_laps(connection, lap_ids)
            for lap, lap_id in zip(stored, lap_ids, strict=True):
                for form in random.sample([now, before], 2):
                    await form.once(connection, lap, lap_id)
        finally:
            await connection.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(go())
    frames = sum(lap.frames.num_rows for lap in stored)
    both = [form.figures(_size(servers, form.table), frames) for form in (now, before)]
    servers.execute(f"drop table {_BEFORE}")
    return {**both[0], "copy_speedup": both[1]["copy_ms"] / both[0]["copy_ms"], "before": both[1]}


def _size(servers: Servers, table: str) -> int:
    return int(servers.execute(f"vacuum {table}", f"select pg_total_relation_size('{table}')")[1])


async def read_lap(connection: asyncpg.Connection, lap_id: uuid.UUID, table: str) -> float:
    """Seconds for ten channels of a lap in order, in SQL, to where a program has them."""

    async def take(piece: bytes) -> None:
        pass

    began = time.perf_counter()
    await connection.copy_from_query(_READ.format(table=table), lap_id, output=take, format="binary")
    return time.perf_counter() - began


async def _stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
