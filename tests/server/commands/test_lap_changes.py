"""`racing-coach laps delete`, `relabel`, `changes` and `readmit`: mistakes taken back, with all that follows."""

import asyncio
import csv
import io
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.databases import Databases
from tests.in_process import Done
from tests.server.commands.stints import racing_coach, spoil_session, stint, store, store_now, told
from tests.server.support import Stored, changed, new_laps

from racing_coach_core.lap import Lap
from racing_coach_core.stored_documents import LapChangeDocument
from racing_coach_server.telemetry.exceptions import LapConflictError, SessionConflictError


@dataclass(frozen=True)
class World:
    url: str
    laps: list[Lap]
    """Three of one driving session."""
    other: Lap
    """Of another rig, on another track, in another car."""

    def run(self, *words: object) -> Done:
        return racing_coach(self.url, "laps", *words)

    async def rows(self, statement: str, *args: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await Stored(self.url).query(statement, *args)]


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    laps = new_laps(3)
    other = spoil_session(laps[0], track_id="18", track_name="Road Atlanta", car_id="7", car_name="A car")
    with databases.migrated() as url:
        store_now(url, laps)
        store_now(url, [other], rig_id="rig-2")
        yield World(url, laps, other)


async def test_a_deleted_lap_is_gone_with_its_frames(world: World) -> None:
    """And nothing else is; the session goes with its last lap."""
    first, second, third = world.laps
    done = world.run("delete", str(first.lap_id)[:8], second.lap_id, "--yes")
    assert (done.code, done.output) == (0, ""), done
    assert "2 laps deleted" in done.errors
    assert await Stored(world.url).counts() == (2, 2, third.frames.num_rows + world.other.frames.num_rows)

    assert world.run("delete", third.lap_id, "--yes").code == 0
    assert await Stored(world.url).counts() == (1, 1, world.other.frames.num_rows)
    assert "no lap" in told(world.run("delete", third.lap_id, "--yes"))


async def test_rows_of_an_older_version_go_with_their_lap(world: World) -> None:
    """Blocks have a foreign key; what an older version has stored as rows has none."""
    await Stored(world.url).query("create table telemetry_rows as select id as lap_id from laps")
    assert world.run("delete", world.laps[0].lap_id, "--yes").code == 0
    left = await world.rows("select lap_id from telemetry_rows")
    assert len(left) == 3
    assert (world.laps[0].lap_id,) not in left


async def test_nothing_is_deleted_without_a_yes(world: World) -> None:
    """Not by --dry-run, not in a script without --yes, not where one of the laps is not there."""
    before = await Stored(world.url).counts()
    dry = world.run("delete", world.laps[0].lap_id, "--dry-run")
    assert (dry.code, "would delete 1 lap" in dry.errors) == (0, True)
    assert world.run("delete", world.laps[0].lap_id).code == 1
    assert world.run("delete", world.laps[0].lap_id, "00000000", "--yes").code == 1
    assert await Stored(world.url).counts() == before


async def test_a_deleted_lap_stays_deleted(world: World) -> None:
    """Sent again it is a duplicate, under whatever id; other content in its place is another lap."""
    for lap in world.laps:
        world.run("delete", lap.lap_id, "--yes")
    left = await Stored(world.url).counts()

    await store(world.url, [world.laps[0], replace(world.laps[1], lap_id=uuid.uuid4())])
    assert await Stored(world.url).counts() == left

    await store(world.url, [replace(world.laps[0], lap_time=1.5)])
    assert (await Stored(world.url).lap(world.laps[0].lap_id))["lap_time"] == 1.5


async def test_a_deleted_lap_may_be_let_in_again(world: World) -> None:
    """After `laps readmit` it is stored like any other."""
    lap = world.laps[0]
    world.run("delete", lap.lap_id, "--yes")
    assert "no deleted lap" in told(world.run("readmit", world.laps[1].lap_id))
    assert world.run("readmit", str(lap.lap_id)[:8]).code == 0
    await store(world.url, [lap])
    assert (await Stored(world.url).lap(lap.lap_id))["lap_number"] == lap.lap_number
    assert "no deleted lap" in told(world.run("readmit", lap.lap_id))


async def test_a_drive_is_relabelled_whole(world: World) -> None:
    """Session and laps together; what is known by its name gets its id; other drives stay as they are."""
    lap = world.laps[0]
    done = world.run(
        "relabel",
        lap.lap_id,
        "--track",
        "road atlanta",
        "--config",
        "Full",
        "--car",
        "7",
        "--driver",
        "Jo Doe",
        "--yes",
    )
    assert (done.code, done.output) == (0, ""), done
    assert "3 laps relabelled" in done.errors

    labels = "track_id, track_name, track_config_name, car_id, car_name, driver_id, driver_name"
    (row,) = await world.rows(f"select {labels} from track_sessions where id = $1", lap.session.session_id)
    assert row == ("18", "Road Atlanta", "Full", "7", "A car", "Jo Doe", "Jo Doe")
    rows = await world.rows(
        "select distinct track_id, track_config_name, car_id, driver from laps where rig_id = 'rig-1'"
    )
    assert rows == [("18", "Full", "7", "Jo Doe")]
    assert (await world.rows("select distinct driver from laps where rig_id = 'rig-2'")) == [
        (world.other.session.driver_id,)
    ]


async def test_what_is_relabelled_is_still_known_to_its_rig(world: World) -> None:
    """The same lap again is a duplicate, the next one of the drive is stored with the new labels; another car is refused."""
    world.run("relabel", world.laps[0].lap_id, "--track", "Spa", "--driver", "", "--yes")
    await store(world.url, [world.laps[0], replace(world.laps[0], lap_id=uuid.uuid4())])
    assert (await Stored(world.url).counts())[1] == 4

    (fourth,) = new_laps(1)
    fourth = changed(fourth, "lap_number", lambda column: pa.array([99] * len(column)))
    await store(world.url, [replace(fourth, session=world.laps[0].session)])
    rows = await world.rows("select track_id, driver from laps where lap_number = 99")
    assert rows == [("Spa", "rig-1")]
    wrong = fourth.session.model_copy(update={"session_id": world.laps[0].session.session_id, "car_id": "other"})
    with pytest.raises(SessionConflictError):
        await store(world.url, [replace(fourth, session=wrong)])
    with pytest.raises(LapConflictError):
        await store(world.url, [replace(world.laps[0], lap_time=1.5)])


async def test_a_relabelling_is_shown_before_it_is_done(world: World) -> None:
    """--dry-run changes nothing; laps that were not named, or a name that is new, are asked about."""
    lap = world.laps[0]
    dry = world.run("relabel", lap.lap_id, "--track", "Spa", "--dry-run")
    assert dry.code == 0
    assert "3 laps" in dry.errors
    assert f"{lap.session.track_name} -> Spa" in dry.errors
    assert "no stored lap is of 'Spa' yet" in dry.errors
    assert world.run("relabel", lap.lap_id, "--track", "Spa").code == 1
    assert world.run("relabel", lap.lap_id, "--track", "18").code == 1  # three laps, one was named
    assert await world.rows("select 1 from session_relabels") == []
    assert world.run("relabel", world.other.lap_id, "--track", lap.session.track_name).code == 0
    same = world.run("relabel", world.other.lap_id, "--track", lap.session.track_name)
    assert "nothing to change" in same.errors
    assert "say what is wrong" in told(world.run("relabel", lap.lap_id))
    assert "track_name" in told(world.run("relabel", lap.lap_id, "--track", "x" * 300))


async def test_changes_are_on_record(world: World) -> None:
    """For people and for programs, the last one first."""
    world.run("delete", world.laps[0].lap_id, "--yes")
    world.run("relabel", world.other.lap_id, "--car", "Another", "--yes")
    documents = [LapChangeDocument.model_validate(one) for one in json.loads(world.run("changes", "--json").output)]
    assert [(one.kind, one.laps) for one in documents] == [("relabelled", 1), ("deleted", 1)]
    assert documents[0].after is not None
    assert documents[0].after["car_name"] == "Another"
    assert documents[1].lap_id == world.laps[0].lap_id
    rows = list(csv.DictReader(io.StringIO(world.run("changes", "--csv").output)))
    assert [row["kind"] for row in rows] == ["relabelled", "deleted"]
    first = world.run("changes").output.splitlines()[1]
    assert re.search(r"relabelled +[-0-9a-f]{36} +1 +A car +Another$", first)


async def test_what_was_made_of_laps_follows(database_url: str) -> None:
    """Comparisons with a deleted or relabelled lap are made anew; a relabelled lap is analysed by its new labels."""
    laps = stint(7)
    await store(database_url, laps)
    await asyncio.to_thread(racing_coach, database_url, "analyze", "--all")
    stored = Stored(database_url)
    reference = await stored.value("select reference_lap_id from lap_comparisons where lap_id = $1", laps[-1].lap_id)
    assert reference is not None
    with_it = await stored.value("select count(*) from lap_comparisons where reference_lap_id = $1", reference)

    done = racing_coach(database_url, "laps", "delete", reference, "--yes")
    assert f"{with_it} lap" in done.errors
    assert await stored.value(_BEHIND) == with_it
    assert await stored.value("select count(*) from lap_analyses") == len(laps) - 1
    racing_coach(database_url, "analyze", "--all")
    assert await stored.value(_BEHIND) == 0
    other = await stored.value("select reference_lap_id from lap_comparisons where lap_id = $1", laps[-1].lap_id)
    assert other not in {None, reference}

    racing_coach(database_url, "laps", "relabel", laps[-1].lap_id, "--car", "Another", "--yes")
    assert await stored.value("select count(*) from lap_analyses where status = 'failed' and version = 0") == 6
    assert await stored.value("select count(*) from lap_comparisons") == 0
    assert await stored.value("select count(*) from coaching") == 0
    racing_coach(database_url, "analyze", "--all")
    assert await stored.query("select distinct car_id, status from lap_analyses") == [("Another", "done")]


async def test_relabelled_laps_are_coached_as_what_they_are(database_url: str) -> None:
    """A drive had another track's name, car and driver: afterwards it is measured by its own track's corners and held
    against the laps of its own car, and no map of its corners stays under the other name.
    """
    right, wrong = stint(6), stint(7, seed=2, after=timedelta(hours=1))
    labels = {"track_id": "99", "track_name": "Elsewhere", "car_id": "7", "car_name": "A van"}
    labels |= {"driver_id": "nobody", "driver_name": "Nobody"}
    session = wrong[0].session.model_copy(update=labels)
    await store(database_url, [*right, *(replace(lap, session=session) for lap in wrong)])
    assert racing_coach(database_url, "analyze", "--all").code == 0
    stored, own = Stored(database_url), right[0].session
    maps = "select track_id from track_maps order by track_id"
    assert [row["track_id"] for row in await stored.query(maps)] == sorted(["99", own.track_id])

    new = ("--track", own.track_name, "--car", own.car_name, "--driver", str(own.driver_name))
    assert racing_coach(database_url, "laps", "relabel", wrong[0].lap_id, *new, "--yes").code == 0
    assert racing_coach(database_url, "analyze", "--since", "2026-05-01T13:00:00Z").code == 0

    assert [row["track_id"] for row in await stored.query(maps)] == [own.track_id]
    laps = await stored.query(_LABELLED)
    assert {(row["track_id"], row["car_id"], row["driver"], row["status"]) for row in laps} == {
        (own.track_id, own.car_id, own.driver_id, "done")
    }
    assert {row["map_of"] for row in laps} == {own.track_id}
    said = {row["lap_id"]: row for row in laps}[wrong[0].lap_id]
    assert said["reference_lap_id"] in {lap.lap_id for lap in right}
    assert (said["rule"], said["said_of"]) == ("own_best", str(said["reference_lap_id"]))


_LABELLED = """
    select a.*, m.track_id as map_of, c.reference_lap_id, c.rule, s.message -> 'reference' ->> 'lap_id' as said_of
    from lap_analyses a join track_maps m on m.id = a.track_map_id
        join lap_comparisons c using (lap_id) join coaching s using (lap_id)
"""

_BEHIND = """
    select count(*) from lap_analyses a
    where not exists (select from lap_comparisons c where c.lap_id = a.lap_id and c.analysed_at = a.created_at)
"""
