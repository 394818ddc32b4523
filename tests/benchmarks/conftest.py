"""A look into a test's own database."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from tests.server.support import Stored

from racing_coach_server.database.engine import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own database."""
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    yield Database(engine)
    await engine.dispose()


@pytest.fixture
def stored(database_url: str) -> Stored:
    """What is in it."""
    return Stored(database_url)
