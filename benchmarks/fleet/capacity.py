"""What a lap costs, as a run saw it, and what follows for other numbers of rigs: the arithmetic of docs/scaling.md."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

_MB = 1e6
_GB = 1e9
_HEADROOM = 0.7
"""The share of a core that is planned with: laps come at random, and a queue at full load has no end."""
_HOURS = 4
"""A day that a rig is driven, in the plan."""
_DAYS = 30
"""That laps are kept, in the plan."""
_DISK_MB_S = 100
_FLEETS = (100, 1_000, 10_000, 100_000)
_NODE_CORES = 8
_NODE_TB = 16.0
"""Of a database server in the plan."""
_MOST_WORKERS = 8
"""Of one database in the plan: each of them writes all but the frames of every lap."""


@dataclass(frozen=True)
class Written:
    """What a database server has written: bytes of the database, bytes of WAL, transactions."""

    database: int
    wal: int
    commits: int

    @classmethod
    async def of(cls, connection: asyncpg.Connection) -> "Written":
        """So far."""
        row = await connection.fetchrow(
            "select pg_database_size(current_database()), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint,"
            " (select xact_commit from pg_stat_database where datname = current_database())"
        )
        assert row is not None
        return cls(*row)


@dataclass(frozen=True)
class Cost:
    """Of a lap: CPU in s, bytes, transactions; of a rig: the broker's memory, bytes; of a daemon: its memory, bytes.

    Attributes:
        lap_s: how long a lap takes to drive, on average.
    """

    lap_s: float
    daemon_s: float
    database_s: float
    broker_s: float
    wire: float
    disk: float
    wal: float
    commits: float
    broker_bytes: float
    daemon_bytes: float

    @property
    def cpu_s(self) -> float:
        return self.daemon_s + self.database_s + self.broker_s

    @classmethod
    def seen(
        cls,
        *,
        lap_s: float,
        laps_per_s: float,
        rigs: int,
        cores: Mapping[str, float],
        broker_mb: float,
        daemon_bytes: float,
        wire: float,
        laps: int,
        before: Written,
        after: Written,
    ) -> "Cost":
        """What one step cost, divided by its laps; disk of the whole run, divided by all of them."""
        return cls(
            lap_s=lap_s,
            **{f"{part}_s": cores[part] / laps_per_s for part in ("daemon", "database", "broker")},
            wire=wire,
            disk=(after.database - before.database) / laps,
            wal=(after.wal - before.wal) / laps,
            commits=(after.commits - before.commits) / laps,
            broker_bytes=broker_mb * _MB / rigs,
            daemon_bytes=daemon_bytes,
        )

    def rigs_per_core(self, cpu_s: float) -> float:
        """How many rigs' laps a core could take that did nothing else, all the time."""
        return self.lap_s / cpu_s


def rig_rows(cost: Cost) -> list[list[str]]:
    """Rigs for each core, disk and gigabyte, of rigs that are driven all the time."""
    ms = {name: f"{1e3 * value:.0f}" for name, value in vars(cost).items() if name.endswith("_s")}
    written = cost.disk + cost.wal
    lap = f"{cost.lap_s:.0f} s"
    return [
        ["of one", "a lap takes", "rigs, all of which drive"],
        [
            "core, for everything",
            f"{ms['daemon_s']} ms daemon + {ms['database_s']} database + {ms['broker_s']} broker",
            f"{lap} / {1e3 * cost.cpu_s:.0f} ms = {cost.rigs_per_core(cost.cpu_s):,.0f}",
        ],
        [
            "daemon, which is one process and has one core",
            f"{ms['daemon_s']} ms",
            f"{lap} / {ms['daemon_s']} ms = {cost.rigs_per_core(cost.daemon_s):,.0f}",
        ],
        [
            "core of the database",
            f"{ms['database_s']} ms",
            f"{lap} / {ms['database_s']} ms = {cost.rigs_per_core(cost.database_s):,.0f}",
        ],
        [
            f"disk that writes {_DISK_MB_S} MB/s",
            f"{cost.disk / _MB:.2f} MB + {cost.wal / _MB:.2f} MB WAL",
            f"{lap} · {_DISK_MB_S} / {written / _MB:.2f} = {cost.lap_s * _DISK_MB_S * _MB / written:,.0f}",
        ],
        [
            "disk of 500 syncs a second",
            f"{cost.commits:.1f} transactions",
            f"{lap} · 500 / {cost.commits:.1f} = {cost.lap_s * 500 / cost.commits:,.0f}, more where they share one",
        ],
        [
            "terabyte",
            f"{cost.disk / _MB:.2f} MB",
            f"{1e12 / cost.disk:,.0f} laps, {1e12 / cost.disk * cost.lap_s / 3600:,.0f} hours of driving",
        ],
        [
            "gigabyte of the broker",
            f"{cost.broker_bytes / 1e3:.0f} kB a rig, and {cost.wire / _MB:.2f} MB a lap that waits",
            f"{_GB / cost.broker_bytes:,.0f} rigs, or {_GB / cost.wire:,.0f} laps that wait",
        ],
        [
            "gigabit a second",
            f"{cost.wire / _MB:.2f} MB",
            f"{lap} · 125 / {cost.wire / _MB:.2f} = {cost.lap_s * 125 * _MB / cost.wire:,.0f}",
        ],
    ]


def plan_rows(cost: Cost) -> list[list[str]]:
    """What fleets of several sizes need."""
    rows = [
        ["rigs", *(f"{rigs:,}" for rigs in _FLEETS)],
        [f"laps a second: rigs / {cost.lap_s:.0f} s"],
        [f"cores: laps · {1e3 * cost.cpu_s:.0f} ms / {_HEADROOM}"],
        [f"daemons, each with its broker: laps · {1e3 * cost.daemon_s:.0f} ms / {_HEADROOM}"],
        [f"cores of the database: laps · {1e3 * cost.database_s:.0f} ms / {_HEADROOM}"],
        [f"memory, GB: daemons · {cost.daemon_bytes / _GB:.2f} + rigs · {cost.broker_bytes / 1e3:.0f} kB"],
        [f"network in, MB/s: laps · {cost.wire / _MB:.2f} MB"],
        [f"disk, written, MB/s: laps · {(cost.disk + cost.wal) / _MB:.2f} MB"],
        [f"disk, a day of {_HOURS} h: laps · {cost.disk / _MB:.2f} MB"],
        [f"disk, {_DAYS} days of that"],
        ["so"],
    ]
    for rigs in _FLEETS:
        laps = rigs / cost.lap_s
        daemons = math.ceil(laps * cost.daemon_s / _HEADROOM)
        database = laps * cost.database_s / _HEADROOM
        day = laps * 3600 * _HOURS * cost.disk
        values = (
            f"{laps:,.1f}",
            f"{laps * cost.cpu_s / _HEADROOM:,.1f}",
            f"{daemons:,}",
            f"{database:,.1f}",
            f"{(daemons * cost.daemon_bytes + rigs * cost.broker_bytes) / _GB:,.1f}",
            f"{laps * cost.wire / _MB:,.0f}",
            f"{laps * (cost.disk + cost.wal) / _MB:,.0f}",
            f"{day / _GB:,.0f} GB",
            f"{_DAYS * day / 1e12:,.1f} TB",
            _so(daemons, laps * cost.cpu_s / _HEADROOM, database, _DAYS * day / 1e12),
        )
        for row, value in zip(rows[1:], values, strict=True):
            row.append(value)
    return rows


def _so(daemons: int, cores: float, database: float, terabytes: float) -> str:
    """What to set up, in a few words: as many database servers as cores or disks ask for."""
    if daemons == 1:
        return f"one machine of {max(2, 2 ** math.ceil(math.log2(max(1.0, cores))))} cores"
    nodes = math.ceil(max(database / _NODE_CORES, terabytes / _NODE_TB))
    size = f"{_NODE_CORES} cores and {_NODE_TB:.0f} TB"
    if nodes == 1:
        return f"{daemons} cells of 2 cores, a database server of {size}"
    regions = math.ceil(nodes / _MOST_WORKERS)
    each = f"{regions} regions, each of " if regions > 1 else ""
    cells, workers = math.ceil(daemons / regions), math.ceil(nodes / regions)
    return f"{each}{cells} cells of 2 cores, a coordinator and {workers} workers of {size} (Citus)"
