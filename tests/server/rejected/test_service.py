"""Rejected messages on a real database: kept once, counted, listed without their payloads, forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from tests.server.support import Stored

from racing_coach_core.exceptions import ErrorDetail
from racing_coach_server.database.engine import Database
from racing_coach_server.rejected.schemas import Rejection
from racing_coach_server.rejected.service import RejectedMessages


def rejection(payload: bytes = b"\x00\xff", *, at: datetime | None = None, reason: str = "no") -> Rejection:
    return Rejection(
        topic="racing-coach/v1/rigs/a/cars/b/laps",
        payload=payload,
        payload_sha256=payload.hex(),
        content_type=None,
        received_at=at or datetime.now(UTC),
        reason=reason,
        errors=(ErrorDetail(("lap", "frames", 3, "speed"), "is required"),),
    )


async def test_the_same_rejection_again_is_counted(database: Database, stored: Stored) -> None:
    """One row: first and last time, how often, and the latest reason, as the rules may have changed."""
    at = datetime.now(UTC)
    async with database.transaction() as session:
        service = RejectedMessages(session)
        await service.keep(rejection(at=at))
        await service.keep(rejection(at=at + timedelta(seconds=5), reason="still no"))
        await service.keep(rejection(b"another"))

    rows = await stored.query("select * from rejected_messages order by id")
    assert [row["times_received"] for row in rows] == [2, 1]
    assert (rows[0]["received_at"], rows[0]["last_received_at"]) == (at, at + timedelta(seconds=5))
    assert rows[0]["reason"] == "still no"
    assert rows[0]["errors"] == '[{"loc": ["lap", "frames", 3, "speed"], "msg": "is required"}]'
    assert rows[0]["payload"] == b"\x00\xff"


async def test_it_flushes_and_never_commits(database: Database, stored: Stored) -> None:
    """A rejection is gone if the caller does not commit."""
    with pytest.raises(RuntimeError, match="no commit"):  # noqa: PT012 (the block is the transaction)
        async with database.transaction() as session:
            await RejectedMessages(session).keep(rejection())
            raise RuntimeError("no commit")

    assert await stored.value("select count(*) from rejected_messages") == 0


async def test_the_list_reads_no_payload(database: Database) -> None:
    """Newest first, with the payload's size, and not more than asked for; the database sends no payload for it."""
    async with database.transaction() as session:
        for payload in (b"1", b"22"):
            await RejectedMessages(session).keep(rejection(payload))
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *told: statements.append(str(told[2])))

    async with database.transaction() as session:
        listed = await RejectedMessages(session).newest(limit=1)

    assert [(each.payload_bytes, each.times_received, each.reason) for each in listed] == [(2, 1, "no")]
    (statement,) = [each for each in statements if "rejected_messages" in each]
    assert statement.count("rejected_messages.payload") == statement.count("length(rejected_messages.payload)") == 1


async def test_what_is_stored_after_all_is_forgotten(database: Database, stored: Stored) -> None:
    """Found by its number, whole; then gone."""
    async with database.transaction() as session:
        await RejectedMessages(session).keep(rejection())
    number = await stored.value("select id from rejected_messages")

    async with database.transaction() as session:
        found = await RejectedMessages(session).find(number)
        assert found is not None
        assert found.payload == b"\x00\xff"
        await RejectedMessages(session).forget(number)

    async with database.transaction() as session:
        assert await RejectedMessages(session).find(number) is None
