"""Does the rate hold when the table is large?"""

import asyncio
import math
import uuid
from pathlib import Path
from typing import Any

from benchmarks.measures.throughput import BUSY_RIGS
from benchmarks.rigs.payloads import Payloads
from benchmarks.rigs.publish import publish
from benchmarks.servers.daemon import daemon
from benchmarks.servers.running import Servers
from racing_coach_core.channels import CHANNELS

_WRITERS = 2
_CHANNEL_NAMES = ", ".join(f'"{channel.name}"' for channel in CHANNELS)
_ONE_MORE = f"""
    insert into telemetry ({_CHANNEL_NAMES}, track_session_id, lap_id, frame_index)
    select {_CHANNEL_NAMES}, track_session_id, $1, frame_index from telemetry where lap_id = $2 order by frame_index
"""


def measure_growth(servers: Servers, payloads: Payloads, laps: int, frames: int, scratch: Path) -> dict[str, Any]:
    """The Arrow rate with a nearly empty table, and again with `frames` stored."""
    servers.empty()
    with daemon(servers, scratch):
        publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=2 * BUSY_RIGS)
        empty = publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=laps)
        asyncio.run(_fill(servers, frames))
        # Autovacuum would come now for all of them at once, rather than a little with every lap.
        servers.execute("vacuum (analyze) telemetry", "checkpoint")
        publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=BUSY_RIGS)
        full = publish(servers, payloads, "arrow", rigs=BUSY_RIGS, laps=laps)
    stored = servers.execute("select count(*) from telemetry")[0]
    return {
        "ratio": full.laps_per_s / empty.laps_per_s,
        "empty_laps_per_s": empty.laps_per_s,
        "full_laps_per_s": full.laps_per_s,
        "frames_stored": stored,
    }


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
            for number in numbers:
                await statement.fetchval(uuid.uuid4(), ids[number % len(ids)], timeout=600)
        finally:
            await writer.close()

    await asyncio.gather(*(write(range(start, missing, _WRITERS)) for start in range(_WRITERS)))
