"""Rejected messages of somebody who is erased go, and nobody else's; what cannot be read is told."""

import asyncio
import gzip

import pytest
from tests.server.commands.stints import racing_coach
from tests.server.lifecycle.refused import document, reject
from tests.server.lifecycle.support import features
from tests.server.support import Stored, arrow, new_lap, with_session

from racing_coach_server.database.engine import Database
from racing_coach_server.lifecycle.erasure import Erasure
from racing_coach_server.lifecycle.subjects import Kind, Subject

INES = Subject(Kind.DRIVER, "ines")
LIMIT = 1 << 20


@pytest.mark.parametrize(
    ("payload", "reason", "goes"),
    [
        (document("ines"), "no lap", True),
        (document("inessa"), "no lap", False),
        (document("mika", "ines"), "no lap", False),
        (b'{"driver_id" : "ines"', "cut short", True),
        (b"{}", "the driver 'ines' is not known", True),
        (b"{}", "the car finesse is not known", False),
        (gzip.compress(document("ines"), mtime=0)[:-12], "cut short", False),
    ],
)
async def test_a_rejected_message_is_known_by_its_session(
    database: Database, stored: Stored, payload: bytes, reason: str, goes: bool
) -> None:
    """By the driver's id as a field, or as a word of what was said of it; not by letters that happen to be the same."""
    await reject(database, payload, reason=reason)
    await Erasure(database, features(), INES, LIMIT).run()
    assert await stored.value("select count(*) from rejected_messages") == (0 if goes else 1)


async def test_an_arrow_payload_is_looked_into(database: Database, stored: Stored) -> None:
    """The session is in the stream's metadata."""
    await reject(database, arrow(with_session(new_lap(), driver_id="ïnes", driver_name="Ïnes")))
    await Erasure(database, features(), Subject(Kind.DRIVER, "ïnes"), 1 << 24).run()
    assert await stored.value("select count(*) from rejected_messages") == 0


async def test_what_cannot_be_read_is_told(database: Database, database_url: str) -> None:
    """Whose it is cannot be told, so it stays, and the operator is told how to be rid of it."""
    await reject(database, gzip.compress(document("ines"), mtime=0)[:-12])
    done = await asyncio.to_thread(racing_coach, database_url, "erase", "--driver", "ines")
    assert "1 rejected message cannot be read" in done.output
    assert "racing-coach erase --rig" in done.output
