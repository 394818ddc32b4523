"""How frames are compressed: no matter of a backup, since each server does it with what it has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from racing_coach_server.backup.exceptions import NotRestorableError
from racing_coach_server.backup.programs import run_program
from racing_coach_server.database.server import has_lz4

OPTIONS: Final = ("--no-toast-compression",)
"""Of pg_dump. It would write down a method that the server of the restore may not have."""

_ARRAYS: Final = text(
    "select quote_ident(attname) from pg_attribute"
    " where attrelid = to_regclass('frame_blocks') and attnum > 0 and not attisdropped and attndims > 0"
)


async def way_of_restore(program: Path, archive: str, way: Mapping[str, str], *, lz4: bool) -> Mapping[str, str]:
    """The way to the database on which what comes in is compressed as a daemon would have it.

    Raises:
        NotRestorableError: the backup, of an earlier version, asks for what this server has not.
    """
    if lz4:
        return {**way, "PGOPTIONS": f"{way.get('PGOPTIONS', '')} -c default_toast_compression=lz4".strip()}
    if "SET COMPRESSION lz4" in await run_program(program, ["--schema-only", "--file=-", archive], way):
        raise NotRestorableError(
            "the backup compresses frames with lz4, and this PostgreSQL is built without it: restore into one that has "
            "it, as all the usual packages do, or make the backup anew with this version, which leaves it to the server"
        )
    return way


async def compress_frames(engine: AsyncEngine) -> None:
    """Have later frames stored as the migrations would: with lz4, and where there is none, as they are."""
    async with engine.begin() as connection:
        how = ("storage extended", "compression lz4") if await has_lz4(connection) else ("storage external",)
        names = (await connection.execute(_ARRAYS)).scalars()
        changes = [f"alter column {name} set {each}" for name in names for each in how]
        if changes:
            await connection.execute(text(f"alter table frame_blocks {', '.join(changes)}"))
