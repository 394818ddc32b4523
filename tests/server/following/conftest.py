"""A daemon with the toy follower, and what its tests look at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.following.support import QUICK, RunToy
from tests.server.following.toy import create_tables, toy
from tests.server.support import Stored, app_settings
from tests.waiting import eventually

from racing_coach_server.app import App
from racing_coach_server.database.engine import Database
from racing_coach_server.features import FEATURES
from racing_coach_server.messaging import takeover


@pytest.fixture
async def tables(stored: Stored, database: Database) -> None:
    """The toy's own tables, beside the migrated ones."""
    await create_tables(stored)


@pytest.fixture
async def rig(broker: Broker) -> AsyncIterator[LapClient]:
    """A rig; what the toy says on the coach's topic is nothing that a rig would understand."""
    async with LapClient(broker, "rig-1", hears_coach=False) as client:
        yield client


@pytest.fixture
def run_toy(broker: Broker, database_url: str, tables: None, monkeypatch: pytest.MonkeyPatch) -> RunToy:
    """Runs the daemon with the toy feature, in this process."""
    monkeypatch.setattr(takeover, "_RETAINED_S", 0.0)  # each has a name that nobody had before

    @asynccontextmanager
    async def run(*, version: int = 1, **sections: Any) -> AsyncIterator[App]:
        followers = {**QUICK, **sections.pop("followers", {})}
        alone = {"coaching": {"enabled": False}, "health": {"interval_s": 0.1}}
        settings = app_settings(broker, database_url, followers=followers, **alone, **sections)
        app = App(settings, (*FEATURES, partial(toy, version=version)))
        task = asyncio.create_task(app.run(), name="app")
        try:
            await eventually(lambda: app.client.outgoing is not None or task.done())
            yield app
        finally:
            app._stop.set()
            await task

    return run
