"""What the server says of itself."""

from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

_HAS_LZ4: Final = text("select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'")
_DATA_DIRECTORY: Final = text("select setting from pg_settings where name = 'data_directory'")


async def has_lz4(connection: AsyncConnection) -> bool:
    """Whether this PostgreSQL is built with it."""
    return bool((await connection.execute(_HAS_LZ4)).scalar())


async def data_directory(asked: AsyncConnection | AsyncSession) -> Path | None:
    """The folder of its files; None where it is on another machine, or its name may not be read."""
    name = (await asked.execute(_DATA_DIRECTORY)).scalar()
    return Path(name) if name and Path(name).is_dir() else None
