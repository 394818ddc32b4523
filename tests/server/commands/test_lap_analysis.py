"""`laps analyze` and `laps compare`, over laps of drivers whose habits are known."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from tests.databases import Databases
from tests.laps import make_lap
from tests.server.commands.stints import (
    BRAKES_EARLY,
    racing_coach,
    spoil_session,
    stint,
    store_now,
    told,
)
from tests.server.support import Stored, changed

from racing_coach_analysis.corners import LAPS_FOR_MAP
from racing_coach_core.analysis_documents import LapAnalysisDocument, LapComparisonDocument
from racing_coach_core.coaching import ReferenceRule
from racing_coach_core.lap import Lap


@dataclass(frozen=True)
class Driven:
    """A database in which a driver's clean laps are, and one that brakes early at one corner."""

    url: str
    clean: list[Lap]
    spoilt: Lap


@pytest.fixture(scope="module")
def driven(databases: Databases) -> Iterator[Driven]:
    clean = stint(6)
    spoilt = stint(6, BRAKES_EARLY, after=timedelta(hours=1))[5]
    with databases.migrated() as url:
        store_now(url, [*clean, spoilt])
        assert racing_coach(url, "analyze", "--all").code == 0
        yield Driven(url, clean, spoilt)


def comparison(driven: Driven, *words: object) -> LapComparisonDocument:
    done = racing_coach(driven.url, "laps", "compare", *words, "--json")
    assert done.code == 0, done.errors
    return LapComparisonDocument.model_validate_json(done.output)


def test_a_lap_is_shown_corner_by_corner(driven: Driven) -> None:
    """People get speeds in km/h, places in m, and who drove; programs the document with the same numbers."""
    lap_id = driven.spoilt.lap_id

    shown = racing_coach(driven.url, "laps", "analyze", lap_id).output
    document = LapAnalysisDocument.model_validate_json(
        racing_coach(driven.url, "laps", "analyze", lap_id, "--json").output
    )

    assert "Ines Aubrac" in shown
    assert "km/h" in shown
    assert document.measures is not None
    assert document.track_map_revision == 1
    assert document.driver == driven.spoilt.session.driver_id
    assert sum(document.measures.segment_times_s) == pytest.approx(driven.spoilt.lap_time, abs=1e-3)
    slowest = min(document.measures.corners, key=lambda one: one.cornering.min_speed or 99)
    assert slowest.cornering.min_speed is not None
    (row,) = [line for line in shown.splitlines() if line.startswith(f"│ {slowest.number} ")]
    assert f"{slowest.cornering.min_speed * 3.6:.0f}" in row
    assert f"{slowest.time_s:.3f}" in row


def test_an_analysis_is_made_where_it_is_missing_or_old(databases: Databases) -> None:
    """In the command, once; and again when its version is an older one."""
    laps = stint(LAPS_FOR_MAP)
    with databases.migrated() as url:
        store_now(url, laps)
        first = racing_coach(url, "laps", "analyze", laps[0].lap_id)
        assert "the corners of track" in told(first)
        for lap in laps[1:]:
            racing_coach(url, "laps", "analyze", lap.lap_id)

        document = racing_coach(url, "laps", "analyze", laps[0].lap_id, "--json")
        again = racing_coach(url, "laps", "analyze", laps[0].lap_id, "--json")

        assert LapAnalysisDocument.model_validate_json(document.output).measures is not None
        assert again.output == document.output


async def test_an_older_analysis_is_made_anew(driven: Driven) -> None:
    """What an older version measured is not shown as if it were this one's."""
    stored, lap_id = Stored(driven.url), driven.clean[1].lap_id
    await stored.query("update lap_analyses set version = 0, analysis = null where lap_id = $1", lap_id)

    assert racing_coach(driven.url, "laps", "analyze", lap_id).code == 0

    assert await stored.value("select version from lap_analyses where lap_id = $1", lap_id) == 1


def test_losses_add_up_to_the_difference_of_the_lap_times(driven: Driven) -> None:
    """Against the lap that the coach would take; most is lost where the driver brakes early."""
    document = comparison(driven, driven.spoilt.lap_id)

    best = min(driven.clean, key=lambda lap: lap.lap_time or 999)
    assert document.rule is ReferenceRule.OWN_BEST
    assert document.reference_lap_id == best.lap_id
    assert document.delta_s == pytest.approx((driven.spoilt.lap_time or 0) - (best.lap_time or 0), abs=1e-3)
    assert sum(one.loss_s for one in document.segments) == pytest.approx(document.delta_s, abs=1e-6)
    for one in document.segments:
        assert one.entry_s + one.middle_s + one.exit_s == pytest.approx(one.loss_s, abs=1e-9)
    assert len(document.pct) == len(document.delta) > 1_000
    shown = racing_coach(driven.url, "laps", "compare", str(driven.spoilt.lap_id)[:8]).output
    assert "1:" in shown
    assert f"{document.delta_s:+.3f}" in shown
    assert str(best.lap_id) in shown


def test_laps_can_be_named_and_swapped(driven: Driven) -> None:
    """Against any lap, by the first part of its id; swapped laps change the sign."""
    one, other = driven.clean[2], driven.clean[4]
    there = comparison(driven, one.lap_id, "--against", str(other.lap_id)[:8].upper())
    back = comparison(driven, other.lap_id, "--against", one.lap_id)

    assert there.rule == "named"
    assert there.delta_s == pytest.approx(-back.delta_s, abs=1e-3)


def test_the_best_is_the_best_of_the_other_laps(driven: Driven) -> None:
    """Whenever it was driven, and never the lap itself."""
    by_time = sorted([*driven.clean, driven.spoilt], key=lambda lap: lap.lap_time or 999)

    assert comparison(driven, driven.clean[0].lap_id, "--against", "best").reference_lap_id in {
        by_time[0].lap_id,
        by_time[1].lap_id,
    }
    assert comparison(driven, by_time[0].lap_id, "--against", "best").reference_lap_id == by_time[1].lap_id


def test_no_lap_is_better_than_the_theoretical_best(driven: Driven) -> None:
    """Nothing is gained in any segment, each segment's best lap loses nothing in it, and the losses add up."""
    laps = [*driven.clean, driven.spoilt]
    documents = [comparison(driven, lap.lap_id, "--against", "theoretical") for lap in laps]

    for document in documents:
        assert document.reference_lap_id is None
        assert document.pct == document.delta == []
        assert min(one.loss_s for one in document.segments) >= 0
        assert sum(one.loss_s for one in document.segments) == pytest.approx(document.delta_s, abs=1e-9)
        assert document.lap_time - document.delta_s == pytest.approx(document.reference_lap_time, abs=1e-9)
    losses = np.array([[one.loss_s for one in document.segments] for document in documents])
    assert losses.min(axis=0).max() < 1e-4
    assert len({round(document.reference_lap_time, 6) for document in documents}) == 1
    assert (
        "the best of each"
        in racing_coach(driven.url, "laps", "compare", driven.clean[0].lap_id, "--against", "theoretical").output
    )


def test_laps_that_cannot_be_compared_say_why(driven: Driven) -> None:
    """Another configuration, and a lap before which there was none."""
    elsewhere = spoil_session(driven.clean[3], track_config_name="Reversed")
    store_now(driven.url, [elsewhere])

    other = racing_coach(driven.url, "laps", "compare", driven.spoilt.lap_id, "--against", elsewhere.lap_id)
    first = racing_coach(driven.url, "laps", "compare", driven.clean[0].lap_id)

    assert "different tracks or configurations" in told(other)
    assert "before it nobody drove a whole, valid lap" in told(first)


def no_coordinates(lap: Lap) -> Lap:
    for name in ("latitude", "longitude"):
        lap = changed(lap, name, lambda column: pa.nulls(len(column)))
    return lap


def at_a_standstill(lap: Lap) -> Lap:
    lap = changed(lap, "speed", lambda column: pa.array(np.zeros(len(column))))
    return changed(lap, "lap_distance_pct", lambda column: pa.array(np.full(len(column), 0.3)))


def test_a_lap_without_coordinates_is_analysed(driven: Driven) -> None:
    """Places are then those of LapDistPct."""
    lap = spoil_session(no_coordinates(driven.clean[3]))
    store_now(driven.url, [lap])

    assert racing_coach(driven.url, "laps", "analyze", lap.lap_id).code == 0
    assert comparison(driven, lap.lap_id, "--against", driven.clean[3].lap_id).delta_s == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("kind", ["three frames", "standstill", "unknown track"])
def test_a_lap_that_says_nothing_has_a_reason(driven: Driven, kind: str) -> None:
    """One sentence and exit code 1, for people and for programs; programs get the document, too."""
    lap = {
        "three frames": lambda: make_lap(3, session_id=uuid.uuid4(), lap_id=uuid.uuid4()),
        "standstill": lambda: spoil_session(at_a_standstill(driven.clean[0])),
        "unknown track": lambda: spoil_session(
            driven.clean[0], track_id="nowhere", track_name="[red]Nowhere[/]\x1b[2J"
        ),
    }[kind]()
    store_now(driven.url, [lap])

    shown = racing_coach(driven.url, "laps", "analyze", lap.lap_id)
    as_json = racing_coach(driven.url, "laps", "analyze", lap.lap_id, "--json")
    compared = racing_coach(driven.url, "laps", "compare", lap.lap_id)

    assert str(lap.lap_id) in told(shown)
    assert "\x1b" not in shown.errors
    assert told(as_json) == told(shown)
    document = json.loads(as_json.output)
    assert document["measures"] is None
    assert (document["reason"] is None) is (kind == "unknown track")
    assert "cannot be compared" in told(compared)


def test_an_id_may_be_cut_short(driven: Driven) -> None:
    """Not below six digits, and not where it may mean several laps."""
    twins = [
        replace(spoil_session(driven.clean[0]), lap_id=uuid.UUID(f"abcdef01-{n:04d}-4000-8000-000000000000"))
        for n in (1, 2)
    ]
    store_now(driven.url, twins)

    short = racing_coach(driven.url, "laps", "show", "abcde")
    several = racing_coach(driven.url, "laps", "analyze", "abcdef01")
    none = racing_coach(driven.url, "laps", "compare", "00000000")
    whole = racing_coach(driven.url, "laps", "show", "ABCDEF01-0002")

    assert "at least 6 hexadecimal digits" in told(short)
    assert all(str(twin.lap_id) in told(several) for twin in twins)
    assert "racing-coach laps list" in told(none)
    assert str(twins[1].lap_id) in whole.output


def test_the_driver_stands_beside_every_lap(driven: Driven) -> None:
    """By name, else by id, else it is the rig; what a rig made of it moves no cursor."""
    named = spoil_session(driven.clean[0], driver_name="[bold]A\x1b[31m", driver_id="7")
    by_id = spoil_session(driven.clean[0], driver_name=None, driver_id="driver-8")
    nobody = spoil_session(driven.clean[0], driver_name=None, driver_id=None)
    store_now(driven.url, [named, by_id, nobody], rig_id="rig-9")

    listed = racing_coach(driven.url, "laps", "list", "--limit", "1000").output

    rows = {line.split()[0]: line for line in listed.splitlines()}
    assert r"[bold]A\x1b[31m" in rows[str(named.lap_id)]
    assert "driver-8" in rows[str(by_id.lap_id)]
    assert rows[str(nobody.lap_id)].count("rig-9") == 2
    assert r"[bold]A\x1b[31m" in racing_coach(driven.url, "laps", "show", named.lap_id).output
