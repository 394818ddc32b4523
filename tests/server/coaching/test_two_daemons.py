"""Two daemons on one database; and what a daemon says of laps that it finds late."""

import asyncio
import uuid

from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.coaching.driving import all_coached, coached, keep_fresh, said_of, stint
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, arrow
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_analysis.corners import LAPS_FOR_MAP

QUICK = {"FOLLOWERS__CATCH_UP_S": 0.3}


def followed(daemons: list[DaemonProcess], follower: str) -> list[str]:
    """The laps that a follower did, as often as one of the daemons says so."""
    return [str(line["lap_id"]) for daemon in daemons for line in daemon.logged("followed", follower=follower)]


async def until_followed(daemons: list[DaemonProcess], laps: int) -> None:
    await eventually(lambda: len(followed(daemons, "coaching")) >= laps)


async def test_two_daemons_of_a_shared_group_coach_each_lap_once(
    start_daemon: StartDaemon, rig: LapClient, stored: Stored
) -> None:
    """Both also catch up all the time: what one has in hand the other leaves alone."""
    settings = {**QUICK, "DELIVERY__SHARED_GROUP": f"g{uuid.uuid4().hex[:8]}"}
    first = start_daemon(settings=settings)
    laps = stint(LAPS_FOR_MAP + 8)
    for lap in laps[:LAPS_FOR_MAP]:
        await coached(rig, lap)
    daemons = [first, await asyncio.to_thread(start_daemon, settings=settings)]

    for lap in laps[LAPS_FOR_MAP:]:
        await rig.publish(arrow(lap))

    for lap in laps[LAPS_FOR_MAP:]:
        await said_of(rig, lap)
    await eventually(lambda: all_coached(stored, len(laps)))
    await asyncio.sleep(1)  # some more rounds of both
    for follower in ("lap_analysis", "comparison", "coaching"):
        done = followed(daemons, follower)
        assert all(done.count(str(lap.lap_id)) == 1 for lap in laps[LAPS_FOR_MAP:]), follower
    assert all(queue.empty() for queue in rig.coaching.values())
    assert not [line for daemon in daemons for line in daemon.log if line.get("level") == "error"]


async def test_daemons_at_two_brokers_coach_their_own_rigs(
    start_daemon: StartDaemon, mosquitto_process: MosquittoProcess, broker: Broker, rig: LapClient, stored: Stored
) -> None:
    """One database, a broker and a daemon each: every lap is coached once, and where its rig hears it."""
    other = mosquitto_process.broker
    daemons = [start_daemon(settings=QUICK), start_daemon(settings=QUICK, broker=other)]
    async with LapClient(other, "rig-2") as second:
        here, there = stint(8), stint(8, seed=2)
        for one, two in zip(here, there, strict=True):
            said = await asyncio.gather(coached(rig, one), coached(second, two))
            assert [each.lap_id for each in said] == [one.lap_id, two.lap_id]
        await eventually(lambda: all_coached(stored, 16))
        assert await stored.value("select count(*) from track_maps") == 1
        assert all(queue.empty() for client in (rig, second) for queue in client.coaching.values())
    assert not [line for daemon in daemons for line in daemon.log if line.get("level") == "error"]


async def test_of_a_lap_that_was_stored_long_ago_nothing_is_said(
    start_daemon: StartDaemon, rig: LapClient, stored: Stored
) -> None:
    """It is analysed and coached, for those who look it up; advice that comes a minute late is not sent."""
    instance = f"test-{uuid.uuid4().hex[:8]}"
    daemon = start_daemon(instance=instance, settings={"COACHING__ENABLED": "false"})
    old, fresh = laps = stint(2)
    for lap in laps:
        assert (await rig.send(arrow(lap))).status == "success"
    assert await asyncio.to_thread(daemon.stop) == 0
    await stored.query("update laps set created_at = now() - interval '61 s' where id = $1", old.lap_id)

    await keep_fresh(stored, fresh)

    start_daemon(instance=instance)

    await said_of(rig, fresh)
    await eventually(lambda: all_coached(stored, 2))
    await asyncio.sleep(0.5)
    assert rig.coaching[old.lap_id].empty()
    rows = await stored.query("select lap_id, published_at is not null from coaching where status = 'done'")
    assert dict(map(tuple, rows)) == {old.lap_id: False, fresh.lap_id: True}
