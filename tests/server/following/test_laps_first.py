"""Laps come first: followers begin nothing while laps wait, and hold up no stop."""

import asyncio

from tests.lap_client import LapClient
from tests.server.following.support import RunToy, done, gate_closed, is_waiting, send
from tests.server.following.toy import order, seen
from tests.server.support import Stored, arrow, connected, new_laps
from tests.waiting import eventually


async def test_nothing_new_is_begun_while_laps_wait(run_toy: RunToy, rig: LapClient, stored: Stored) -> None:
    """All slots taken: what is to be done waits until there is room."""
    first, second = laps = new_laps(2)
    async with run_toy(delivery={"concurrency": 1}) as app:
        await send(rig, [first])
        await done(stored, [first])
        await stored.query("truncate toy_seen, toy_after")
        async with connected(stored.url) as other, other.transaction():
            await other.execute("lock table frame_blocks in access exclusive mode")
            sha256 = await rig.publish(arrow(second))
            await eventually(lambda: app.client._in_flight)
            app.following.catch_up()
            await asyncio.sleep(0.3)
            assert await seen(stored) == []
        assert (await rig.answer(sha256)).status == "success"
        await done(stored, laps)


async def test_stopping_does_not_wait_for_a_follower(run_toy: RunToy, rig: LapClient, stored: Stored) -> None:
    """What is in hand gets its grace, is rolled back, and is done by the next start; what waits is not begun."""
    laps = new_laps(3)
    for lap in laps:
        await order(stored, lap.lap_number, "wait")
    async with gate_closed(stored):
        async with run_toy(followers={"stop_grace_s": 0.1}):
            await send(rig, laps)
            await eventually(lambda: is_waiting(stored))
        assert await seen(stored) == []

    async with run_toy():
        await done(stored, laps)


async def test_what_is_in_hand_is_finished_within_the_grace(run_toy: RunToy, rig: LapClient, stored: Stored) -> None:
    """A stop in the middle of a lap that comes to its end in time: done, and nothing after it."""
    first, second = new_laps(2)
    for lap in (first, second):
        await order(stored, lap.lap_number, "wait")
    async with run_toy(followers={"stop_grace_s": 20}) as app, gate_closed(stored):
        await send(rig, [first, second])
        await eventually(lambda: is_waiting(stored))
        app._stop.set()
        await eventually(lambda: app.following._runners[0]._stopping)
    assert await seen(stored) == [first.lap_id]
