"""What is kept of rejected messages is bounded, for each rig and for all, and in time; the sender is told."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.rejected.test_service import rejection
from tests.server.support import Stored, arrow, new_lap

from racing_coach_server.config import RejectedQuota
from racing_coach_server.database.engine import Database
from racing_coach_server.rejected.quota import Ledger
from racing_coach_server.rejected.service import Keep, RejectedMessages


async def test_over_the_bytes_only_hash_and_reason_are_kept(run_app: RunApp, rig: LapClient, stored: Stored) -> None:
    """The answer says so; a lap that is good is stored as ever."""
    payloads = [bytes([number]) * 1_000 for number in range(5)]
    async with run_app(delivery={"rejected": {"bytes_per_rig": 2_500}}):
        answers = [await rig.send(payload) for payload in payloads]
        assert (await rig.send(arrow(new_lap()))).status == "success"

    told = ["only its hash and this reason are kept" in answer.message for answer in answers]
    assert told == [False] * 2 + [True] * 3
    rows = await stored.query("select payload, payload_sha256, reason from rejected_messages order by id")
    assert [row["payload"] for row in rows] == [*payloads[:2], b"", b"", b""]
    assert [row["payload_sha256"] for row in rows] == [hashlib.sha256(payload).hexdigest() for payload in payloads]
    assert all("neither a JSON object nor an Arrow stream" in row["reason"] for row in rows)


async def test_over_the_rows_there_is_one_for_all_that_come(run_app: RunApp, rig: LapClient, stored: Stored) -> None:
    """However many come, and on however many topics: the table does not grow."""
    async with run_app(delivery={"rejected": {"rows_per_rig": 3}}):
        for number in range(8):
            answer = await rig.send(f"nonsense {number}".encode(), car=f"car-{number}")
            assert answer.status == "rejected"

    assert "it is only counted" in answer.message
    counted = await stored.query(
        "select topic, times_received from rejected_messages where payload_sha256 like 'over%'"
    )
    assert [tuple(row) for row in counted] == [("racing-coach/v1/rigs/rig-1/#", 5)]
    assert await stored.value("select count(*) from rejected_messages") == 4


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ({"bytes_per_rig": 150}, Keep.HASH),
        ({"bytes": 250}, Keep.HASH),
        ({"rows_per_rig": 1}, Keep.COUNT),
        ({"rows": 2}, Keep.COUNT),
        ({}, Keep.WHOLE),
    ],
)
async def test_what_was_kept_before_counts(database: Database, quota: dict[str, int], expected: Keep) -> None:
    """A daemon that starts again, or another one, finds what there is: one message of each of two rigs."""
    async with database.transaction() as session:
        for rig in ("a", "b"):
            of_rig = replace(rejection(bytes(100)), topic=f"racing-coach/v1/rigs/{rig}/cars/b/laps")
            await RejectedMessages(session).keep(of_rig)
    ledger = Ledger(RejectedQuota(**quota))
    async with database.transaction() as session:
        await ledger.look(session)

    assert ledger.keep("a", 100) is expected


async def test_what_is_old_is_deleted(database: Database, stored: Stored) -> None:
    """Counted from when it came last."""
    async with database.transaction() as session:
        for number, days in enumerate((1, 29, 31, 400)):
            at = datetime.now(UTC) - timedelta(days=days)
            await RejectedMessages(session).keep(rejection(bytes([number]), at=at))
    async with database.transaction() as session:
        await Ledger(RejectedQuota(keep_days=30)).look(session)

    assert await stored.value("select count(*) from rejected_messages") == 2
