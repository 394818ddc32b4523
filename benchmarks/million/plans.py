"""How PostgreSQL answers a question: every statement that it takes, its time, and what its plan goes through."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from benchmarks.million.questions import Ask, Asked

SMALL = {"track_maps", "chosen_references", "rejected_messages", "erasures"}
"""Tables of a row a track, a choice or a rejection: here PostgreSQL may read the few there are."""


@dataclass
class Answer:
    """What a question took.

    Attributes:
        ms: wall clock of each time it was asked, with all of its statements.
        scanned: tables all of whose rows were read.
        pages: most pages of 8 KB that one of its statements looked at.
    """

    ms: list[float] = field(default_factory=list)
    scanned: set[str] = field(default_factory=set)
    pages: int = 0


async def timed(session: AsyncSession, ask: Ask, asked: Asked) -> float:
    """How long a question takes, ms."""
    began = time.perf_counter()
    await ask(session, asked)
    return (time.perf_counter() - began) * 1e3


async def planned(engine: AsyncEngine, session: AsyncSession, ask: Ask, asked: Asked, answer: Answer) -> None:
    """Ask, and have every statement explained as it was asked."""
    with _recorded(engine) as statements:
        await ask(session, asked)
    connection = await session.connection()
    for statement, parameters in [*statements]:
        result = await connection.exec_driver_sql(f"explain (analyze, buffers, format json) {statement}", parameters)
        found = result.scalar_one()
        (plan,) = json.loads(found) if isinstance(found, str) else found
        for node in _nodes(plan["Plan"]):
            if node["Node Type"] == "Seq Scan":
                answer.scanned.add(node["Relation Name"])
        pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        answer.pages = max(answer.pages, pages)
    answer.scanned -= SMALL


@contextmanager
def _recorded(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """Every query, with its parameters."""
    statements: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "select" in statement.lower() and "from" in statement.lower():
            statements.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", record)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, all of them."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
