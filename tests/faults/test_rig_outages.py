"""What a rig must get over by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from racing_coach_core.messages import LapStatus, LapUploadResponse
from racing_coach_demo.embedded import EmbeddedBroker
from racing_coach_demo.processes import LOOPBACK
from tests.clients import TOPICS, User
from tests.daemon import DaemonProcess
from tests.faults.backlog import plain
from tests.faults.checker import check
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from tests.faults.settings import QUICK_DAEMON
from tests.infra import DAEMON, Broker
from tests.lap_client import CAR
from tests.servers import MosquittoProcess
from tests.waiting import TIMEOUT_S, eventually

pytestmark = pytest.mark.faults

LAPS = 6


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Brokers of both kinds, of this test's own."""
    if request.param == "mosquitto":
        request.getfixturevalue("need_mosquitto")
        with MosquittoProcess() as mosquitto:
            yield mosquitto.broker
    else:
        with EmbeddedBroker() as embedded:
            yield Broker(embedded.host, embedded.port, "embedded", "rumqttd")


@pytest.fixture
async def daemon(broker: Broker, database_url: str) -> AsyncIterator[DaemonProcess]:
    daemon = DaemonProcess(broker, database_url, settings=QUICK_DAEMON)
    await asyncio.to_thread(daemon.start)
    yield daemon
    await asyncio.to_thread(daemon.close)


async def _all_stored(rig: Rig, database_url: str, *, timeout_s: float = 60) -> None:
    try:
        await eventually(lambda: rig.is_done and not rig.files.waiting(), timeout_s=timeout_s)
    except TimeoutError as error:
        error.add_note(f"the rig's log:\n{rig.log.read_text()}")
        raise
    report = await check(plain(database_url), [rig.files])
    assert report.findings == []
    assert report.in_database == LAPS


async def test_many_answers_that_waited_do_not_stop_a_rig(
    broker: Broker, database_url: str, daemon: DaemonProcess, tmp_path: Path
) -> None:
    """A rig that comes back to a queue full of answers takes them, and goes on sending."""
    rig = Rig("rig-1", tmp_path, broker, seed=3, laps=LAPS, interval_s=0.2)
    try:
        rig.start()
        await eventually(lambda: rig.driven)
        rig.kill()
        answer = LapUploadResponse(
            status=LapStatus.DUPLICATE, message="again", payload_sha256="0" * 64, received_at=datetime.now(UTC)
        )
        user = User(broker, DAEMON)
        for _ in range(300):
            user.publish(TOPICS.lap_answers.build(rig="rig-1", car=CAR), answer.model_dump_json().encode())
        user.close()
        rig.start()
        await _all_stored(rig, database_url, timeout_s=TIMEOUT_S)
    finally:
        rig.close()


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
async def test_a_slow_uplink_gets_its_laps_through(
    broker: Broker, database_url: str, daemon: DaemonProcess, tmp_path: Path
) -> None:
    """A lap that takes longer to upload than a PUBACK may take is waited for as long as bytes are leaving."""
    async with Proxy(broker.port) as proxy:
        proxy.bytes_per_s = 200_000  # the JSON laps take 6 s, the timeout is 3 s and the keepalive 5 s
        through = Broker(LOOPBACK, proxy.port, broker.kind, broker.version, broker.passwords)
        rig = Rig("rig-1", tmp_path, through, seed=3, laps=LAPS, interval_s=0.2)
        try:
            rig.start()
            await _all_stored(rig, database_url, timeout_s=TIMEOUT_S)
            assert rig.files.accounts()["sent"] == LAPS
        finally:
            rig.close()


async def test_a_rig_that_was_started_just_now_is_stopped_in_order(rig: Rig) -> None:
    """As at the end of a run in which everything was just killed: it ends by itself, and not by the signal."""
    for _ in range(3):
        rig.start()
        assert await asyncio.to_thread(rig.stop) == 0
