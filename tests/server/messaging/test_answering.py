"""The answer that the broker does not take."""

import asyncio
import os
import signal
from typing import Any

from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.support import Stored, Watcher, arrow, connected, new_laps
from tests.servers import MosquittoProcess
from tests.waiting import eventually


async def test_an_answer_that_the_broker_refuses_stalls_nobody(
    mosquitto_process: MosquittoProcess, run_app: RunApp, stored: Stored
) -> None:
    """A mistake in the access list: laps are stored and taken on, the heartbeat says what is wrong, until it is not."""
    process = mosquitto_process
    acl = process.scratch / "acl"
    right = acl.read_text()
    broker = process.broker

    async with (
        run_app(broker=broker, health={"interval_s": 0.1}, delivery={"concurrency": 1}) as app,
        LapClient(broker, "rig-1") as rig,
        Watcher(broker, app.settings.instance) as watcher,
    ):
        acl.write_text(right.replace("topic write racing-coach/v1/acks/#", ""))
        os.kill(process.pid, signal.SIGHUP)
        laps = new_laps(3)
        for lap in laps:
            await rig.publish(arrow(lap))
        await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].laps.stored == 3)

        beat = await watcher.next_heartbeat()
        assert beat.status == "degraded"
        assert "not authorised" in (beat.mqtt.message or "")
        assert "racing-coach/v1/acks/rig-1/" in (beat.mqtt.message or "")
        assert beat.mqtt.reconnects == 0

        acl.write_text(right)
        os.kill(process.pid, signal.SIGHUP)
        assert (await rig.send(arrow(laps[0]))).status == "duplicate"
        await eventually(lambda: watcher.heartbeats[-1].status == "healthy")


async def test_an_answer_without_a_puback_stalls_nobody(
    mosquitto_process: MosquittoProcess, run_app: RunApp, stored: Stored
) -> None:
    """A broker that stands still for longer than the timeout, and not so long as the keepalive: all are answered."""
    broker = mosquitto_process.broker
    async with (
        run_app(broker=broker, mqtt={"timeout_s": 0.5}, delivery={"concurrency": 2}) as app,
        LapClient(broker, "rig-1") as rig,
        connected(stored.url) as other,
    ):
        laps = new_laps(6)
        async with other.transaction():
            await other.execute("lock table laps in access exclusive mode")
            hashes = [await rig.publish(arrow(lap)) for lap in laps]
            await eventually(lambda: app.client._in_flight)
            mosquitto_process.freeze()
        # The lap is committed, and its answer is not taken.
        await eventually(lambda: _count(stored))
        await asyncio.sleep(1.5)
        mosquitto_process.thaw()

        answers = [await rig.answer(sha256) for sha256 in hashes]

    assert {answer.status for answer in answers} <= {"success", "duplicate"}
    assert await stored.value("select count(*) from laps") == len(laps)


async def _count(stored: Stored) -> Any:
    return await stored.value("select count(*) from laps")
