"""`racing-coach laps report`: the page of a lap as one file."""

import json
import re
from pathlib import Path

import pytest
from tests.in_process import Done, run_here
from tests.infra import Broker
from tests.server.commands.test_commands import settings_of

from racing_coach_core.lap import Lap
from racing_coach_core.web_laps import LapRow
from racing_coach_core.web_views import LapView
from racing_coach_server.main import main
from racing_coach_server.web.report import report_name


@pytest.fixture
def report(broker: Broker, shared_database_url: str, driven: list[Lap], tmp_path: Path):
    """`racing-coach laps report`, in a directory of its own."""
    assert driven

    def run(*words: str) -> Done:
        settings = settings_of(broker, shared_database_url)
        return run_here(main, "laps", "report", *words, environment=settings, cwd=tmp_path)

    return run


def carried(path: Path) -> LapView:
    """The document in a report."""
    (document,) = re.findall(r'<script type="application/json" id="view">(.*?)</script>', path.read_text(), re.DOTALL)
    return LapView.model_validate(json.loads(document))


def test_it_holds_both_laps(report, driven: list[Lap], tmp_path: Path) -> None:
    """By the first part of their ids; the file is said, and small."""
    first, last = driven[0].lap_id, driven[-1].lap_id

    done = report(str(last)[:13], "--against", str(first)[:13], "-o", "lap.html")

    view = carried(tmp_path / "lap.html")
    assert done.code == 0, done.errors
    assert "lap.html" in done.output
    assert (tmp_path / "lap.html").stat().st_size <= 500_000
    assert view.lap.lap_id == last
    assert view.reference is not None
    assert view.reference.lap is not None
    assert view.reference.lap.lap_id == first


@pytest.mark.parametrize(("against", "rule"), [("best", "own_best"), ("theoretical", "theoretical"), ("none", None)])
def test_it_is_against_what_is_asked_for(
    report, driven: list[Lap], tmp_path: Path, against: str, rule: str | None
) -> None:
    assert report(str(driven[-1].lap_id), "--against", against, "-o", "lap.html").code == 0
    reference = carried(tmp_path / "lap.html").reference
    assert (None if reference is None else reference.rule) == rule


def test_without_a_file_it_is_named_after_the_lap(report, driven: list[Lap], tmp_path: Path) -> None:
    """And without another lap, against the coach's; of the first lap, beside none, which is said."""
    done = report(str(driven[0].lap_id))
    (path,) = tmp_path.glob("*.html")
    assert path.name in done.output.replace("\n", "")
    assert "beside no other lap: Before it nobody drove" in done.output
    assert carried(path).reference is None


def test_what_cannot_be_is_one_clear_error(report, driven: list[Lap]) -> None:
    """No such lap, nothing to hold it against, nowhere to write."""
    lap = str(driven[0].lap_id)
    for words, said in (
        (("ffffffff",), "racing-coach laps list"),
        ((lap, "--against", "the best"), "lap_id"),
        ((lap, "-o", "no/such/folder/lap.html"), "cannot be written"),
    ):
        done = report(*words)
        assert done.code == 1
        assert said in done.errors.replace("\n", " ")
        assert "Traceback" not in done.errors


@pytest.mark.parametrize("name", ["../../etc/passwd", "/dev/null", "..\\..\\x", "a\x00b", "\u202egnp.", "x" * 256, "."])
def test_no_name_leads_its_file_elsewhere(name: str) -> None:
    """Tracks, cars and drivers are called what a rig says: of a file's name it is a part, and short enough for all three."""
    lap = LapRow.model_construct(track_name=name, car_name=name, driver_name=name, lap_time=90.0)
    called = report_name(LapView.model_construct(lap=lap))
    assert Path(called).name == called
    assert called.isascii()
    assert called.isprintable()
    assert len(called) < 255
