"""`racing-coach rejected list`, `show` and `drop`: for people and for programs."""

import csv
import io
import json
from collections.abc import Iterator

import pytest
from tests.databases import Databases
from tests.server.commands.stints import environment, racing_coach, told
from tests.server.support import Stored
from tests.terminal import on_a_terminal

from racing_coach_core.stored_documents import RejectedMessageDetailsDocument, RejectedMessageDocument

FILL = """
insert into rejected_messages (topic, reason, errors, payload, payload_sha256, received_at, last_received_at,
        times_received)
    select 'racing-coach/v1/rigs/rig-' || n || '/cars/18/laps', 'lap ' || n || ' is [red]no lap',
        '[{"loc": ["lap", "frames", 3], "msg": "is required"}]', 'payload', 'hash-' || n, at, at + interval '1 h', n
    from generate_series(1, 3) n, lateral (select '2026-05-01 12:00+00'::timestamptz + n * interval '1 day' as at) t
"""


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.fixture
async def filled(url: str) -> str:
    """A database with three messages; of days that follow one another."""
    await Stored(url).query(FILL)
    return url


async def test_the_list_is_for_people_and_programs(filled: str) -> None:
    """Newest first, whole in a pipe, within the terminal on one; JSON and CSV as documented; more is said."""
    done = racing_coach(filled, "rejected", "list")
    assert [line.split()[0] for line in done.output.splitlines()] == ["id", "3", "2", "1"]
    assert "racing-coach/v1/rigs/rig-3/cars/18/laps  lap 3 is [red]no lap" in done.output
    assert "2026-05-04 13:00" in done.output
    on_terminal = on_a_terminal(environment(filled), "rejected", "list", columns=80)
    assert max(map(len, on_terminal.splitlines())) <= 80
    documents = json.loads(racing_coach(filled, "rejected", "list", "--json").output)
    assert [RejectedMessageDocument.model_validate(one).id for one in documents] == [3, 2, 1]
    rows = list(csv.DictReader(io.StringIO(racing_coach(filled, "rejected", "list", "--csv").output)))
    assert [row["times_received"] for row in rows] == ["3", "2", "1"]
    assert "--limit 4" in racing_coach(filled, "rejected", "list", "--limit", "2").errors


async def test_one_is_shown(filled: str) -> None:
    """With its errors; for programs as documented."""
    assert "lap.frames.3: is required" in racing_coach(filled, "rejected", "show", "2").output
    document = json.loads(racing_coach(filled, "rejected", "show", "2", "--json").output)
    assert RejectedMessageDetailsDocument.model_validate(document).payload_bytes == 7
    (row,) = csv.DictReader(io.StringIO(racing_coach(filled, "rejected", "show", "2", "--csv").output))
    assert json.loads(row["errors"])[0]["msg"] == "is required"


async def test_those_that_are_named_are_dropped(filled: str) -> None:
    """All or none of them, without a question; whoever says nothing drops nothing."""
    assert "no rejected message 9" in told(racing_coach(filled, "rejected", "drop", "1", "9"))
    assert "say which" in told(racing_coach(filled, "rejected", "drop"))
    assert "say which" in told(racing_coach(filled, "rejected", "drop", "1", "--all"))
    done = racing_coach(filled, "rejected", "drop", "1", "3")
    assert (done.code, done.output) == (0, "")
    assert "2 rejected messages forgotten" in done.errors
    assert [row["id"] for row in await Stored(filled).query("select id from rejected_messages")] == [2]


async def test_many_are_dropped_after_a_question(filled: str) -> None:
    """Without an answer, as in a script, nothing is; --yes answers it."""
    asked = racing_coach(filled, "rejected", "drop", "--before", "2026-05-03T13:00")
    assert asked.code == 1
    assert "forget 1 rejected message for good?" in asked.errors
    assert racing_coach(filled, "rejected", "drop", "--before", "2026-05-03T13:00", "--yes").code == 0
    assert await Stored(filled).value("select min(id) from rejected_messages") == 2
    assert racing_coach(filled, "rejected", "drop", "--all", "--yes").code == 0
    assert await Stored(filled).value("select count(*) from rejected_messages") == 0


def test_nothing_is_not_asked_about(url: str) -> None:
    """Where there is nothing to drop, that is said, with exit code 0."""
    done = racing_coach(url, "rejected", "drop", "--all")
    assert (done.code, done.output) == (0, "")
    assert done.errors.strip() == "there is no such message: nothing to drop"
    assert racing_coach(url, "rejected", "list").errors.strip() == "no message was rejected"
    assert racing_coach(url, "rejected", "list", "--json").output.strip() == "[]"
