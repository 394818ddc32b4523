"""A database that is gone, locked, hangs or has gone silent."""

import asyncio

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from racing_coach_demo.processes import LOOPBACK
from tests.daemon import DaemonProcess
from tests.faults.outage import database_outage
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from tests.faults.settings import QUICK_DAEMON
from tests.faults.trouble import all_stored, in_mid_transaction, slow
from tests.servers import MosquittoProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.mosquitto]


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("need_mosquitto")
@pytest.mark.parametrize(("seconds", "laps"), [(5, 10), pytest.param(20, 30, marks=pytest.mark.long)])
async def test_a_database_outage_needs_no_operator(seconds: int, laps: int) -> None:
    """Laps that arrive while the database is gone are stored when it is back, over the same broker connection."""
    report = await database_outage(seed=1, seconds=seconds, laps=laps)
    assert report.findings == []
    assert report.in_database == report.acked == laps
    assert report.seen.degraded


async def test_a_lock_outlasts_every_timeout_and_no_lap_is_rejected(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """Maintenance that locks a table is no fault of the laps that wait for it, however often they time out."""
    settings = {
        **QUICK_DAEMON,
        "DATABASE__COMMAND_TIMEOUT_S": 1.5,
        "DELIVERY__POISON_TRIES": 3,
        "DELIVERY__RETRY_CAP_S": 0.2,
    }
    with DaemonProcess(mosquitto_process.broker, database, settings=settings):
        maintenance = await asyncpg.connect(database)
        async with maintenance.transaction():
            await maintenance.execute("lock table frame_blocks in access exclusive mode")
            rig.start()
            await asyncio.sleep(7)  # more tries than a lap has that is to blame itself
        await maintenance.close()
        await all_stored(rig, database)


async def test_a_database_that_hangs_rejects_no_lap(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """Writes that hang for long, as on a stalled disk, are not held against the laps: no write would have worked."""
    settings = {
        **QUICK_DAEMON,
        "DATABASE__COMMAND_TIMEOUT_S": 1.5,
        "DELIVERY__POISON_TRIES": 3,
        "DELIVERY__RETRY_CAP_S": 0.2,
    }
    with DaemonProcess(mosquitto_process.broker, database, settings=settings) as daemon:
        async with slow(database, seconds=600, tables=["laps", "rejected_messages"]):
            rig.start()
            await eventually(lambda: daemon.logged("the database is to blame, the message is tried again"))
            await asyncio.sleep(2)
        await all_stored(rig, database)


async def test_database_connections_that_went_silent_are_given_up(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """A failed-over server never says goodbye: its connections stay silent for good, and laps take new ones."""
    url = make_url(database)
    async with Proxy(url.port or 5432, url.host or LOOPBACK) as proxy:
        through = url.set(host=LOOPBACK, port=proxy.port).render_as_string(hide_password=False)
        daemon = DaemonProcess(mosquitto_process.broker, through, settings=QUICK_DAEMON)
        try:
            await asyncio.to_thread(daemon.start)
            rig.start()
            await eventually(lambda: daemon.logged("lap stored"))
            async with slow(database):
                await eventually(lambda: in_mid_transaction(database))
                proxy.strand()
            await all_stored(rig, database)
            proxy.strand()
            assert await asyncio.to_thread(daemon.stop) == 0
        finally:
            await asyncio.to_thread(daemon.close)
