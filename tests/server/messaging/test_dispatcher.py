"""One message to its end: every kind of failure, made for real in the database, in the code and at the broker."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa
import pytest
from structlog.testing import capture_logs
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.support import Stored, Watcher, arrow, connected, new_lap, new_laps
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_core.identity import payload_sha256
from racing_coach_server.app import App
from racing_coach_server.database.text import MAX_TEXT, storable
from racing_coach_server.messaging.messages import Message, Reply
from racing_coach_server.telemetry.exceptions import DecoderBugError
from racing_coach_server.telemetry.handlers import LapHandler
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService

MIDDLE = 480
"""The first frame of the second block: those before it are in the COPY already."""

QUICK = {"bug_tries": 3, "poison_tries": 3}


@pytest.fixture
async def app(run_app: RunApp) -> AsyncIterator[App]:
    """The daemon, in this process."""
    async with run_app(delivery=QUICK, health={"interval_s": 0.1}) as app:
        yield app


async def break_table(
    stored: Stored, statement: str, *, table: str = "frame_blocks", when: str = f"new.first_frame = {MIDDLE}"
) -> None:
    """Have a trigger do something in the middle of an INSERT or COPY."""
    await stored.query(
        f"create function break_it() returns trigger language plpgsql as"
        f" $$ begin if {when} then {statement} end if; return new; end $$"
    )
    await stored.query(f"create trigger break_it before insert on {table} for each row execute function break_it()")


async def repair_table(stored: Stored) -> None:
    await stored.query("drop function break_it cascade")


def raising(state: str) -> str:
    return f"raise exception 'made up' using errcode = '{state}';"


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


# --- bugs of our own -----------------------------------------------------------------------------------------


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Payloads by their SHA-256 on which the handler raises, and how often it still will."""
    raises: dict[str, int] = {}
    handle = LapHandler.handle

    async def buggy(self: LapHandler, message: Message, content: ReceivedLap, service: TelemetryService) -> Reply:
        reply = await handle(self, message, content, service)  # raises when all is written, and before it is committed
        if raises.get(message.payload_sha256, 0) > 0:
            raises[message.payload_sha256] -= 1
            raise KeyError("a bug of ours")
        return reply

    monkeypatch.setattr(LapHandler, "handle", buggy)
    return raises


async def test_a_bug_is_tried_again_then_kept_with_its_traceback(
    app: App, rig: LapClient, stored: Stored, bug: dict[str, int]
) -> None:
    """bug_tries times, then rejected and kept with the traceback; good laps are stored meanwhile."""
    bad, *good = new_laps(3)
    payload = arrow(bad)
    bug[payload_sha256(payload)] = 1000

    sha256 = await rig.publish(payload)
    statuses = [(await rig.send(arrow(lap))).status for lap in good]
    answer = await rig.answer(sha256)

    assert statuses == ["success", "success"]
    assert answer.status == "rejected"
    assert "the server failed on this message (KeyError)" in answer.message
    assert "a bug of ours" not in answer.message
    assert bug[sha256] == 1000 - QUICK["bug_tries"]
    (row,) = await stored.rejected(sha256)
    assert "KeyError: 'a bug of ours'" in row["traceback"]
    assert row["payload"] == payload
    assert await stored.value("select count(*) from laps") == len(good)


async def test_a_bug_that_passes_costs_nothing(app: App, rig: LapClient, stored: Stored, bug: dict[str, int]) -> None:
    """Fewer failures than bug_tries: stored once."""
    lap = new_lap()
    bug[payload_sha256(arrow(lap))] = QUICK["bug_tries"] - 1

    assert (await rig.send(arrow(lap))).status == "success"
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What reading a message raises, the last one first, until there is none left."""
    waiting: list[Exception] = []
    read = LapHandler.read

    async def fails_first(self: LapHandler, message: Message) -> ReceivedLap:
        if waiting:
            raise waiting.pop()
        return await read(self, message)

    monkeypatch.setattr(LapHandler, "read", fails_first)
    return waiting


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (MemoryError(), QUICK["poison_tries"] - 1),
        (pa.ArrowMemoryError("malloc of size 900032 failed"), QUICK["poison_tries"] - 1),
        (RuntimeError("can't start new thread"), QUICK["poison_tries"] - 1),
        (DecoderBugError("KeyError()"), QUICK["bug_tries"] - 1),
    ],
    ids=["no memory", "no memory for Arrow", "no thread", "a bug"],
)
async def test_a_reading_that_fails_for_a_while_costs_no_lap(
    app: App, rig: LapClient, stored: Stored, failures: list[Exception], error: Exception, times: int
) -> None:
    """Want of memory is tried again, as often as a lost connection is."""
    lap = new_lap()
    failures += [error] * times

    assert (await rig.send(arrow(lap))).status == "success"
    assert not failures
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_a_message_that_never_finds_memory_stalls_nobody(
    app: App, rig: LapClient, stored: Stored, failures: list[Exception]
) -> None:
    """Kept after poison_tries, and the next lap is stored."""
    failures += [MemoryError()] * QUICK["poison_tries"]

    refused, kept = await rig.send(arrow(new_lap())), await rig.send(arrow(new_lap()))

    assert (refused.status, kept.status) == ("rejected", "success")
    assert "MemoryError" in refused.message
    assert await stored.value("select count(*) from laps") == 1


# --- when even the rejection fails ---------------------------------------------------------------------------


async def test_a_rejection_waits_for_the_database(app: App, rig: LapClient, stored: Stored) -> None:
    """A bad lap is not answered before it is kept."""
    await stored.query("create sequence tries")
    await break_table(
        stored, f"if nextval('tries') <= 3 then {raising('53100')} end if;", table="rejected_messages", when="true"
    )

    answer = await rig.send(b"no lap")

    assert answer.status == "rejected"
    assert await stored.value("select last_value from tries") == 4
    assert len(await stored.rejected(payload_sha256(b"no lap"))) == 1


async def test_words_that_cannot_be_kept_cost_the_words_only(app: App, rig: LapClient, stored: Stored) -> None:
    """Should the database refuse the reason, the payload is kept and answered without it."""
    await stored.query("alter table rejected_messages add check (reason not like '%Arrow%')")

    answer = await rig.send(b"no lap")

    assert answer.status == "rejected"
    assert "the reason is in the daemon's log" in answer.message
    assert len(await stored.rejected(payload_sha256(b"no lap"))) == 1
    assert (await rig.send(arrow(new_lap()))).status == "success"


async def test_a_message_that_cannot_be_kept_at_all_stalls_nobody(app: App, rig: LapClient, stored: Stored) -> None:
    """After bug_tries it is answered, and the next lap is stored."""
    await stored.query("alter table rejected_messages add check (false)")

    answer = await rig.send(b"no lap")

    assert answer.status == "rejected"
    assert "the reason is in the daemon's log" in answer.message
    assert (await rig.send(arrow(new_lap()))).status == "success"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("lap 7, 5,328 frames, gültig", "lap 7, 5,328 frames, gültig"),
        ("found \0 here", "found \\x00 here"),
        ("half of \ud83c", "half of \\ud83c"),
        ("x" * (MAX_TEXT + 1), "x" * MAX_TEXT + "…"),
    ],
    ids=["plain", "U+0000", "a lone surrogate", "long"],
)
async def test_what_a_sender_wrote_can_be_stored(database: Any, stored: Stored, text: str, clean: str) -> None:
    """What PostgreSQL's text and jsonb refuse is escaped, and no reason fills the table."""
    assert storable(text, MAX_TEXT) == clean

    assert await stored.value("select $1::text", storable(text, MAX_TEXT)) == clean


# --- the answer ----------------------------------------------------------------------------------------------


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
