"""The daemon in this process, that gives up soon."""

from collections.abc import AsyncIterator

import pytest
from tests.server.conftest import RunApp
from tests.server.messaging.breaking import QUICK

from racing_coach_server.app import App


@pytest.fixture
async def app(run_app: RunApp) -> AsyncIterator[App]:
    """The daemon, in this process."""
    async with run_app(delivery=QUICK, health={"interval_s": 0.1}) as app:
        yield app
