"""The pages in the test's own process: asked directly, or over a socket where what comes is a stream."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url
from tests.daemon import DaemonProcess
from tests.infra import MONITORING, Broker
from tests.lap_client import LapClient
from tests.server.coaching.driving import all_coached, stint
from tests.server.support import Stored, arrow, mqtt_settings
from tests.waiting import eventually

from racing_coach_core.lap import Lap
from racing_coach_server.config import Settings
from racing_coach_server.web.app import create_app

type Ask = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
"""A database that nobody answers for."""


def web_settings(broker: Broker, database_url: str = NOWHERE, **web: object) -> Settings:
    """The settings of the pages, with quick limits."""
    return Settings(
        _env_file=None,
        instance=f"test-{uuid.uuid4().hex[:12]}",
        database={"url": make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)},
        mqtt=mqtt_settings(broker, MONITORING),
        web=web,
    )


@asynccontextmanager
async def asking(settings: Settings, **options: object) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the pages, which are up meanwhile."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 50_000))
    options.setdefault("base_url", "http://127.0.0.1:8077")
    async with app.state.site.running(), httpx.AsyncClient(transport=transport, **options) as client:  # type: ignore[arg-type]  # handed through
        yield client


@pytest.fixture
async def empty(broker: Broker, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at pages of an empty database."""
    async with asking(web_settings(broker, database_url)) as client:
        yield client


@pytest.fixture(scope="module")
def driven(broker: Broker, shared_database_url: str, shared_daemon: DaemonProcess) -> list[Lap]:
    """Seven laps of one driver, stored, analysed and coached: enough for a map, and two by it."""
    assert shared_daemon.is_running
    laps = stint(7)

    async def drive() -> None:
        async with LapClient(broker, "rig-5") as rig:
            for lap in laps:
                answer = await rig.send(arrow(lap), car=lap.session.car_id)
                assert answer.status == "success", answer.message
            stored = Stored(shared_database_url)
            await eventually(lambda: all_coached(stored, len(laps)))
            await eventually(lambda: _none_is_due(stored))

    asyncio.run(drive())
    return laps


async def _none_is_due(stored: Stored) -> bool:
    """Whether all laps are analysed by the map that was found meanwhile."""
    return await stored.value("select count(*) from lap_analyses where track_map_id is null") == 0


@pytest.fixture
async def pages(broker: Broker, shared_database_url: str, driven: list[Lap]) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at pages of those laps."""
    async with asking(web_settings(broker, shared_database_url)) as client:
        yield client


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of the test's own, without a `.env`."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
