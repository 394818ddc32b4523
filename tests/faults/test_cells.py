"""Two cells, a broker and a daemon each, on one database: a rig that moves between them, and one that is gone for good."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests.daemon import DaemonProcess
from tests.faults.rig import Rig
from tests.faults.settings import QUICK_DAEMON
from tests.faults.trouble import LAPS, all_stored
from tests.infra import Broker
from tests.servers import MosquittoProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.mosquitto, pytest.mark.timeout(180)]


@dataclass
class Cell:
    """A broker and a daemon."""

    mosquitto: MosquittoProcess
    daemon: DaemonProcess

    @property
    def broker(self) -> Broker:
        return self.mosquitto.broker


@pytest.fixture
def cells(need_mosquitto: None, database: str) -> Iterator[list[Cell]]:
    """Two of them."""
    with ExitStack() as stack:
        made = []
        for name in ("north", "south"):
            mosquitto = stack.enter_context(MosquittoProcess())
            settings = {**QUICK_DAEMON, "CELL": name}
            daemon = DaemonProcess(mosquitto.broker, database, settings=settings)
            stack.callback(daemon.close)
            made.append(Cell(mosquitto, daemon.start()))
        yield made


@pytest.fixture
async def rig(cells: list[Cell], tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig of the first cell, that drives a dozen laps."""
    rig = Rig("rig-1", tmp_path, cells[0].broker, seed=3, laps=LAPS, interval_s=0.3)
    yield rig
    rig.close()


def moved(rig: Rig, cell: Cell, tmp_path: Path) -> Rig:
    """The same rig, with its outbox, at another cell."""
    return Rig(rig.name, tmp_path, cell.broker, seed=3, laps=LAPS, interval_s=0.3)


async def test_a_rig_moves_to_another_cell_with_laps_in_its_outbox(
    cells: list[Cell], rig: Rig, database: str, tmp_path: Path
) -> None:
    """What it had sent waits at the first cell too, and is stored there when its daemon goes on: no lap twice, none lost."""
    north, south = cells
    rig.start()
    await eventually(lambda: north.daemon.logged("lap stored"))
    north.daemon.signal(signal.SIGSTOP)
    await eventually(lambda: rig.files.waiting() >= 4)
    assert await asyncio.to_thread(rig.stop) == 0
    there = moved(rig, south, tmp_path)
    try:
        there.start()
        await eventually(lambda: south.daemon.logged("lap stored"))
        north.daemon.signal(signal.SIGCONT)
        await all_stored(there, database)
    finally:
        there.close()
    assert await cells_of(database) == {"north", "south"}


async def test_a_cell_is_killed_for_good_and_its_rig_goes_on_at_another(
    cells: list[Cell], rig: Rig, database: str, tmp_path: Path
) -> None:
    """Broker and daemon never come back: what was answered is stored, and what was not is still on the rig."""
    north, south = cells
    rig.start()
    await eventually(lambda: len(north.daemon.logged("lap stored")) >= 3)
    north.daemon.kill()
    north.mosquitto.kill()
    north.mosquitto.forget()
    await eventually(lambda: rig.files.waiting() >= 3)
    assert await asyncio.to_thread(rig.stop) == 0
    there = moved(rig, south, tmp_path)
    try:
        there.start()
        await all_stored(there, database)
    finally:
        there.close()
    assert await cells_of(database) == {"north", "south"}


async def cells_of(database: str) -> set[str]:
    """The cells by which laps came."""
    connection = await asyncpg.connect(database)
    try:
        return {row[0] for row in await connection.fetch("select distinct cell from laps")}
    finally:
        await connection.close()
