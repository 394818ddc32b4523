"""Followers of stored laps, proved on a toy: what happens to every lap, and to bugs."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.following.support import RunToy, done, gate_closed, is_waiting, listening, send
from tests.server.following.toy import Toy, order, seen
from tests.server.support import Stored, Watcher, arrow, new_laps
from tests.waiting import eventually


async def test_a_stored_lap_is_followed_once_and_published(
    run_toy: RunToy, rig: LapClient, broker: Broker, stored: Stored
) -> None:
    """By the follower, by the one that follows that, and to the rig; the heartbeat's numbers say so."""
    laps = new_laps(3)
    async with run_toy() as app, listening(broker) as heard, Watcher(broker, app.settings.instance) as watcher:
        await send(rig, laps)
        assert (await rig.send(arrow(laps[0]))).status == "duplicate"
        await done(stored, laps)
        await eventually(lambda: len(heard) == len(laps))
        await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].features["toy"].done == 2 * len(laps))
        beat = watcher.heartbeats[-1]

    assert beat.features["toy"].model_dump() == {"done": 6, "failed": 0, "behind": 0}
    assert await stored.value("select count(*) from toy_seen where published_at is not null") == len(laps)
    assert [str(lap.lap_id).encode() in payload for lap, payload in zip(laps, heard, strict=True)] == [True] * 3


async def test_laps_are_answered_while_a_follower_is_at_work(run_toy: RunToy, rig: LapClient, stored: Stored) -> None:
    """One lap holds the follower up; all others are stored and answered before it goes on."""
    slow, *others = laps = new_laps(5)
    await order(stored, slow.lap_number, "wait")
    async with run_toy():
        async with gate_closed(stored):
            await send(rig, [slow])
            await eventually(lambda: is_waiting(stored))
            await send(rig, others)
            assert await is_waiting(stored)
            assert await seen(stored) == []
        await done(stored, laps)


async def test_a_failure_is_said_once_counted_and_stored(
    run_toy: RunToy, rig: LapClient, broker: Broker, stored: Stored
) -> None:
    """It is not tried again in this version, the next lap is followed, and laps are as healthy as before."""
    bad, good = new_laps(2)
    await order(stored, bad.lap_number, "fail")
    with capture_logs() as log:
        async with run_toy() as app, Watcher(broker, app.settings.instance) as watcher:
            await send(rig, [bad, good])
            await done(stored, [good])
            await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].features["toy"].failed == 1)
            assert {beat.status for beat in watcher.heartbeats} == {"healthy"}
        async with run_toy(followers={"catch_up_s": 0.05}):
            await asyncio.sleep(0.5)

    (line,) = [line for line in log if line["event"] == "a follower failed"]
    assert "ordered to fail" in str(line["exc_info"])
    assert "ordered to fail" in await stored.value("select failure from toy_seen where lap_id = $1", bad.lap_id)
    assert await stored.value("select count(*) from toy_seen") == 2


async def test_a_new_version_does_the_old_laps_again(run_toy: RunToy, rig: LapClient, stored: Stored) -> None:
    """Those that failed, too."""
    laps = new_laps(2)
    await order(stored, laps[0].lap_number, "fail")
    async with run_toy():
        await send(rig, laps)
        await eventually(lambda: _rows(stored, 2))
    await stored.query("delete from toy_orders")

    async with run_toy(version=2):
        await eventually(lambda: _rows(stored, 4))

    rows = await stored.query("select lap_id from toy_seen where version = 2 and failure is null")
    assert {row[0] for row in rows} == {lap.lap_id for lap in laps}


async def _rows(stored: Stored, count: int) -> bool:
    return bool(await stored.value("select count(*) from toy_seen") >= count)


@pytest.mark.parametrize("method", ["pending", "is_due", "publications", "fail"])
async def test_a_bug_anywhere_in_a_follower_is_its_own(
    run_toy: RunToy, rig: LapClient, broker: Broker, stored: Stored, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Laps are answered, the daemon is healthy and stops as it should; the log says which follower."""
    laps = new_laps(3)

    async def buggy(*_: object) -> Any:
        raise KeyError("a bug of the toy's")

    monkeypatch.setattr(Toy, method, buggy)
    if method == "fail":
        await order(stored, laps[0].lap_number, "fail")
    with capture_logs() as log:
        async with run_toy(followers={"catch_up_s": 0.1}) as app, Watcher(broker, app.settings.instance) as watcher:
            await send(rig, laps)
            await eventually(lambda: [line for line in log if "a bug of the toy's" in str(line.get("exc_info"))])
            await eventually(lambda: watcher.heartbeats)
            assert {beat.status for beat in watcher.heartbeats} == {"healthy"}

    assert {line.get("follower", "toy") for line in log if line["log_level"] == "error"} == {"toy"}
    if method == "fail":
        assert len([line for line in log if line["event"] == "a follower failed"]) == 1
