"""How PostgreSQL does what it is asked."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


def recorded(engine: AsyncEngine) -> list[tuple[str, Any]]:
    """Every statement from now on, with its parameters."""
    asked: list[tuple[str, Any]] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "select" in statement.lower() and "from" in statement.lower():
            asked.append((statement, parameters))

    return asked


async def explained(session: AsyncSession, statement: str, parameters: Any) -> list[dict[str, Any]]:
    """The plans of a statement, which is run for it."""
    connection = await session.connection()
    result = await connection.exec_driver_sql(f"explain (analyze, buffers, format json) {statement}", parameters)
    plan = result.scalar_one()
    return json.loads(plan) if isinstance(plan, str) else plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, all of them."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
