"""`coaching show` and `references set|clear|show`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from tests.databases import Databases
from tests.server.commands.stints import BRAKES_EARLY, racing_coach, spoil_session, stint, store_now, told
from tests.server.support import Stored

from racing_coach_core.analysis_documents import ChosenReferenceDocument, LapComparisonDocument
from racing_coach_core.coaching import Cause, Coaching, ReferenceRule, Silence
from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.web.live.queries import WallQueries


@dataclass(frozen=True)
class Coached:
    """A database in which laps were spoken of, and the laps: clean ones, then some that brake early at one corner."""

    url: str
    laps: list[Lap]


@pytest.fixture(scope="module")
def coached(databases: Databases) -> Iterator[Coached]:
    laps = [*stint(5), *stint(8, BRAKES_EARLY, after=timedelta(hours=1))[5:]]
    with databases.migrated() as url:
        store_now(url, laps)
        assert racing_coach(url, "analyze", "--all").code == 0
        yield Coached(url, laps)


async def test_what_was_said_of_a_lap_is_shown_with_its_evidence(coached: Coached) -> None:
    """Advice, gain, evidence, reference, and whether the rig was told; programs get the message itself."""
    lap = coached.laps[-1]

    shown = racing_coach(coached.url, "coaching", "show", lap.lap_id)
    said = Coaching.model_validate_json(racing_coach(coached.url, "coaching", "show", lap.lap_id, "--json").output)

    assert said.lap_id == lap.lap_id
    assert said.advice
    assert said.reference is not None
    assert shown.code == 0
    for part in (said.advice[0].text.split()[0], str(said.reference.lap_id), "own best", "not published"):
        assert part in shown.output
    assert all(name in shown.output for name in said.advice[0].evidence)

    published = "update coaching set published_at = '2026-05-01 13:14:15Z' where lap_id = $1"
    await Stored(coached.url).query(published, lap.lap_id)
    assert "published 2026-05-01 13:14Z" in racing_coach(coached.url, "coaching", "show", lap.lap_id).output


def test_what_was_said_to_a_rig_is_an_array(coached: Coached) -> None:
    """The last laps first, at most so many."""
    done = racing_coach(coached.url, "coaching", "show", "--rig", "rig-1", "--limit", "3", "--json")
    said = [Coaching.model_validate(one) for one in json.loads(done.output)]

    assert len(said) == 3
    assert said[0].lap_id == coached.laps[-1].lap_id
    assert racing_coach(coached.url, "coaching", "show", "--rig", "rig-1").output.count("lap ") >= 8


def test_a_silence_has_its_reason(coached: Coached) -> None:
    """The first lap has no reference, and the sentence says so."""
    first = coached.laps[0].lap_id
    said = Coaching.model_validate_json(racing_coach(coached.url, "coaching", "show", first, "--json").output)

    assert said.silence is Silence.NO_REFERENCE
    assert "silent, no reference" in racing_coach(coached.url, "coaching", "show", first).output


def test_until_corners_are_numbered_places_are_spoken_of(databases: Databases) -> None:
    """The fourth lap of a track brakes early: the coach says where in metres, and nobody has to wait for a map."""
    laps = [*stint(3), stint(6, BRAKES_EARLY, after=timedelta(hours=1))[5]]
    with databases.migrated() as url:
        store_now(url, laps)
        assert racing_coach(url, "analyze", "--all").code == 0
        shown = racing_coach(url, "coaching", "show", laps[-1].lap_id, "--json").output
        compared = told(racing_coach(url, "laps", "compare", laps[-1].lap_id))

    said = Coaching.model_validate_json(shown)
    assert said.reference is not None
    assert said.delta_s is not None
    assert [(one.corner, one.cause) for one in said.advice] == [(None, Cause.BRAKE_LATER)]
    assert said.advice[0].text.startswith(f"At {said.advice[0].at_m:.0f} m: brake ")
    assert re.fullmatch(r"\d+m:brake_later", said.advice[0].key)
    assert "corners are not known yet" in compared


def test_where_nothing_was_said_the_command_says_what_to_do(coached: Coached) -> None:
    """A lap that nobody has spoken of, a rig that nobody knows, and neither of the two."""
    lap = spoil_session(coached.laps[0])
    store_now(coached.url, [lap])

    assert "racing-coach analyze --lap" in told(racing_coach(coached.url, "coaching", "show", lap.lap_id))
    assert "nothing was said to a rig" in told(racing_coach(coached.url, "coaching", "show", "--rig", "nobody\x1b"))
    assert "either a lap or --rig" in told(racing_coach(coached.url, "coaching", "show"))


async def test_a_coach_that_failed_is_no_riddle(coached: Coached) -> None:
    """What it failed with, and how to try again."""
    lap = coached.laps[1].lap_id
    await Stored(coached.url).query(
        "update coaching set status = 'failed', message = null, detail = 'ValueError: seven' where lap_id = $1", lap
    )

    line = told(racing_coach(coached.url, "coaching", "show", lap))

    assert "ValueError: seven" in line
    assert racing_coach(coached.url, "analyze", "--lap", lap).code == 0
    assert racing_coach(coached.url, "coaching", "show", lap).code == 0


async def test_the_word_of_another_version_keeps_no_other_from_being_read(coached: Coached) -> None:
    """A cause that this version does not know: the command says what to do, the rig's others and the wall are there."""
    lap = coached.laps[-1].lap_id
    unknown = """update coaching set message = jsonb_set(message, '{advice,0,cause}', '"drive_backwards"') where lap_id = $1"""
    await Stored(coached.url).query(unknown, lap)

    line = told(racing_coach(coached.url, "coaching", "show", lap))
    others = json.loads(racing_coach(coached.url, "coaching", "show", "--rig", "rig-1", "--json").output)
    engine = create_async_engine(coached.url)
    async with Database(engine).transaction() as session:
        wall = await WallQueries(session).rigs(["rig-1"], lambda *_: None)
    await engine.dispose()

    assert f"racing-coach analyze --lap {lap}" in line
    assert {str(one.lap_id) for one in coached.laps[-4:-1]} <= {one["lap_id"] for one in others}
    words = {str(one.lap_id): one.coaching for one in wall["rig-1"].laps}
    assert words.pop(str(lap)) is None
    assert any(words.values())
    assert racing_coach(coached.url, "analyze", "--lap", lap).code == 0
    assert racing_coach(coached.url, "coaching", "show", lap).code == 0


def test_a_chosen_reference_is_the_one_until_it_is_cleared(coached: Coached) -> None:
    """Set by a part of its id, for who drove it or for somebody else; shown; cleared for its car and track, or all."""
    slow, spoilt = coached.laps[0], coached.laps[-1]
    url, driver = coached.url, slow.session.driver_id

    def compared() -> LapComparisonDocument:
        done = racing_coach(url, "laps", "compare", spoilt.lap_id, "--json")
        return LapComparisonDocument.model_validate_json(done.output)

    set_it = racing_coach(url, "references", "set", str(slow.lap_id)[:13])
    assert set_it.code == 0, set_it.errors
    assert str(driver) in set_it.output
    assert compared().rule is ReferenceRule.CHOSEN
    assert compared().reference_lap_id == slow.lap_id
    assert racing_coach(url, "references", "set", slow.lap_id, "--driver", "[red]else\x1b[0m").code == 0

    shown = racing_coach(url, "references", "show")
    assert r"[red]else\x1b[0m" in shown.output
    documents = json.loads(racing_coach(url, "references", "show", "--driver", driver, "--json").output)
    (document,) = [ChosenReferenceDocument.model_validate(one) for one in documents]
    assert (document.lap_id, document.lap_time) == (slow.lap_id, pytest.approx(slow.lap_time))

    assert "1 reference" in racing_coach(url, "references", "clear", "--lap", slow.lap_id).output
    assert compared().rule is ReferenceRule.OWN_BEST
    assert "has chosen no such reference" in told(racing_coach(url, "references", "clear", "--driver", driver))
    assert racing_coach(url, "references", "clear", "--driver", "[red]else\x1b[0m").code == 0
    assert "say whose" in told(racing_coach(url, "references", "clear"))


def test_a_lap_that_is_no_reference_says_why(coached: Coached) -> None:
    """A lap without a time cannot be one; it is analysed for that, and nothing is chosen."""
    lap = spoil_session(coached.laps[0])
    timeless = Lap(lap.lap_id, lap.session, None, lap.frames)
    store_now(coached.url, [timeless])

    line = told(racing_coach(coached.url, "references", "set", timeless.lap_id))

    assert "cannot be a reference: it is not a whole, valid lap with a time" in line
    assert json.loads(racing_coach(coached.url, "references", "show", "--json").output) == []
