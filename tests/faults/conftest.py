"""What the tests of faults have in common: a database and a rig of a test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.faults.rig import Rig
from tests.faults.trouble import LAPS
from tests.servers import MosquittoProcess


@pytest.fixture
def database(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
async def rig(mosquitto_process: MosquittoProcess, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig that drives a dozen laps, not started."""
    rig = Rig("rig-1", tmp_path, mosquitto_process.broker, seed=3, laps=LAPS, interval_s=0.3)
    yield rig
    rig.close()
