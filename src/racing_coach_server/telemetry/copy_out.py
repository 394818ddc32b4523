"""What a query finds, as a binary COPY stream, on the session's own connection."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.database.driver import driver_of


async def copy_out(session: AsyncSession, query: str, *parameters: Any) -> bytearray:
    """Run a query, whose parameters are $1 and so on. Returns its stream, whole."""
    driver = await driver_of(session)
    stream = bytearray()

    async def take(piece: bytes) -> None:
        stream.extend(piece)

    await driver.copy_from_query(query, *parameters, output=take, format="binary")
    return stream
