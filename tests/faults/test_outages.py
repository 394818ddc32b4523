"""Outages and take-overs that nobody is there to end."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import asyncpg
import pytest
from aiomqtt import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy.engine import make_url

from racing_coach_demo.processes import LOOPBACK
from racing_coach_server.main import EXIT_CONFIGURATION
from tests.daemon import DaemonProcess, eventually
from tests.faults.checker import check
from tests.faults.outage import database_outage
from tests.faults.proxy import Proxy
from tests.faults.world import KEEPALIVE_S, QUICK_DAEMON, Rig
from tests.infra import DAEMON, Broker, MosquittoProcess, PostgresProcess

pytestmark = [pytest.mark.faults, pytest.mark.mosquitto]

LAPS = 12


@pytest.fixture
def database(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
async def rig(mosquitto_process: MosquittoProcess, tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig that drives a dozen laps, not started."""
    rig = Rig("rig-1", tmp_path, mosquitto_process.broker, seed=3, laps=LAPS, interval_s=0.3)
    yield rig
    rig.close()


async def _all_stored(rig: Rig, database: str, *, timeout_s: float = 60) -> None:
    await eventually(lambda: rig.is_done and not rig.files.waiting(), timeout_s=timeout_s)
    report = await check(database, [rig.files])
    assert report.findings == []
    assert report.in_database == LAPS


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("need_mosquitto")
async def test_a_database_outage_needs_no_operator() -> None:
    """Laps that arrive while the database is gone are stored when it is back, over the same broker connection."""
    report = await database_outage(seed=1, seconds=20, laps=30)
    assert report.findings == []
    assert report.in_database == report.acked == 30
    assert report.seen.degraded >= 10


async def test_a_lock_outlasts_every_timeout_and_no_lap_is_rejected(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """Maintenance that locks a table is no fault of the laps that wait for it, however often they time out."""
    settings = {
        **QUICK_DAEMON,
        "DATABASE__COMMAND_TIMEOUT_S": 0.5,
        "DELIVERY__POISON_TRIES": 3,
        "DELIVERY__RETRY_CAP_S": 0.2,
    }
    with DaemonProcess(mosquitto_process.broker, database, settings=settings):
        maintenance = await asyncpg.connect(database)
        async with maintenance.transaction():
            await maintenance.execute("lock table telemetry in access exclusive mode")
            rig.start()
            await asyncio.sleep(10)
        await maintenance.close()
        await _all_stored(rig, database)


async def test_a_database_that_hangs_rejects_no_lap(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """Writes that hang for long, as on a stalled disk, are not held against the laps: no write would have worked."""
    settings = {
        **QUICK_DAEMON,
        "DATABASE__COMMAND_TIMEOUT_S": 0.5,
        "DELIVERY__POISON_TRIES": 3,
        "DELIVERY__RETRY_CAP_S": 0.2,
    }
    with DaemonProcess(mosquitto_process.broker, database, settings=settings) as daemon:
        async with _slow(database, seconds=600, tables=["laps", "rejected_messages"]):
            rig.start()
            await eventually(lambda: daemon.logged("the database is to blame, the message is tried again"))
            await asyncio.sleep(3)
        await _all_stored(rig, database)


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
            async with _slow(database):
                await eventually(lambda: _in_mid_transaction(database))
                proxy.strand()
            await _all_stored(rig, database, timeout_s=60)
            proxy.strand()
            assert await asyncio.to_thread(daemon.stop) == 0
        finally:
            await asyncio.to_thread(daemon.close)


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
        async with _slow(database):
            await eventually(lambda: _in_mid_transaction(database))
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
        assert took < 12
        await asyncio.to_thread(daemon.start)
        await _all_stored(rig, database)
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
        assert time.monotonic() - began < 8


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
        assert took < 15
        await asyncio.to_thread(daemon.start)
        await _all_stored(rig, database)


async def test_a_broker_that_forgets_everything_stops_nothing(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """Sessions, subscriptions and queued laps may all be gone: daemon and rig subscribe and send again."""
    with DaemonProcess(mosquitto_process.broker, database, settings=QUICK_DAEMON) as daemon:
        rig.start()
        await eventually(lambda: rig.driven)
        # Laps that only the broker holds, as far as anybody there can see.
        daemon.signal(signal.SIGSTOP)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(mosquitto_process.kill)
        mosquitto_process.forget()
        await asyncio.to_thread(mosquitto_process.start)
        daemon.signal(signal.SIGCONT)
        await _all_stored(rig, database)


async def test_a_second_daemon_with_the_same_client_id_refuses_to_start(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """It names the client id and ends with a code on which systemd does not try again; the first one goes on."""
    broker = mosquitto_process.broker
    with DaemonProcess(broker, database, settings=QUICK_DAEMON) as first:
        rig.start()
        await eventually(lambda: first.logged("lap stored"))
        second = DaemonProcess(broker, database, settings={**QUICK_DAEMON, "MQTT__CLIENT_ID": first.client_id})
        second.start(wait=False)
        assert await asyncio.to_thread(second.wait) == EXIT_CONFIGURATION
        assert first.client_id in second.text
        await _all_stored(rig, database)
        assert len(first.logged("connected to the broker")) == 1
        second.client_id = f"{first.client_id}-unused"  # its session is the first one's
        second.close()


async def test_two_daemons_with_one_client_id_end_as_one(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """A daemon that was thought dead comes back: one of the two gives way for good, and laps are stored throughout."""
    broker = mosquitto_process.broker
    daemons = [DaemonProcess(broker, database, instance="first", settings=QUICK_DAEMON)]
    daemons.append(
        DaemonProcess(
            broker, database, instance="second", settings={**QUICK_DAEMON, "MQTT__CLIENT_ID": daemons[0].client_id}
        )
    )
    first, second = daemons
    try:
        await asyncio.to_thread(first.start)
        rig.start()
        await eventually(lambda: first.logged("lap stored"))
        first.signal(signal.SIGSTOP)
        await asyncio.sleep(1.5 * KEEPALIVE_S + 1)
        await asyncio.to_thread(second.start)
        first.signal(signal.SIGCONT)
        await eventually(lambda: first.is_running != second.is_running)
        gone = first if not first.is_running else second
        assert await asyncio.to_thread(gone.wait) == EXIT_CONFIGURATION
        await _all_stored(rig, database)
        await asyncio.sleep(2)
        assert first.is_running != second.is_running
    finally:
        for daemon in daemons:
            await asyncio.to_thread(daemon.close)


async def test_a_shared_subscription_outlives_one_of_its_daemons(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """What a broker strands with a dead member of the group, or forgets, the rig sends again, and the other stores."""
    settings = {**QUICK_DAEMON, "DELIVERY__SHARED_GROUP": "daemons"}
    daemons = [DaemonProcess(mosquitto_process.broker, database, settings=settings) for _ in range(2)]
    try:
        for daemon in daemons:
            await asyncio.to_thread(daemon.start)
        rig.start()
        await eventually(lambda: all(daemon.logged("lap stored") for daemon in daemons))
        await asyncio.to_thread(daemons[0].kill)
        await _all_stored(rig, database)
    finally:
        for daemon in daemons:
            await asyncio.to_thread(daemon.close)


async def test_a_take_over_by_nobody_in_particular_does_not_end_the_daemon(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """A connection with our client id that is no daemon, such as an old one of our own, is got over."""
    broker = mosquitto_process.broker
    with DaemonProcess(broker, database, settings=QUICK_DAEMON) as daemon:
        rig.start()
        await eventually(lambda: daemon.logged("lap stored"))
        for _ in range(2):
            connects = len(daemon.logged("connected to the broker"))
            await _take_over(broker, daemon.client_id)
            await eventually(lambda n=connects: len(daemon.logged("connected to the broker")) > n)
        await _all_stored(rig, database)
        assert daemon.is_running


async def test_a_half_open_connection_that_comes_back_late_does_not_end_the_daemon(
    mosquitto_process: MosquittoProcess, database: str, rig: Rig
) -> None:
    """A CONNECT of ours that the network held back for long takes our own session over, and is got over."""
    broker = mosquitto_process.broker
    async with Proxy(broker.port) as proxy:
        through = Broker(LOOPBACK, proxy.port, broker.kind, broker.version, broker.passwords)
        daemon = DaemonProcess(through, database, settings=QUICK_DAEMON)
        try:
            await asyncio.to_thread(daemon.start)
            rig.start()
            await eventually(lambda: daemon.logged("lap stored"))
            proxy.hold()
            proxy.cut()
            await eventually(lambda: len(proxy.links) >= 2)  # connections whose CONNECT goes nowhere
            held = proxy.strand()
            connects = len(daemon.logged("connected to the broker"))
            proxy.let_new_ones_pass()
            await eventually(lambda: len(daemon.logged("connected to the broker")) > connects)
            for link in held:
                link.flowing.set()
            await _all_stored(rig, database)
            await asyncio.sleep(2)
            assert daemon.is_running
            assert await asyncio.to_thread(daemon.stop) == 0
        finally:
            await asyncio.to_thread(daemon.close)


@asynccontextmanager
async def _slow(database: str, *, seconds: float = 1.0, tables: Sequence[str] = ("laps",)) -> AsyncIterator[None]:
    """Have every row of these tables take so long to be written, in the middle of its transaction."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        "create function slowly() returns trigger language plpgsql as"
        f" $$ begin perform pg_sleep({seconds}); return new; end $$"
    )
    for table in tables:
        await connection.execute(
            f"create trigger slowly before insert on {table} for each row execute function slowly()"
        )
    await connection.close()
    yield
    connection = await asyncpg.connect(database)
    for table in tables:
        await connection.execute(f"drop trigger slowly on {table}")
    await connection.close()


async def _in_mid_transaction(database: str) -> bool:
    connection = await asyncpg.connect(database)
    try:
        return bool(
            await connection.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and application_name like 'racing-coach%' and wait_event = 'PgSleep'"
            )
        )
    finally:
        await connection.close()


async def _take_over(broker: Broker, client_id: str) -> None:
    credentials = broker.credentials(DAEMON)
    session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    session.SessionExpiryInterval = 3600
    with contextlib.suppress(aiomqtt.MqttError):
        async with aiomqtt.Client(
            broker.host,
            broker.port,
            username=credentials and credentials.username,
            password=credentials and credentials.password,
            identifier=client_id,
            protocol=ProtocolVersion.V5,
            clean_start=False,
            properties=session,
        ):
            await asyncio.sleep(0.2)
