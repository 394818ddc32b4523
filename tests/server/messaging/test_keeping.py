"""What is rejected is kept, and nothing stalls where even that fails."""

from typing import Any

import pytest
from tests.lap_client import LapClient
from tests.server.messaging.breaking import break_table, raising
from tests.server.support import Stored, arrow, new_lap

from racing_coach_core.identity import payload_sha256
from racing_coach_server.app import App
from racing_coach_server.database.text import MAX_TEXT, storable


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
