"""Every form that the frame table could have, measured side by side: `python -m benchmarks.forms.run`.

Each round stores one lap in each form, in random order, by binary COPY with a commit, and then reads it back: ten
channels as binary COPY, and one channel through SQL. The figures are medians over the rounds.
"""

import argparse
import asyncio
import random
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow as pa
import uvloop

from benchmarks.forms.encode import columns_of, encode
from benchmarks.forms.variants import TEN, VARIANTS, WITH_LZ4, WITH_TIMESCALE, Arrays, Rows
from benchmarks.rigs.laps import simulate
from racing_coach_core.lap import Lap
from racing_coach_demo.embedded import WHEEL_BIN_DIR, EmbeddedPostgres

type Form = Rows | Arrays

COLUMNS = {
    "copy_ms": "COPY, ms",
    "cpu_ms": "CPU of it, ms",
    "bytes_per_frame": "bytes a frame",
    "read_ten_ms": "ten channels by COPY, ms",
    "sql_one_ms": "one by SQL, ms",
    "sql_ten_ms": "ten by SQL, ms",
}

_READS = ("read_ten_ms", "sql_one_ms", "sql_ten_ms")

_MEMORY = {"shared_buffers": "1GB", "max_wal_size": "8GB"}


class Forms:
    """Measures forms on one connection."""

    def __init__(self, connection: asyncpg.Connection, forms: Sequence[Form], laps: list[Lap]) -> None:
        self._connection = connection
        self._forms = forms
        self._laps = laps
        self._times: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._frames: dict[str, int] = defaultdict(int)
        self._keys: dict[str, list[str]] = defaultdict(list)

    async def measure(self, rounds: int) -> list[dict[str, Any]]:
        for number, form in enumerate(self._forms):
            for statement in form.ddl(f"form_{number}"):
                await self._connection.execute(statement)
        for round_number in range(-2, rounds):
            order = list(enumerate(self._forms))
            random.shuffle(order)
            for number, form in order:
                await self._once(f"form_{number}", form, round_number)
        return [await self._figures(f"form_{number}", form) for number, form in enumerate(self._forms)]

    async def _once(self, table: str, form: Form, round_number: int) -> None:
        lap, lap_id = self._laps[round_number % len(self._laps)], uuid.uuid4()
        source = encode(form, lap, lap_id, round_number + 10)
        began_s = self._cpu_s()
        times = {"copy_ms": await _timed(self._copy(table, form, source))}
        times["cpu_ms"] = self._cpu_s() - began_s
        key = f"'{lap_id}'" if form_uses_uuid(form) else str(round_number + 10)
        self._keys[table].append(key)
        times |= await self._reading(table, form, key)
        self._frames[table] += lap.frames.num_rows
        if round_number >= 0:
            for name, seconds in times.items():
                self._times[table, name].append(seconds * 1e3)

    async def _reading(self, table: str, form: Form, key: str) -> dict[str, float]:
        query = form.rows_query if isinstance(form, Arrays) else form.query
        return {
            "read_ten_ms": await _timed(self._read(form.query(table, key, TEN))),
            "sql_one_ms": await _timed(self._connection.fetch(query(table, key, ["speed"]))),
            "sql_ten_ms": await _timed(self._read(query(table, key, TEN))),
        }

    def _cpu_s(self) -> float:
        """What the server's process of this connection has run, seconds (kernel documentation, sched-stats)."""
        pid = self._connection.get_server_pid()
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9

    async def _copy(self, table: str, form: Form, source: list[bytes]) -> None:
        async with self._connection.transaction():
            await self._connection.copy_to_table(
                table, source=_stream(source), columns=columns_of(form), format="binary"
            )

    async def _read(self, query: str) -> None:
        async def take(piece: bytes) -> None:
            pass

        await self._connection.copy_from_query(query, output=take, format="binary")

    async def _figures(self, table: str, form: Form) -> dict[str, Any]:
        size_of = "pg_total_relation_size"
        if isinstance(form, Rows) and (at_last := form.at_last(table)):
            size_of = "hypertable_size"
            for statement in at_last:
                await self._connection.execute(statement)
            await self._read_again(table, form)
        await self._connection.execute(f"vacuum {table}")
        size = await self._connection.fetchval(f"select {size_of}('{table}'::regclass)")
        medians = {name: statistics.median(times) for (of, name), times in self._times.items() if of == table}
        return {"form": form.name, "bytes_per_frame": size / self._frames[table], **medians}

    async def _read_again(self, table: str, form: Form) -> None:
        """The times of reading, of what the laps have become."""
        for name in _READS:
            del self._times[table, name]
        for key in self._keys[table]:
            for name, seconds in (await self._reading(table, form, key)).items():
                self._times[table, name].append(seconds * 1e3)


def form_uses_uuid(form: Form) -> bool:
    return isinstance(form, Arrays) or form.key[0][0] == "lap_id"


def with_still_tyres(lap: Lap) -> Lap:
    """The lap with the temperature and wear of its first frame in all frames."""
    frames = lap.frames
    for index, field in enumerate(frames.schema):
        if "_tire_" in field.name:
            still = pa.repeat(frames.column(index)[0], frames.num_rows)
            frames = frames.set_column(index, field, still)
    return replace(lap, frames=frames)


async def _stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _timed(work: Awaitable[Any]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def measure(url: str, rounds: int, forms: Sequence[Form], laps: list[Lap]) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        if any(isinstance(form, Rows) and form.hypertable for form in forms):
            await connection.execute("create extension timescaledb")
        return await Forms(connection, forms, laps).measure(rounds)
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--bin-dir", type=Path, default=WHEEL_BIN_DIR, help="programs of another PostgreSQL")
    parser.add_argument("--lz4", action="store_true", help="that PostgreSQL has lz4")
    parser.add_argument("--only", nargs="*", default=[""], help="forms with one of these in their name")
    parser.add_argument("--timescale", action="store_true", help="that PostgreSQL has TimescaleDB")
    parser.add_argument("--still-tyres", action="store_true", help="tyres as iRacing tells of them: only in the pits")
    arguments = parser.parse_args()
    every = (*VARIANTS, *(WITH_LZ4 if arguments.lz4 else ()), *(WITH_TIMESCALE if arguments.timescale else ()))
    settings = _MEMORY | ({"shared_preload_libraries": "timescaledb"} if arguments.timescale else {})
    laps = [with_still_tyres(lap) if arguments.still_tyres else lap for lap in simulate()]
    forms = [form for form in every if any(part in form.name for part in arguments.only)]
    with (
        EmbeddedPostgres(bin_dir=arguments.bin_dir, settings=settings) as server,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        found = runner.run(measure(server.url, arguments.rounds, forms, laps))
    print("| " + " | ".join(("form", *COLUMNS.values())) + " |")
    print("| --- |" + " ---: |" * len(COLUMNS))
    for row in found:
        print(f"| {row['form']} | " + " | ".join(f"{row[name]:.1f}" for name in COLUMNS) + " |")


if __name__ == "__main__":
    main()
