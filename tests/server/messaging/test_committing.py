"""A message and the database: every kind of failure, made for real in the middle of its transaction."""

import pytest
from structlog.testing import capture_logs
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.messaging.breaking import MIDDLE, QUICK, break_table, raising, repair_table
from tests.server.support import Stored, Watcher, arrow, new_lap, new_laps
from tests.waiting import eventually

from racing_coach_core.identity import payload_sha256
from racing_coach_server.app import App


@pytest.mark.parametrize("state", ["22003", "23514"])
async def test_a_lap_that_the_database_refuses_is_rejected_whole(
    app: App, rig: LapClient, stored: Stored, state: str
) -> None:
    """SQLSTATE 22 and 23 in the middle of the COPY: `rejected`, and no session, lap or frame is left."""
    await break_table(stored, raising(state))
    lap, other = new_lap(), new_lap()
    payload = arrow(lap)

    answer = await rig.send(payload)

    assert answer.status == "rejected"
    assert "the database refused it: " in answer.message
    assert "made up" in answer.message
    assert await stored.counts() == (0, 0, 0)
    assert len(await stored.rejected(payload_sha256(payload))) == 1
    await repair_table(stored)
    assert (await rig.send(arrow(other))).status == "success"


async def test_a_check_constraint_refuses_too(app: App, rig: LapClient, stored: Stored) -> None:
    """The operator's own constraint: its name is in the answer."""
    await stored.query("alter table frame_blocks add constraint no_flying check (first_frame < 100)")

    answer = await rig.send(arrow(new_lap()))

    assert answer.status == "rejected"
    assert "no_flying" in answer.message
    assert await stored.counts() == (0, 0, 0)


@pytest.mark.parametrize("state", ["53100", "40P01", "57014", "55P03", "58030", "25006"])
async def test_a_lap_waits_for_a_database_in_trouble(app: App, rig: LapClient, stored: Stored, state: str) -> None:
    """The world's errors in the middle of the COPY: tried again until it works, nothing left behind meanwhile."""
    # 57014 could be the lap's own doing and would be set aside after poison_tries: it gets better before.
    better_after = 2 if state == "57014" else 6
    await stored.query("create sequence tries")
    await break_table(stored, f"if nextval('tries') <= {better_after} then {raising(state)} end if;")
    lap = new_lap()

    answer = await rig.send(arrow(lap))

    assert answer.status == "success"
    assert await stored.value("select last_value from tries") == better_after + 1
    assert await stored.counts() == (1, 1, lap.frames.num_rows)
    assert not app.client._dispatcher.database_trouble


async def test_while_it_waits_nothing_is_left_behind_and_the_heartbeat_says_why(
    app: App, rig: LapClient, stored: Stored, broker: Broker
) -> None:
    """A full disk: nothing stored, degraded with the database's words; then stored, and healthy."""
    await break_table(stored, raising("53100"))
    async with Watcher(broker, app.settings.instance) as watcher:
        sha256 = await rig.publish(arrow(new_lap()))
        await eventually(lambda: watcher.heartbeats and watcher.heartbeats[-1].status == "degraded")
        beat = await watcher.next_heartbeat()
        assert beat.database.status == "unhealthy"
        assert "made up" in (beat.database.message or "")
        assert (beat.laps.received, beat.laps.in_flight, beat.laps.stored) == (1, 1, 0)
        assert beat.laps.oldest_in_flight_s is not None
        assert await stored.counts() == (0, 0, 0)
        assert not rig.has_answer(sha256)

        await repair_table(stored)

        assert (await rig.answer(sha256)).status == "success"
        await eventually(lambda: watcher.heartbeats[-1].status == "healthy")


async def test_no_transaction_stays_open_for_a_lap_that_waits_for_memory(
    app: App, rig: LapClient, stored: Stored
) -> None:
    """The database ends one in which nothing happens for long, and that would be held against the lap."""
    decoding = app.dependencies.decoding
    taken = await decoding.take(app.settings.limits.decoded_bytes)
    open_ones = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and application_name like 'racing-coach %' and state = 'idle in transaction'"
    )
    sha256 = await rig.publish(arrow(new_lap()))
    await eventually(lambda: stored.value(open_ones))
    await eventually(lambda: _none(stored, open_ones))
    decoding.give(taken)
    assert (await rig.answer(sha256)).status == "success"


async def _none(stored: Stored, count: str) -> bool:
    return bool(await stored.value(count) == 0)


async def test_others_are_stored_while_one_waits(app: App, rig: LapClient, stored: Stored) -> None:
    """A lap that waits holds one slot of several; the trouble is said once, and lasts until that lap is stored."""
    waits, *others = new_laps(3)
    await break_table(stored, raising("53100"), when=f"new.first_frame = {MIDDLE} and new.lap_id = '{waits.lap_id}'")

    with capture_logs() as log:
        sha256 = await rig.publish(arrow(waits))
        await eventually(lambda: app.client.status().database_trouble)
        for lap in others:
            assert (await rig.send(arrow(lap))).status == "success"
            assert app.client.status().database_trouble

        assert not rig.has_answer(sha256)
        await repair_table(stored)
        assert (await rig.answer(sha256)).status == "success"

    assert [line["event"] for line in log if "database" in line["event"]] == [
        "the database is in trouble, laps wait",
        "the database is back",
    ]


async def test_a_bug_in_the_database_is_tried_then_set_aside(app: App, rig: LapClient, stored: Stored) -> None:
    """P0001, somebody's trigger: bug_tries times, then rejected with the traceback kept."""
    await stored.query("create sequence tries")
    await break_table(stored, f"perform nextval('tries'); {raising('P0001')}")
    payload = arrow(new_lap())

    answer = await rig.send(payload)

    assert answer.status == "rejected"
    assert "the server failed on this message (RaiseError); it is kept" in answer.message
    assert await stored.value("select last_value from tries") == QUICK["bug_tries"]
    assert await stored.counts() == (0, 0, 0)
    (row,) = await stored.rejected(payload_sha256(payload))
    assert "Traceback (most recent call last)" in row["traceback"]
    assert "made up" in row["traceback"]


async def test_a_lap_that_kills_its_connection_is_set_aside(app: App, rig: LapClient, stored: Stored) -> None:
    """Once it is an outage, poison_tries times it is the lap: kept and rejected, and others are stored meanwhile."""
    poison, *others = new_laps(4)
    await break_table(
        stored,
        "perform pg_terminate_backend(pg_backend_pid());",
        when=f"new.first_frame = {MIDDLE} and new.lap_id = '{poison.lap_id}'",
    )
    payload = arrow(poison)

    sha256 = await rig.publish(payload)
    for lap in others:
        assert (await rig.send(arrow(lap))).status == "success"
    answer = await rig.answer(sha256)

    assert answer.status == "rejected"
    assert "the server failed on this message" in answer.message
    assert (await stored.rejected(payload_sha256(payload)))[0]["traceback"]
    assert await stored.value("select count(*) from laps") == len(others)
    assert await stored.value("select count(*) from telemetry where lap_id = $1", poison.lap_id) == 0


async def test_an_outage_that_ends_with_the_last_try_is_not_held_against_the_lap(
    app: App, rig: LapClient, stored: Stored
) -> None:
    """Every try fell into it, and the rejection would be written: the lap is tried once more, and stored."""
    await stored.query("create sequence tries")
    await break_table(
        stored,
        "perform pg_terminate_backend(pg_backend_pid());",
        # A sequence forgets nothing when a transaction fails.
        when=f"new.first_frame = {MIDDLE} and nextval('tries') <= {QUICK['poison_tries']}",
    )
    assert (await rig.send(arrow(new_lap()))).status == "success"
    assert await stored.value("select last_value from tries") == QUICK["poison_tries"] + 1
    assert await stored.value("select count(*) from rejected_messages") == 0


@pytest.mark.parametrize(("state", "status"), [("23514", "rejected"), ("40001", "success")])
async def test_a_commit_that_fails_is_no_success(
    app: App, rig: LapClient, stored: Stored, state: str, status: str
) -> None:
    """An error at COMMIT itself: not answered `success` before it is. The sender's is rejected, the world's retried."""
    await stored.query("create sequence tries")
    await stored.query(
        "create function at_commit() returns trigger language plpgsql as $$ begin"
        f" if nextval('tries') <= 3 then {raising(state)} end if; return null; end $$"
    )
    await stored.query(
        "create constraint trigger at_commit after insert on laps deferrable initially deferred"
        " for each row execute function at_commit()"
    )

    answer = await rig.send(arrow(new_lap()))

    assert answer.status == status
    assert (await stored.counts())[1] == (1 if status == "success" else 0)
