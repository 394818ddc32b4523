"""A message that the daemon dies of does not keep it down."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.daemon import DaemonProcess
from tests.faults.crashing_daemon import DEADLY
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.support import arrow, new_lap

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]


async def test_a_message_that_ends_the_daemon_is_read_three_times(broker: Broker, database_url: str) -> None:
    """At the next start it is answered as rejected, and a lap that came behind it is stored."""
    lap = new_lap()
    daemon = DaemonProcess(broker, database_url, environment={"PYTHONPATH": str(ROOT)})
    daemon.command = [sys.executable, "-m", "tests.faults.crashing_daemon", "reading", "1"]
    try:
        await asyncio.to_thread(daemon.start)
        async with LapClient(broker, "rig-1") as rig, LapClient(broker, "rig-2") as other:
            sent = asyncio.create_task(rig.send(DEADLY))
            assert await asyncio.to_thread(daemon.wait) == -signal.SIGKILL
            honest = asyncio.create_task(other.send(arrow(lap)))
            for _ in range(2):
                await asyncio.to_thread(daemon.start, wait=False)
                assert await asyncio.to_thread(daemon.wait) == -signal.SIGKILL
            await asyncio.to_thread(daemon.start)
            answer = await sent
            assert (answer.status, answer.response.message.split(" while ")[0]) == (
                "rejected",
                "the daemon died 3 times",
            )
            assert (await honest).status == "success"
            assert daemon.logged("the daemon died while it read messages")
            # Once it is dealt with, nothing is remembered of it.
            assert list((daemon.state_folder / daemon.instance).iterdir()) == []
    finally:
        await asyncio.to_thread(daemon.close)
