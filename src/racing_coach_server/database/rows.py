"""Rows as values, and how many a statement deleted."""

from typing import Any

from sqlalchemy import CursorResult, Delete, inspect
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.base import Base


def as_values(row: Base) -> dict[str, Any]:
    """A row's columns, by name."""
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}


async def deleted(session: AsyncSession, statement: Delete) -> int:
    """Delete. Returns how many rows there were."""
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount
