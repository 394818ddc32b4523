"""A daemon at a distributed database, a rig, and where a transaction of several nodes stands still."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from racing_coach_core.lap import Lap
from tests.citus import CitusDatabase, CitusNode
from tests.daemon import DaemonProcess
from tests.faults.settings import QUICK_DAEMON
from tests.lap_client import LapClient
from tests.server.support import Stored
from tests.waiting import eventually

STORED = {"success", "duplicate"}
QUICK = {**QUICK_DAEMON, "COACHING__ENABLED": "false", "DELIVERY__POISON_TRIES": 3}
WAIT_S = 60


@dataclass
class Scene:
    """A daemon at the coordinator, and a rig."""

    database: CitusDatabase
    daemon: DaemonProcess
    rig: LapClient

    async def place_of(self, lap: Lap) -> tuple[CitusNode, str]:
        """The worker where a lap's frames go, and its table there."""
        (row,) = await Stored(self.database.url()).query(
            "select nodeport, shardid from pg_dist_shard_placement where"
            f" shardid = get_shard_id_for_distribution_column('frame_blocks', '{lap.lap_id}')"
        )
        worker = next(node for node in self.database.cluster.workers if node.port == row["nodeport"])
        return worker, f"frame_blocks_{row['shardid']}"

    async def wholes(self, laps: list[Lap]) -> None:
        """See every lap stored once, with all its frames, at every node, once what is in doubt is settled."""
        everywhere = [Stored(self.database.url(node)) for node in self.database.cluster.nodes]
        for stored in everywhere:
            await eventually(partial(settled, stored), timeout_s=WAIT_S)
        for stored in everywhere:
            for lap in laps:
                row = await stored.lap(lap.lap_id)
                frames = await stored.value("select count(*) from telemetry where lap_id = $1", lap.lap_id)
                assert row["frame_count"] == frames == lap.frames.num_rows
            assert await stored.value("select count(*) from laps") == len(laps)
            assert await stored.value("select count(*) from rejected_messages") == 0


@asynccontextmanager
async def commits_wait(scene: Scene, node: CitusNode) -> AsyncIterator[None]:
    """For the length of the block, what is committed or prepared on a node is written there, and not confirmed."""

    async def say(value: str) -> None:
        if node.is_running:
            await asyncio.to_thread(
                scene.database.execute,
                f"alter system set synchronous_standby_names = '{value}'",
                "select pg_reload_conf()",
                node=node,
            )

    await say("nobody")
    await asyncio.sleep(0.5)
    try:
        yield
    finally:
        await say("")


async def waits_for_standby(scene: Scene, node: CitusNode) -> bool:
    """Whether somebody's commit stands still there. Citus's own worker, which tidies up after others', is nobody."""
    rows = await Stored(scene.database.url(node)).query(
        "select from pg_stat_activity where wait_event = 'SyncRep' and datname = current_database()"
        " and backend_type = 'client backend'"
    )
    return bool(rows)


async def settled(stored: Stored) -> bool:
    return not await stored.value("select count(*) from pg_prepared_xacts")


async def copies(stored: Stored) -> bool:
    rows = await stored.query("select from pg_stat_activity where state = 'active' and wait_event_type = 'Lock'"
                              " and query ilike 'copy%frame_blocks%'")  # fmt: skip
    return bool(rows)
