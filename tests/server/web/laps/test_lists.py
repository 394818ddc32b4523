"""Laps, sessions and what there is, as the API lists them."""

import base64
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.server.support import new_laps, with_session
from tests.server.telemetry.test_service import store

from racing_coach_core.lap import Lap
from racing_coach_server.analytics.lap_analysis.schemas import identity_of
from racing_coach_server.analytics.lap_analysis.service import LapAnalysisService
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.reading import StoredLaps

API = "/api/v1"


async def ids(pages: httpx.AsyncClient, query: str) -> list[str]:
    answer = await pages.get(f"{API}/laps?{query}")
    assert answer.status_code == 200, answer.text
    return [lap["lap_id"] for lap in answer.json()["laps"]]


async def test_laps_are_sorted_filtered_and_paged(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """Each of them once over all pages; by what they are of."""
    newest_first = [str(lap.lap_id) for lap in reversed(driven)]
    fastest_first = [str(lap.lap_id) for lap in sorted(driven, key=lambda lap: lap.lap_time or 0)]
    session = driven[0].session

    paged: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await pages.get(f"{API}/laps", params={"limit": 3, "after": after})).json()
        paged += [lap["lap_id"] for lap in page["laps"]]
        after = page["next"]

    assert paged == newest_first
    assert await ids(pages, "sort=lap_time") == fastest_first
    assert await ids(pages, "sort=lap_time&order=desc") == fastest_first[::-1]
    assert await ids(pages, "order=asc") == newest_first[::-1]
    assert len(await ids(pages, f"track={session.track_id}&car={session.car_id}&rig=rig-5&valid=true")) == len(driven)
    assert await ids(pages, "track=nowhere") == []
    assert await ids(pages, "from=2999-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "sort=size", "after=x", "session=x", "from=yesterday", "from=2026-01-01T00:00:00"]
)
async def test_what_cannot_be_asked_is_said(pages: httpx.AsyncClient, query: str) -> None:
    """In one sentence that names the parameter, or the place that it is not."""
    answer = await pages.get(f"{API}/laps?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert query.partition("=")[0] in answer.json()["message"] or "place in this list" in answer.json()["message"]


def cursor(*place: object) -> str:
    """A place in a list, as nobody was given it."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    "path",
    [
        "/laps?track=%00",
        "/laps?driver=a%00b",
        "/sessions?rig=%00",
        "/sessions?driver=%00",
        "/progress?driver=%00&track=a&car=b",
        "/progress?driver=a&track=a&car=b&config=%00",
        "/laps?from=0001-01-01T00:00:00%2B23:59",
        "/laps?to=9999-12-31T23:59:59-23:59",
        f"/laps?after={cursor('received falling', '0001-01-01T00:00:00+23:59', NOBODY)}",
        f"/laps?after={cursor('received falling', -1e300, NOBODY)}",
        f"/laps?sort=lap_time&after={cursor('time rising', 10**400, NOBODY)}",
        f"/laps?after={base64.urlsafe_b64encode(b'[' * 1_400).decode()}",
        "/laps?after=%F0%9F%98%80",
    ],
)
async def test_what_no_database_could_be_asked_is_said_too(empty: httpx.AsyncClient, path: str) -> None:
    """Characters, moments and places that there are not: whoever asks is wrong, not the server."""
    answer = await empty.get(API + path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text


async def test_sessions_and_what_there_is(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """A session with its laps and its best; each track, car, driver and rig once."""
    session = driven[0].session
    (row,) = (await pages.get(f"{API}/sessions?rig=rig-5")).json()["sessions"]
    facets = (await pages.get(f"{API}/facets")).json()

    assert (row["session_id"], row["laps"]) == (str(session.session_id), len(driven))
    assert row["best_lap_time"] == pytest.approx(min(lap.lap_time or 0 for lap in driven))
    assert (await pages.get(f"{API}/sessions?driver=nobody")).json() == {"sessions": [], "next": None}
    assert [track["track_id"] for track in facets["tracks"]] == [session.track_id]
    assert [car["car_id"] for car in facets["cars"]] == [session.car_id]
    assert facets["rigs"] == ["rig-5"]


async def test_progress_is_told_over_laps_and_corners(pages: httpx.AsyncClient, driven: list[Lap]) -> None:
    """In driving order, with the best of every segment; of whom there is any is listed."""
    (choice,) = (await pages.get(f"{API}/progress/choices")).json()["choices"]
    query = {"driver": choice["driver"], "track": choice["track_id"], "car": choice["car_id"]}
    query["config"] = choice["track_config_name"] or ""
    progress = (await pages.get(f"{API}/progress", params=query)).json()
    short = (await pages.get(f"{API}/progress", params={**query, "limit": 2})).json()

    times = [lap.lap_time for lap in driven]
    assert choice["laps"] == len(driven)
    assert [lap["lap_id"] for lap in progress["laps"]] == [str(lap.lap_id) for lap in driven]
    assert [lap["lap_time"] for lap in progress["laps"]] == pytest.approx(times)
    assert (len(progress["sessions"]), len(progress["days"])) == (1, 1)
    assert progress["sessions"][0]["lap_time"]["best_s"] == pytest.approx(min(time or 0 for time in times), abs=0.01)
    assert progress["theoretical_best_s"] <= min(time or 0 for time in times) + 1e-6
    assert progress["corners"]
    for corner in progress["corners"]:
        assert len(corner["times_s"]) == len(corner["min_speeds"]) == len(driven)
        assert corner["spread"]["laps"] == len(driven)
    assert (progress["has_more"], short["has_more"]) == (False, True)
    assert [lap["lap_id"] for lap in short["laps"]] == [str(lap.lap_id) for lap in driven[-2:]]


async def test_each_driver_has_a_choice_of_their_own(empty: httpx.AsyncClient, database: Database) -> None:
    """With how many laps, the one driven last first; a track's layouts are told apart."""
    laps = [
        with_session(lap, driver_id=driver, driver_name=driver.upper(), track_config_name=config)
        for driver, config, count in (("a", "North", 1), ("b", "North", 3), ("b", None, 2))
        for lap in new_laps(count)
    ]
    for number, lap in enumerate(laps):
        lap = replace(lap, session=lap.session.model_copy(update={"session_id": uuid.uuid4()}), lap_id=uuid.uuid4())
        await store(database, lap)
        async with database.transaction() as session:
            stored = await StoredLaps(session).find(lap.lap_id)
            assert stored is not None
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
            await LapAnalysisService(session).keep(identity_of(stored) | {"driven_at": at})

    choices = (await empty.get(f"{API}/progress/choices")).json()["choices"]

    assert [(one["driver"], one["driver_name"], one["track_config_name"], one["laps"]) for one in choices] == [
        ("b", "B", None, 2),
        ("b", "B", "North", 3),
        ("a", "A", "North", 1),
    ]


async def test_there_may_be_nothing(empty: httpx.AsyncClient) -> None:
    """Before the first lap every list is there, and empty."""
    assert (await empty.get(f"{API}/laps")).json() == {"laps": [], "next": None}
    assert (await empty.get(f"{API}/sessions")).json() == {"sessions": [], "next": None}
    assert (await empty.get(f"{API}/facets")).json() == {"tracks": [], "cars": [], "drivers": [], "rigs": []}
    assert (await empty.get(f"{API}/progress/choices")).json() == {"choices": []}
    missing = await empty.get(f"{API}/progress?driver=d&track=t&car=c")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
