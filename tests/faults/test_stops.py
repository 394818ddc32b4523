"""SIGTERM while something that the daemon needs does not answer, with laps of real rigs; in short in test_daemon.py."""

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.daemon import DaemonProcess
from tests.faults.rig import Rig
from tests.faults.settings import QUICK_DAEMON
from tests.faults.trouble import LAPS, all_stored, in_mid_transaction, slow
from tests.servers import MosquittoProcess, PostgresProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.mosquitto, pytest.mark.long]


@pytest.mark.parametrize("stops", ["frozen", "stopped"])
async def test_a_stop_waits_for_no_database(
    mosquitto_process: MosquittoProcess, postgres_process: PostgresProcess, tmp_path: Path, stops: str
) -> None:
    """SIGTERM with laps in flight and a database that does not answer ends the daemon in time; no lap is lost."""
    database = make_url(postgres_process.url).set(drivername="postgresql").render_as_string(hide_password=False)
    rig = Rig("rig-1", tmp_path, mosquitto_process.broker, seed=3, laps=LAPS, interval_s=0.3)
    settings = {**QUICK_DAEMON, "DATABASE__COMMAND_TIMEOUT_S": 60, "DELIVERY__STOP_GRACE_S": 3}
    daemon = DaemonProcess(mosquitto_process.broker, database, settings=settings)
    try:
        await asyncio.to_thread(daemon.start)
        rig.start()
        async with slow(database):
            await eventually(lambda: in_mid_transaction(database))
            if stops == "frozen":
                postgres_process.freeze()
            else:
                await asyncio.to_thread(postgres_process.kill)
            await asyncio.sleep(1)
            began = time.monotonic()
            code = await asyncio.to_thread(daemon.stop, 60)
            took = time.monotonic() - began
            postgres_process.thaw()
            await asyncio.to_thread(postgres_process.start)
        assert code == 0
        assert took < 30
        await asyncio.to_thread(daemon.start)
        await all_stored(rig, database)
    finally:
        postgres_process.thaw()
        rig.close()
        await asyncio.to_thread(daemon.close)


async def test_a_stop_waits_for_no_idle_database(
    mosquitto_process: MosquittoProcess, postgres_process: PostgresProcess
) -> None:
    """Pooled connections to a server that went silent do not hold up a stop either."""
    settings = {**QUICK_DAEMON, "DATABASE__COMMAND_TIMEOUT_S": 60}
    with DaemonProcess(mosquitto_process.broker, postgres_process.url, settings=settings) as daemon:
        await asyncio.sleep(2)
        postgres_process.freeze()
        began = time.monotonic()
        assert await asyncio.to_thread(daemon.stop, 60) == 0
        assert time.monotonic() - began < 30


async def test_a_stop_waits_for_no_broker(mosquitto_process: MosquittoProcess, database: str, rig: Rig) -> None:
    """SIGTERM while the broker does not answer ends the daemon in time, and no lap is lost."""
    with DaemonProcess(mosquitto_process.broker, database, settings=QUICK_DAEMON) as daemon:
        rig.start()
        await eventually(lambda: daemon.logged("lap stored"))
        mosquitto_process.freeze()
        await asyncio.sleep(1)
        began = time.monotonic()
        code = await asyncio.to_thread(daemon.stop, 60)
        took = time.monotonic() - began
        mosquitto_process.thaw()
        assert code == 0
        assert took < 30
        await asyncio.to_thread(daemon.start)
        await all_stored(rig, database)
