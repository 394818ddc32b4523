"""A database as the version before blocks left it."""

from collections.abc import Sequence

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.server.telemetry.storing import received

from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.database.init_db import _config, upgrade
from racing_coach_server.telemetry.service import TelemetryService

BEFORE_BLOCKS = "0002"


async def store_as_rows(engine: AsyncEngine, laps: Sequence[Lap]) -> None:
    """Store laps, go back to the version that had rows, and come again with this one."""
    async with Database(engine).transaction() as session:
        for lap in laps:
            await TelemetryService(session).store_lap(received(lap))
    await downgrade(engine, BEFORE_BLOCKS)
    await upgrade(engine)


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Back to an earlier revision."""

    def down(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    async with engine.begin() as connection:
        await connection.run_sync(down)
