"""Laps of the version before blocks, converted, killed in the middle and gone on with:
`python -m benchmarks.conversion --frames 5000000`.

A database is filled, taken back to the revision that had rows, and brought up again; then `racing-coach db convert` is
killed once half of the laps are done, and started again. Before and after, a daemon is started.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from tests.server.telemetry.rows import BEFORE_BLOCKS, downgrade
from tests.server.telemetry.storing import received

from benchmarks.rigs.laps import simulate
from benchmarks.servers.daemon import daemon
from benchmarks.servers.running import Servers, servers
from racing_coach_server.database.engine import Database
from racing_coach_server.database.init_db import upgrade
from racing_coach_server.telemetry.binary_copy import COPY_COLUMNS
from racing_coach_server.telemetry.service import TelemetryService

_ONCE_MORE = """
    with lap as (
        insert into laps
        select (jsonb_populate_record(lap, jsonb_build_object('id', $1::uuid, 'lap_number', $3::integer))).*
        from laps lap where id = $2
    )
    insert into frame_blocks (lap_id, {others}) select $1::uuid, {others} from frame_blocks where lap_id = $2
""".format(others=", ".join(f'"{name}"' for name in COPY_COLUMNS if name != "lap_id"))
_SIZE = "select pg_total_relation_size($1::regclass)"


class Conversion:
    """One database, there and back."""

    def __init__(self, database: URL) -> None:
        self._url = database
        self._dsn = database.set(drivername="postgresql").render_as_string(hide_password=False)

    async def prepare(self, frames: int) -> None:
        """So many frames, as the version before stored them."""
        engine = create_async_engine(self._url.set(drivername="postgresql+asyncpg"))
        laps = simulate()
        try:
            async with Database(engine).transaction() as session:
                for lap in laps:
                    await TelemetryService(session).store_lap(received(lap))
            await self._fill([lap.lap_id for lap in laps], frames // laps[0].frames.num_rows)
            await downgrade(engine, BEFORE_BLOCKS)
            await self.value("vacuum analyze telemetry")
            rows, size = await self.value("select count(*) from telemetry"), await self.value(_SIZE, "telemetry")
            print(f"{rows:,} frames as rows, {size / rows:.0f} bytes each", flush=True)
            began = time.perf_counter()
            await upgrade(engine)
            print(f"upgraded in {time.perf_counter() - began:.2f} s", flush=True)
        finally:
            await engine.dispose()

    async def _fill(self, lap_ids: Sequence[uuid.UUID], count: int) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            for number in range(len(lap_ids), count):
                await connection.execute(_ONCE_MORE, uuid.uuid4(), lap_ids[number % len(lap_ids)], 1_000_000 + number)
        finally:
            await connection.close()

    async def value(self, statement: str, *arguments: object) -> int:
        connection = await asyncpg.connect(self._dsn)
        try:
            return int(await connection.fetchval(statement, *arguments) or 0)
        finally:
            await connection.close()

    async def convert(self) -> None:
        """Convert, be killed, and convert the rest."""
        laps = await self.value("select count(*) from laps")
        command = self._command()
        while (done := await self._done()) < laps // 2:
            if command.poll() is not None:
                raise RuntimeError(f"it ended by itself with {command.returncode}")
            await asyncio.sleep(0.05)
        command.kill()
        command.wait()
        print(f"killed with {done:,} of {laps:,} laps done", flush=True)
        before, began = await self._done(), time.perf_counter()
        rest = self._command()
        if rest.wait():
            raise RuntimeError(f"it ended with {rest.returncode}")
        seconds = time.perf_counter() - began
        print(f"gone on with {laps - before:,} laps in {seconds:.1f} s, {(laps - before) / seconds:.1f} a second")
        frames, size = await self.value("select count(*) from telemetry"), await self.value(_SIZE, "frame_blocks")
        print(f"{frames:,} frames in blocks, {size / frames:.0f} bytes each")

    async def _done(self) -> int:
        return await self.value("select count(*) from frame_blocks where first_frame = 0")

    def _command(self) -> subprocess.Popen[bytes]:
        program = Path(sys.executable).with_name("racing-coach")
        environment = {**os.environ, "RACING_COACH_DATABASE__URL": self._dsn}
        return subprocess.Popen([program, "db", "convert"], env=environment, cwd=tempfile.gettempdir())


async def measure(conversion: Conversion, frames: int) -> None:
    await conversion.prepare(frames)
    await conversion.convert()


def start(servers: Servers, scratch: Path, when: str) -> None:
    """Start a daemon, as the second one: the first has all that it reads from disk read."""
    for _ in range(2):
        began = time.perf_counter()
        with daemon(servers, scratch):
            seconds = time.perf_counter() - began
    print(f"{when}, a daemon is ready {seconds:.2f} s after its start", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=5_000_000)
    frames = parser.parse_args().frames
    with servers() as running, tempfile.TemporaryDirectory(prefix="racing-coach-bench-") as scratch:
        start(running, Path(scratch), "with no lap stored")
        asyncio.run(measure(Conversion(running.database), frames))
        start(running, Path(scratch), "with all of them converted")


if __name__ == "__main__":
    main()
