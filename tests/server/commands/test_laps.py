"""`racing-coach laps list`, `show` and `export`: what people and programs are told of stored laps."""

import csv
import io
import json
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest
from tests.databases import Databases
from tests.in_process import Done
from tests.server.commands.stints import FIRST, environment, racing_coach, spoil_session, store_now, told
from tests.server.support import changed, new_lap
from tests.terminal import on_a_terminal
from tests.waiting import TIMEOUT_S

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.lap import Lap
from racing_coach_core.stored_documents import ChannelDocument, LapDetailsDocument, LapDocument, LapListDocument

LONG_TRACK = "Autódromo Internacional do Algarve and a long way home"
LONG_CAR = "A car of many names, GT3 evo II, in blue"


def named(
    track: str, car: str, driver: str | None, number: int, *, lap_time: float = 78.783, config: str | None = None
) -> Lap:
    """A lap driven so many days after the first."""
    lap = spoil_session(
        new_lap(), track_id=f"id-{track}"[:64], track_name=track, car_id=f"id-{len(car)}", car_name=car,
        driver_id=driver, driver_name=driver and driver.title(), track_config_name=config,
    )  # fmt: skip
    start = lap.frames.column("timestamp")[0].as_py()
    move = int((FIRST + timedelta(days=number) - start) / timedelta(microseconds=1))
    moved = changed(lap, "timestamp", lambda at: pa.array([one + move for one in at.cast(pa.int64()).to_pylist()]))
    return replace(moved, lap_time=lap_time)


@dataclass(frozen=True)
class World:
    url: str
    laps: dict[str, Lap]

    def run(self, *words: object) -> Done:
        return racing_coach(self.url, "laps", *words)

    def names(self, *words: object) -> list[str]:
        """Which laps `laps list` finds, by what they are called here."""
        done = self.run("list", "--json", *words)
        assert done.code == 0, done
        ids = {str(lap.lap_id): name for name, lap in self.laps.items()}
        return [ids[lap["lap_id"]] for lap in json.loads(done.output)["laps"]]


@pytest.fixture(scope="module")
def world(databases: Databases) -> Iterator[World]:
    """Laps of two drivers and a rig, in two cars on two tracks."""
    laps = {
        "jo": named("Spa", "A car", "jo", 0),
        "jo faster": named("Spa", "A car", "jo", 1, lap_time=77.5),
        "al": named("Spa", "A car", "al", 2, lap_time=79.0, config="GP"),
        "far": named(LONG_TRACK, LONG_CAR, "jo", 3, lap_time=100.0),
        "nobody": named("Spa", LONG_CAR, None, 4),
    }
    with databases.migrated() as url:
        store_now(url, list(laps.values()))
        yield World(url, laps)


def test_laps_are_found_by_what_they_are(world: World) -> None:
    """Each option alone and together; names in part, in any case; newest first."""
    for words, found in (
        ([], ["nobody", "far", "al", "jo faster", "jo"]),
        (["--track", "spa", "--driver", "JO"], ["jo faster", "jo"]),
        (["--track", "algarve"], ["far"]),
        (["--config", "GP"], ["al"]),
        (["--config", "", "--car", "A car"], ["jo faster", "jo"]),
        (["--driver", "rig-1"], ["nobody"]),
        (["--rig", "rig-2"], []),
        (["--not-valid"], []),
        (["--since", "2026-05-04", "--valid"], ["nobody", "far"]),
        (["--until", "2026-05-02T00:00"], ["jo"]),
        (["--sort", "time"], ["jo faster", "jo", "nobody", "al", "far"]),
        (["--sort", "driven", "--reverse", "--limit", "2"], ["jo", "jo faster"]),
        (["--session", world.laps["al"].session.session_id], ["al"]),
        (["--best", "--track", "Spa", "--car", "A car"], ["jo faster", "al"]),
    ):
        assert sorted(world.names(*words)) == sorted(found), words
        if "time" not in words:
            assert world.names(*words) == found, words


def test_what_cannot_be_found_is_said(world: World) -> None:
    """An unknown or ambiguous name, a time that is none, two forms at once: one sentence that says what there is."""
    assert "there are id-Autódromo" in told(world.run("list", "--track", "Monza"))
    assert "Spa" in told(world.run("list", "--track", "Monza"))
    assert "give more of its name" in told(world.run("list", "--car", "car"))
    assert "7d" in told(world.run("list", "--since", "lately"))
    assert "one of --json and --csv" in told(world.run("list", "--json", "--csv"))
    assert "an order of its own" in told(world.run("list", "--best", "--reverse"))
    assert "no place in this list" in told(world.run("list", "--cursor", "x"))


def test_pages_go_on_where_the_hint_says(world: World) -> None:
    """Standard error has the cursor of the next page, and so does the document."""
    first = world.run("list", "--limit", "3")
    assert len(first.output.splitlines()) == 4
    cursor = first.errors.strip().rpartition("--cursor ")[2]
    document = LapListDocument.model_validate_json(world.run("list", "--limit", "3", "--json").output)
    assert document.cursor == cursor
    assert world.names("--limit", "3", "--cursor", cursor) == ["jo faster", "jo"]
    assert "--cursor" not in world.run("list", "--cursor", cursor).errors


def test_nothing_is_cut_in_a_pipe(world: World) -> None:
    """A line each, whole ids, names in full, the year and the zone of every time, no frame around it."""
    done = world.run("list")
    head, *rows = done.output.splitlines()
    assert head.split() == ["lap", "received", "no.", "lap", "time", "valid", "driver", "rig", "track", "car"]
    assert len(rows) == len(world.laps)
    for row, lap in zip(rows, reversed(world.laps.values()), strict=True):
        assert row.startswith(str(lap.lap_id))
        assert lap.session.track_name in row
        assert row.endswith(lap.session.car_name)
    assert "1:18.783" in rows[0]
    assert "2026-05-05 12:" in rows[0]
    assert done.errors == ""


@pytest.mark.parametrize("columns", [80, 100, 170])
def test_a_list_fits_the_terminal(world: World, columns: int) -> None:
    """Ids of eight digits, and only track and car are shortened."""
    shown = on_a_terminal(environment(world.url), "laps", "list", "--limit", "4", columns=columns)
    lines = [line for line in shown.splitlines() if "--cursor" not in line]
    assert max(map(len, lines)) <= columns, shown
    for name, lap in world.laps.items():
        found = [line for line in lines if line.startswith(str(lap.lap_id)[:8])]
        assert len(found) == (name != "jo"), shown
        assert all((lap.session.driver_name or "rig-1") in line for line in found)
    assert shown.count("…") == {80: 3, 100: 3, 170: 0}[columns], shown
    assert "--cursor" in shown


def test_an_id_is_as_long_as_it_takes(databases: Databases) -> None:
    """On a terminal, two laps that begin with the same digits are told apart."""
    laps = [
        replace(named("Spa", "A car", "jo", n), lap_id=uuid.UUID(f"abcdef01-2{n}34-4000-8000-000000000000"))
        for n in range(2)
    ]
    with databases.migrated() as url:
        store_now(url, laps)
        shown = on_a_terminal(environment(url), "laps", "list", columns=80)
    assert "abcdef01-20 " in shown
    assert "abcdef01-21 " in shown


def test_lists_are_for_programs_too(world: World) -> None:
    """JSON as documented; CSV with the same names, a line each, nothing else on standard output."""
    document = LapListDocument.model_validate_json(world.run("list", "--json").output)
    rows = list(csv.DictReader(io.StringIO(world.run("list", "--csv").output)))
    assert [row["lap_id"] for row in rows] == [str(lap.lap_id) for lap in document.laps]
    assert list(rows[0]) == list(LapDocument.model_fields)
    assert rows[0]["driver_name"] == ""
    assert rows[0]["is_valid"] == "true"
    assert float(rows[0]["lap_time"]) == document.laps[0].lap_time == 78.783
    assert document.laps[0].driver == "rig-1"


def test_one_lap_is_shown_with_units(world: World) -> None:
    """For people with units and without the noise of 32 bits; for programs as documented."""
    lap = changed(world.laps["al"], "yaw_rate", lambda column: pa.array([-1.397e-09] * len(column)))
    lap = replace(lap, lap_id=uuid.uuid4(), session=lap.session.model_copy(update={"session_id": uuid.uuid4()}))
    store_now(world.url, [lap], rig_id="rig-of-one")
    part = str(lap.lap_id)[:8]

    shown = world.run("show", part).output
    (yaw_rate,) = [line.split() for line in shown.splitlines() if line.startswith("yaw_rate")]
    assert yaw_rate == ["yaw_rate", "0", "0", "rad/s", f"{lap.frames.num_rows}"]
    assert ["lap", "time", "1:19.000"] in [line.split() for line in shown.splitlines()]
    document = LapDetailsDocument.model_validate_json(world.run("show", part, "--json").output)
    assert document.lap_id == lap.lap_id
    assert {one.name: one.unit for one in document.channels}["speed"] == "m/s"
    rows = list(csv.DictReader(io.StringIO(world.run("show", part, "--csv").output)))
    assert [row["name"] for row in rows] == [one.name for one in document.channels]
    assert list(rows[0]) == list(ChannelDocument.model_fields)


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "arrow"])
def test_a_lap_goes_to_a_file_and_to_a_pipe(world: World, kind: str, tmp_path: Path) -> None:
    """The same bytes; the format is what the name ends with; CSV and Parquet have no column without a value."""
    lap = world.laps["al"]
    path = tmp_path / f"lap.{kind}"
    done = world.run("export", str(lap.lap_id)[:8], "-o", path)
    assert (done.code, done.output) == (0, ""), done
    piped = world.run("export", lap.lap_id, "-f", kind, "-o", "-")
    assert (piped.code, piped.errors) == (0, "")
    assert piped.raw == path.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]

    told_of = [name for name in lap.frames.schema.names if lap.frames.column(name).null_count < lap.frames.num_rows]
    match kind:
        case "csv":
            assert pa_csv.read_csv(path).column_names == told_of
        case "parquet":
            table = pa_parquet.read_table(path)
            assert table.column_names == told_of
            assert (
                pa.Table.from_batches([lap.frames]).select(told_of).equals(table.cast(table.schema.remove_metadata()))
            )
            assert json.loads(table.schema.metadata[b"session"])["track_name"] == "Spa"
        case _:
            assert decode_lap(path.read_bytes()).lap == lap


def test_a_file_that_cannot_be_written_is_named(world: World, tmp_path: Path) -> None:
    """With the reason, and nothing is left beside it."""
    lap_id = world.laps["al"].lap_id
    assert "No such file" in told(world.run("export", lap_id, "-o", tmp_path / "none" / "lap.csv"))
    (tmp_path / "folder").mkdir()
    assert "folder" in told(world.run("export", lap_id, "-o", tmp_path / "folder"))
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_what_is_no_file_is_not_replaced(world: World, tmp_path: Path) -> None:
    """A pipe stays one and gets the bytes, as any device does; a link goes on to point where it pointed."""
    lap_id = world.laps["al"].lap_id
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "target.csv"
    os.mkfifo(pipe)
    link.symlink_to(target)
    with ThreadPoolExecutor(max_workers=1) as reader:
        read = reader.submit(pipe.read_bytes)
        assert world.run("export", lap_id, "-o", pipe).code == 0
        assert world.run("export", lap_id, "-o", link).code == 0
        assert read.result(timeout=TIMEOUT_S) == target.read_bytes()
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert {one.name for one in tmp_path.iterdir()} == {"pipe", "link.csv", "target.csv"}
