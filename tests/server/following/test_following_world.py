"""Followers while database or broker are in trouble."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.following.support import RunToy, done, gate_closed, is_waiting, listening, send
from tests.server.following.toy import Toy, order
from tests.server.support import Stored, Watcher, new_laps
from tests.waiting import eventually

from racing_coach_core.mqtt.connection import Connection


async def test_a_lost_connection_is_waited_out(run_toy: RunToy, rig: LapClient, broker: Broker, stored: Stored) -> None:
    """The same lap is done again; laps stay healthy, since they have connections of their own."""
    (lap,) = laps = new_laps(1)
    await order(stored, lap.lap_number, "wait")
    with capture_logs() as log:
        async with run_toy() as app, Watcher(broker, app.settings.instance) as watcher:
            async with gate_closed(stored):
                await send(rig, laps)
                await eventually(lambda: is_waiting(stored))
                await stored.query(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%followers%'"
                )
                await eventually(lambda: any(line["event"].startswith("followers do not reach") for line in log))
            await done(stored, laps)
            await watcher.next_heartbeat()
            assert {beat.status for beat in watcher.heartbeats} == {"healthy"}

    assert [line["event"] for line in log if line["event"].startswith("followers")] == [
        "followers do not reach the database, they wait",
        "followers are back at work",
    ]


async def test_a_deadlock_is_no_outage(run_toy: RunToy, rig: LapClient, stored: Stored) -> None:
    """The work that was broken off is done again, and nobody is told that the database is away."""
    (lap,) = laps = new_laps(1)
    await order(stored, lap.lap_number, "be broken off once")
    with capture_logs() as log:
        async with run_toy():
            await send(rig, laps)
            await done(stored, laps)

    assert [line["reason"] for line in log if line["event"] == "somebody was in the way, it is done again"] == [
        "deadlock detected"
    ]
    assert not [line for line in log if line["log_level"] == "error"]


async def test_a_lap_that_kills_the_connection_has_failed_at_last(
    run_toy: RunToy, rig: LapClient, stored: Stored
) -> None:
    """It does not hold up those behind it for ever."""
    poison, *others = new_laps(3)
    await order(stored, poison.lap_number, "lose the connection")
    async with run_toy(followers={"tries": 2}):
        await send(rig, [poison, *others])
        await done(stored, others)

    assert "Error" in await stored.value("select failure from toy_seen where lap_id = $1", poison.lap_id)


async def test_what_could_not_be_published_is_offered_again(
    run_toy: RunToy, rig: LapClient, broker: Broker, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a broker the work is done; with the next connection it is published, once; what is old is not."""
    fresh, old = laps = new_laps(2)
    async with run_toy() as app, listening(broker) as heard:
        connection = app.client.outgoing
        with monkeypatch.context() as away:
            away.setattr(type(app.client), "outgoing", property(lambda _: None))
            await send(rig, laps)
            await done(stored, laps)
        assert app.client.outgoing is connection
        await stored.query("update laps set created_at = now() - interval '61 s' where id = $1", old.lap_id)
        await stored.query("update laps set created_at = now() + interval '10 minutes' where id = $1", fresh.lap_id)
        app.following.catch_up()
        await eventually(lambda: heard)
        app.following.catch_up()
        await asyncio.sleep(0.3)

    assert len(heard) == 1
    assert str(fresh.lap_id).encode() in heard[0]
    assert await stored.value("select published_at is null from toy_seen where lap_id = $1", old.lap_id)


async def test_a_publication_that_was_not_seen_accepted_is_said_again(
    run_toy: RunToy, rig: LapClient, broker: Broker, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks between the two: the next one says it."""
    (lap,) = laps = new_laps(1)
    publish = Connection.publish
    broke = asyncio.Event()

    async def breaks_first(self: Connection, topic: str, *arguments: Any, **options: Any) -> bool:
        if "/coaching/" in topic and not broke.is_set():
            broke.set()
            self.abort()
        return await publish(self, topic, *arguments, **options)

    monkeypatch.setattr(Connection, "publish", breaks_first)
    async with run_toy(), listening(broker) as heard:
        await send(rig, laps)
        await broke.wait()
        await eventually(lambda: heard)
        await eventually(lambda: _published(stored))

    assert len(heard) == 1
    assert str(lap.lap_id).encode() in heard[0]


async def test_what_was_accepted_is_not_said_again_because_the_database_is_lost(
    run_toy: RunToy, rig: LapClient, broker: Broker, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to it breaks between the PUBACK and the commit that takes it down: only that is done again."""
    laps = new_laps(1)
    published, broke = Toy.published, asyncio.Event()

    async def breaks_first(self: Toy, session: Any, event: Any) -> None:
        await published(self, session, event)
        if not broke.is_set():
            broke.set()
            await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(Toy, "published", breaks_first)
    async with run_toy() as app, listening(broker) as heard:
        await send(rig, laps)
        await eventually(lambda: _published(stored))
        app.following.catch_up()
        await asyncio.sleep(0.3)

    assert broke.is_set()
    assert len(heard) == 1


async def _published(stored: Stored) -> bool:
    return bool(await stored.value("select count(*) from toy_seen where published_at is not null"))
