"""Does the rate hold when the table is large?"""

import asyncio
import math
import os
import statistics
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measures.ceiling import add_laps
from benchmarks.measures.layout import read_lap
from benchmarks.measures.throughput import BUSY_RIGS
from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import publish
from benchmarks.servers.daemon import daemon
from benchmarks.servers.database import empty_database
from benchmarks.servers.running import Servers
from racing_coach_server.telemetry.binary_copy import COPY_COLUMNS

_WRITERS = 2
_COLUMNS = ", ".join(f'"{name}"' for name in COPY_COLUMNS if name != "lap_id")
_ONE_MORE = f"""
    insert into frame_blocks (lap_id, {_COLUMNS})
    select $1, {_COLUMNS} from frame_blocks where lap_id = $2 order by first_frame
"""
_READS = 21
_ROUNDS = 10


def measure_growth(servers: Servers, payloads: Payloads, laps: int, frames: int, scratch: Path) -> dict[str, Any]:
    """The Arrow rate with `frames` stored, and beside it with none, in turns: a machine changes as an hour goes by."""
    servers.empty()
    with empty_database(servers.database) as other:
        few = replace(servers, database=other)
        _rate(servers, payloads, BUSY_RIGS, scratch)
        asyncio.run(_fill(servers, frames))
        # Autovacuum would come now for all of them at once, rather than a little with every lap.
        servers.execute("vacuum (analyze) frame_blocks", "checkpoint")
        # Nor is the disk to be busy with gigabytes that were written before.
        os.sync()
        rates: dict[bool, list[float]] = {False: [], True: []}
        for number in range(_ROUNDS):
            for is_full in (False, True) if number % 2 else (True, False):
                few.empty()
                rates[is_full].append(_rate(servers if is_full else few, payloads, laps // _ROUNDS, scratch))
    return {
        "ratio": statistics.median(full / empty for full, empty in zip(rates[True], rates[False], strict=True)),
        "empty_laps_per_s": statistics.median(rates[False]),
        "full_laps_per_s": statistics.median(rates[True]),
        "rounds_laps_per_s": {"empty": rates[False], "full": rates[True]},
        "frames_stored": servers.execute("select sum(frame_count) from frame_blocks")[0],
        "read_lap_ms": asyncio.run(_read(servers)) * 1e3,
    }


def _rate(servers: Servers, payloads: Payloads, laps: int, scratch: Path) -> float:
    """Laps a second into this database."""
    with daemon(servers, scratch):
        publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=2 * BUSY_RIGS)
        return publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=laps).laps_per_s


async def _fill(servers: Servers, frames: int) -> None:
    """Store laps again under new names, one after the other as laps come, from inside the database."""
    connection = await servers.connect()
    try:
        stored = await connection.fetch("select id, frame_count from laps")
    finally:
        await connection.close()
    mean = sum(row["frame_count"] for row in stored) / len(stored)
    ids = [row["id"] for row in stored]
    missing = max(0, math.ceil((frames - len(ids) * mean) / mean))

    async def write(numbers: range) -> None:
        writer = await servers.connect()
        try:
            await writer.execute("set synchronous_commit = off")  # preparation, and not what is measured
            statement = await writer.prepare(_ONE_MORE)
            lap_ids = [uuid.uuid4() for _ in numbers]
            await add_laps(writer, lap_ids)
            for number, lap_id in zip(numbers, lap_ids, strict=True):
                await statement.fetchval(lap_id, ids[number % len(ids)], timeout=600)
        finally:
            await writer.close()

    await asyncio.gather(*(write(range(start, missing, _WRITERS)) for start in range(_WRITERS)))


async def _read(servers: Servers) -> float:
    """Seconds for ten channels of a lap in order, the median over laps from all over the table."""
    connection = await servers.connect()
    try:
        laps = await connection.fetch("select id from laps order by random() limit $1", _READS)
        return statistics.median([await read_lap(connection, row["id"], "telemetry") for row in laps])
    finally:
        await connection.close()
