"""Whether every stored lap was analysed, compared and spoken of, and nothing was said twice without a reason."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

RESULTS = ("lap_analyses", "lap_comparisons", "coaching")
_SHOWN = 5


async def uncoached(database_url: str) -> int:
    """Of how many stored laps a follower has still something to do."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        missing = " or ".join(f"not exists (select from {table} r where r.lap_id = laps.id)" for table in RESULTS)
        return int(await connection.fetchval(f"select count(*) from laps where {missing}"))
    finally:
        await connection.close()


async def check_coaching(
    database_url: str, spoken: Sequence[tuple[UUID, float]], connects: Sequence[float]
) -> list[str]:
    """What is wrong with the coaching of a run that has come to its end.

    Args:
        database_url: where laps and results are.
        spoken: every word that was heard: its lap, and when, s of the wall clock.
        connects: when the daemon or the listener connected to the broker: a word that was not seen accepted, or heard
            but not acknowledged, comes again after that.
    """
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        stored = {row["id"]: row["created_at"] for row in await connection.fetch("select id, created_at from laps")}
        found = []
        for table in RESULTS:
            results = await connection.fetch(f"select lap_id, status from {table}")
            found += _finding(f"laps without {table}", stored.keys() - {row["lap_id"] for row in results})
            found += _finding(f"failed {table}", {row["lap_id"] for row in results if row["status"] == "failed"})
    finally:
        await connection.close()
    return [*found, *_finding("laps spoken of twice on one connection", _twice(stored, spoken, connects))]


def connected_at(lines: Iterable[Mapping[str, Any]]) -> list[float]:
    """When a daemon connected, by its log."""
    return [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]


def _twice(
    stored: Mapping[UUID, datetime], spoken: Sequence[tuple[UUID, float]], connects: Sequence[float]
) -> set[UUID]:
    """Laps of which more was heard than one word for each connection since they were stored."""
    heard: defaultdict[UUID, list[float]] = defaultdict(list)
    for lap_id, at in spoken:
        heard[lap_id].append(at)
    return {
        lap_id
        for lap_id, times in heard.items()
        if len(times) > 1
        and lap_id in stored
        and not any(stored[lap_id].timestamp() < connect <= max(times) for connect in connects)
    }


def _finding(what: str, laps: set[UUID]) -> list[str]:
    return [f"{len(laps)} {what}: {', '.join(map(str, sorted(laps)[:_SHOWN]))}"] if laps else []
