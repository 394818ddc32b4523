"""Servers of a distributed database that are killed at the worst moments, and one that is added, while laps come.

A transaction that several nodes have a part in is prepared on each, committed where it began, then on the others. Where
it stands still is ordered by locks, and by a standby that is awaited and does not exist.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from racing_coach_core.lap import Lap
from tests.citus import CitusCluster, CitusDatabase, DistributedServer
from tests.daemon import DaemonProcess
from tests.faults.distributed_scene import (
    QUICK,
    STORED,
    WAIT_S,
    Scene,
    commits_wait,
    copies,
    waits_for_standby,
)
from tests.faults.world import World
from tests.lap_client import LapClient
from tests.server.support import Stored, arrow, new_lap
from tests.servers import MosquittoProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.citus, pytest.mark.faults, pytest.mark.mosquitto, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[CitusCluster]:
    """A coordinator and two workers, with their durability on."""
    with CitusCluster() as cluster:
        yield cluster


@pytest.fixture
def distributed(cluster: CitusCluster) -> Iterator[CitusDatabase]:
    """A distributed database of this cluster, all of whose nodes run."""
    with cluster.database() as database:
        database.distribute()
        yield database
        for node in cluster.nodes:
            if not node.is_running:
                node.start()


@pytest.fixture
async def scene(distributed: CitusDatabase, mosquitto_process: MosquittoProcess) -> AsyncIterator[Scene]:
    broker = mosquitto_process.broker
    daemon = DaemonProcess(broker, distributed.url(), settings=QUICK)
    try:
        await asyncio.to_thread(daemon.start)
        async with LapClient(broker, "rig-1") as rig:
            yield Scene(distributed, daemon, rig)
    finally:
        await asyncio.to_thread(daemon.close)


async def test_a_worker_is_killed_in_the_middle_of_copy(scene: Scene) -> None:
    """The lap waits, unanswered, and is stored whole when the worker is back; none is rejected."""
    lap = new_lap()
    worker, table = await scene.place_of(lap)
    other = Stored(scene.database.url(worker))
    holder = await asyncpg.connect(scene.database.url(worker))
    await holder.execute(f"set citus.enable_manual_changes_to_shards = on; begin; lock table {table}")
    sha256 = await scene.rig.publish(arrow(lap))
    await eventually(lambda: copies(other))

    await asyncio.to_thread(worker.kill)
    await eventually(lambda: scene.daemon.logged("the database is in trouble, laps wait"))
    assert not scene.rig.has_answer(sha256)
    await asyncio.sleep(8)  # more tries than it would take to think the lap to blame
    await asyncio.to_thread(worker.start)

    assert (await scene.rig.answer(sha256, WAIT_S)).status == "success"
    await scene.wholes([lap])


async def test_a_worker_is_killed_between_prepare_and_its_commit(scene: Scene) -> None:
    """The lap is committed where the transaction began, and answered; the worker's part follows when it is back."""
    lap, coordinator = new_lap(), scene.database.cluster.coordinator
    worker, _ = await scene.place_of(lap)
    async with commits_wait(scene, coordinator):
        sha256 = await scene.rig.publish(arrow(lap))
        await eventually(lambda: waits_for_standby(scene, coordinator))
        assert await Stored(scene.database.url(worker)).value("select count(*) from pg_prepared_xacts") > 0
        await asyncio.to_thread(worker.kill)
        assert not scene.rig.has_answer(sha256)

    assert (await scene.rig.answer(sha256, WAIT_S)).status in STORED
    await asyncio.to_thread(worker.start)
    await scene.wholes([lap])


async def test_a_worker_is_killed_while_it_prepares(scene: Scene) -> None:
    """Nothing is committed anywhere; the lap is stored when the worker is back, and what it had prepared is undone."""
    lap = new_lap()
    worker, _ = await scene.place_of(lap)
    async with commits_wait(scene, worker):
        sha256 = await scene.rig.publish(arrow(lap))
        await eventually(lambda: waits_for_standby(scene, worker))
        await asyncio.to_thread(worker.kill)
        assert not scene.rig.has_answer(sha256)
    await asyncio.to_thread(worker.start)
    await asyncio.to_thread(
        scene.database.execute, "alter system reset synchronous_standby_names", "select pg_reload_conf()", node=worker
    )

    assert (await scene.rig.answer(sha256, WAIT_S)).status == "success"
    await scene.wholes([lap])


async def test_the_coordinator_is_killed_while_it_commits(scene: Scene) -> None:
    """The lap was never answered. It comes again, and is a duplicate of what was committed after all, whole on every node."""
    lap, coordinator = new_lap(), scene.database.cluster.coordinator
    async with commits_wait(scene, coordinator):
        sha256 = await scene.rig.publish(arrow(lap))
        await eventually(lambda: waits_for_standby(scene, coordinator))
        await asyncio.to_thread(coordinator.kill)
        assert not scene.rig.has_answer(sha256)
    await asyncio.to_thread(coordinator.start)
    await asyncio.to_thread(
        scene.database.execute, "alter system reset synchronous_standby_names", "select pg_reload_conf()"
    )

    assert (await scene.rig.answer(sha256, WAIT_S)).status in STORED
    await scene.wholes([lap])


async def test_the_coordinator_is_gone_and_a_daemon_at_a_worker_goes_on_when_it_is_back(
    scene: Scene, mosquitto_process: MosquittoProcess
) -> None:
    """Small tables are on every node, the coordinator too: while one is down nobody stores, and nothing is lost."""
    await asyncio.to_thread(scene.daemon.stop)
    worker, laps = scene.database.cluster.workers[0], [new_lap() for _ in range(4)]
    daemon = DaemonProcess(mosquitto_process.broker, scene.database.url(worker), settings=QUICK)
    try:
        await asyncio.to_thread(daemon.start)
        assert (await scene.rig.send(arrow(laps[0]))).status == "success"
        await asyncio.to_thread(scene.database.cluster.coordinator.kill)
        hashes = [await scene.rig.publish(arrow(lap)) for lap in laps[1:]]
        await eventually(lambda: daemon.logged("the database is in trouble, laps wait"))
        await asyncio.sleep(8)
        await asyncio.to_thread(scene.database.cluster.coordinator.start)
        for sha256 in hashes:
            assert (await scene.rig.answer(sha256, WAIT_S)).status in STORED
        await scene.wholes(laps)
    finally:
        await asyncio.to_thread(daemon.close)


@pytest.mark.long
async def test_a_node_is_added_and_takes_its_share_while_laps_come(scene: Scene, distributed: CitusDatabase) -> None:
    """Shards move to it; every lap that came meanwhile is answered, stored once and whole, and none had to be driven again."""
    laps: list[Lap] = []
    waits: list[float] = []
    moved = asyncio.Event()

    async def drive() -> None:
        while not moved.is_set():
            lap = new_lap()
            laps.append(lap)
            began = time.monotonic()
            assert (await scene.rig.send(arrow(lap), timeout_s=WAIT_S)).status in STORED
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.1)

    driving = asyncio.create_task(drive(), name="drive")
    await eventually(lambda: len(waits) >= 5)
    node = await asyncio.to_thread(distributed.cluster.start_worker)
    await asyncio.to_thread(distributed.create, node)
    await asyncio.to_thread(distributed.add, node)
    await asyncio.to_thread(distributed.execute, "select citus_rebalance_start()", "select citus_rebalance_wait()")
    before = len(waits)
    await eventually(lambda: len(waits) >= before + 10 or driving.done())
    moved.set()
    await driving

    shards = await Stored(distributed.url()).query(
        "select nodeport, count(*) from citus_shards where table_name = 'frame_blocks'::regclass group by nodeport"
    )
    assert {row["nodeport"]: row["count"] > 5 for row in shards} == dict.fromkeys(
        (worker.port for worker in distributed.cluster.workers), True
    )
    print(f"{len(laps)} laps, the slowest answer took {max(waits):.1f} s")
    await scene.wholes(laps)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_rigs_drive_through_the_loss_of_each_server_and_the_move_of_shards(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The seeded run's checker finds nothing: each lap stored once and whole, none answered early, each coached once."""
    server = DistributedServer()
    async with World(seed=7, rigs=3, laps_per_rig=40, interval_s=1.0, database=server) as world:
        await world.until_started()
        for worker in server.cluster.workers:
            await world.until_answered_more()
            await asyncio.to_thread(worker.kill)
            await asyncio.sleep(4)
            await asyncio.to_thread(worker.start)
        await world.until_answered_more()
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(4)
        await asyncio.to_thread(server.start)
        assert server.database is not None
        node = await asyncio.to_thread(server.cluster.start_worker)
        await asyncio.to_thread(server.database.create, node)
        await asyncio.to_thread(server.database.add, node)
        await world.until_answered_more()
        await asyncio.to_thread(
            server.database.execute, "select citus_rebalance_start()", "select citus_rebalance_wait()"
        )
        with world.down("daemon"):
            await asyncio.to_thread(world.daemon.kill)
            await asyncio.to_thread(world.daemon.start)
        world.faults = {"worker killed": 2, "coordinator killed": 1, "node added": 1, "daemon killed": 1}
        await world.until_driven(240)
        await world.until_drained(120)
        await world.until_coached(120)
        await world.stop()
        report = await world.check()
    with capsys.disabled():
        print("\n" + report.table())
    assert report.findings == []
    assert report.spooled == report.acked == report.in_database == 120
