"""One lap: its frames, its page, its report."""

import base64
import io
import json
import uuid
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from tests.server.support import new_lap, with_session
from tests.server.telemetry.test_service import store

from racing_coach_core.lap import Lap
from racing_coach_core.web_views import LapView
from racing_coach_server.database.engine import Database

API = "/api/v1/laps"
SCRIPT = "</script><script>alert(1)</script>"
CHANNELS = ["speed", "gear", "brake", "on_pit_road"]
"""In the order of the table."""


def unpacked(column: dict[str, Any]) -> np.ndarray:
    """A packed column's values, NaN where there is none."""
    raw = np.frombuffer(base64.b64decode(column["data"]), {"int16": "<i2", "int32": "<i4"}[column["dtype"]])
    return np.where(raw == np.iinfo(raw.dtype).min, np.nan, raw * column["scale"] + column["offset"])


async def view(pages: httpx.AsyncClient, lap: Lap, against: str = "coach") -> dict[str, Any]:
    answer = await pages.get(f"{API}/{lap.lap_id}/view?against={against}")
    assert answer.status_code == 200, answer.text
    LapView.model_validate_json(answer.text)
    found: dict[str, Any] = answer.json()
    return found


async def test_its_frames_are_what_was_stored_in_every_format(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """Bit for bit in Arrow and Parquet, digit for digit in CSV and JSON."""
    lap = driven[0]
    of_lap = pa.Table.from_batches([lap.frames.select(CHANNELS)])

    async def get(kind: str) -> bytes:
        answer = await pages.get(f"{API}/{lap.lap_id}/columns?format={kind}&channels={','.join(reversed(CHANNELS))}")
        assert answer.status_code == 200
        assert f"lap-{lap.lap_id}.{kind}" in answer.headers["content-disposition"]
        return answer.content

    assert pa.ipc.open_stream(await get("arrow")).read_all().equals(of_lap)
    assert pq.read_table(io.BytesIO(await get("parquet"))).equals(of_lap)
    csv = pa_csv.read_csv(io.BytesIO(await get("csv")))
    assert csv.column_names == of_lap.column_names
    assert np.allclose(csv["speed"].to_numpy(), of_lap["speed"].to_numpy(), rtol=1e-6)
    columns = json.loads(await get("json"))["columns"]
    assert columns == {name: of_lap[name].to_pylist() for name in of_lap.column_names}
    every = (await pages.get(f"{API}/{lap.lap_id}/columns")).json()
    assert set(every["columns"]) == set(lap.frames.schema.names)


@pytest.mark.parametrize("query", ["channels=nothing", "channels=", "format=xls"])
async def test_frames_that_there_are_not(pages: httpx.AsyncClient, driven: list[Lap], query: str) -> None:
    answer = await pages.get(f"{API}/{driven[0].lap_id}/columns?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_its_page_is_one_document(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """Both laps over the same places, what was lost where, corner by corner, and the coach's word."""
    found = await view(pages, driven[-1], "own_best")

    n = found["grid"]["n"]
    best = min(driven[:-1], key=lambda lap: lap.lap_time or 0)
    assert found["reference"]["rule"] == "own_best"
    assert found["reference"]["lap"]["lap_id"] == str(best.lap_id)
    for pair in (*found["channels"].values(), found["time"]):
        assert len(unpacked(pair["lap"])) == len(unpacked(pair["reference"])) == n
    assert {"speed", "throttle", "brake", "steering_angle", "gear"} <= set(found["channels"])
    time, reference_time = unpacked(found["time"]["lap"]), unpacked(found["time"]["reference"])
    delta = unpacked(found["delta_s"])
    assert np.allclose(delta, time - reference_time, atol=1e-3)
    assert delta[-1] == pytest.approx(found["delta_total_s"], abs=1e-3)
    assert sum(one["loss_s"] for one in found["deltas"]) == pytest.approx(found["delta_total_s"], abs=1e-3)
    speed = driven[-1].frames.column("speed").to_numpy()
    assert np.nanmax(unpacked(found["channels"]["speed"]["lap"])) == pytest.approx(speed.max(), abs=0.2)
    assert {choice["against"] for choice in found["references"]} > {"own_best", "car_best", "theoretical"}
    assert found["corners"]
    for corner in found["corners"]:
        assert corner["lap"]["cornering"]["min_speed"] > 0
        assert corner["loss_s"] == pytest.approx(corner["entry_s"] + corner["middle_s"] + corner["exit_s"], abs=1e-6)
    assert found["coaching"]["lap_id"] == str(driven[-1].lap_id)


async def test_the_theoretical_best_is_nowhere_slower(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """Its channels are those of the laps that it is made of, and what each segment lost adds up."""
    for lap in (driven[-1], driven[0]):
        found = await view(pages, lap, "theoretical")

        assert found["reference"]["lap"] is None
        assert len(found["theoretical_laps"]) == len(found["segments"])
        assert min(one["loss_s"] for one in found["deltas"]) > -2e-3
        assert found["delta_total_s"] >= -1e-6
        assert np.isfinite(unpacked(found["channels"]["speed"]["reference"])).all()
        assert unpacked(found["delta_s"])[-1] == pytest.approx(found["delta_total_s"], abs=1e-3)


async def test_alone_it_has_no_reference(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """And nothing that needs one, of which nothing is said to be missing."""
    found = await view(pages, driven[-1], "none")
    assert (found["reference"], found["no_reference"], found["delta_s"], found["deltas"]) == (None, None, None, [])
    assert found["corners"][0]["loss_s"] is None
    assert found["channels"]["speed"]["reference"] is None


async def test_the_first_lap_has_nothing_before_it(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """Why there is no reference is said, and the page is there all the same."""
    found = await view(pages, driven[0])
    assert found["reference"] is None
    assert found["no_reference"]
    assert found["channels"]["speed"]["lap"] is not None


async def test_a_lap_by_its_id(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """Any lap of the same track; itself is none."""
    found = await view(pages, driven[-1], str(driven[0].lap_id))
    assert (found["reference"]["rule"], found["reference"]["lap"]["lap_id"]) == ("named", str(driven[0].lap_id))
    itself = await view(pages, driven[0], str(driven[0].lap_id))
    assert itself["reference"] is None
    assert "itself" in itself["no_reference"]


@pytest.mark.parametrize(
    "what", ["", "/view", "/report", "/columns", "/analysis", "/comparison", "/coaching", "/references"]
)
async def test_a_lap_that_is_not_stored(pages: httpx.AsyncClient, what: str) -> None:
    """Nor one to hold a lap against; what is no id is no question."""
    answer = await pages.get(f"{API}/{uuid.uuid4()}{what}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await pages.get(f"{API}/none{what}")).status_code == 422


async def test_a_reference_that_cannot_be(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """An id of no lap, and no id at all."""
    for path in ("view", "comparison"):
        url = f"{API}/{driven[0].lap_id}/{path}"
        assert (await pages.get(url, params={"against": str(uuid.uuid4())})).status_code == 404
        assert (await pages.get(url, params={"against": "best of all"})).status_code == 422
    lonely = await pages.get(f"{API}/{driven[0].lap_id}/comparison")
    assert (lonely.status_code, lonely.json()["code"]) == (409, "not_comparable")


async def test_programs_get_what_the_command_prints(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """Analysis, comparison and coaching, by the documents of the core."""
    url = f"{API}/{driven[-1].lap_id}"
    analysis, coaching = (await pages.get(f"{url}/analysis")).json(), (await pages.get(f"{url}/coaching")).json()
    comparison = (await pages.get(f"{url}/comparison?against=car_best")).json()
    theoretical = (await pages.get(f"{url}/comparison?against=theoretical")).json()
    assert analysis["status"] == "done"
    assert len(analysis["measures"]["corners"]) > 0
    assert coaching["lap_id"] == str(driven[-1].lap_id)
    assert comparison["rule"] == "car_best"
    assert theoretical["reference_lap_id"] is None


async def test_a_lap_that_is_not_analysed_has_its_page(empty: httpx.AsyncClient, database: Database) -> None:
    """What the daemon has not done, or is told not to do, is done for the page; nothing is written for it."""
    first, second = new_lap(), new_lap()
    await store(database, first)
    await store(database, second)

    found = await view(empty, second, str(first.lap_id))

    assert found["reference"]["lap"]["lap_id"] == str(first.lap_id)
    assert np.isfinite(unpacked(found["delta_s"])).all()
    assert (found["corners"], found["coaching"]) == ([], None)
    assert found["coaching_missing"]
    assert (await empty.get(f"{API}/{second.lap_id}/analysis")).json()["measures"] is None


async def test_its_report_is_one_small_file_that_loads_nothing(empty: httpx.AsyncClient, database: Database) -> None:
    """Whatever the driver is called, the text of it stays text."""
    lap = with_session(new_lap(), driver_name=SCRIPT, driver_id="7")
    await store(database, lap)

    answer = await empty.get(f"{API}/{lap.lap_id}/report")

    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    assert "<" not in answer.headers["content-disposition"]
    assert len(answer.content) <= 500_000
    assert SCRIPT not in answer.text
    assert "<script>alert" not in answer.text
    assert 'src="' not in answer.text
    assert 'href="/' not in answer.text
    assert 'http-equiv="Content-Security-Policy"' in answer.text
