"""An exception in one of the followers from a stored lap to the coach's word."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import structlog
from structlog.testing import capture_logs
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.coaching.driving import said_of, stint
from tests.server.conftest import RunApp
from tests.server.support import Stored, Watcher, arrow
from tests.waiting import eventually

from racing_coach_analysis.corners import LAPS_FOR_MAP
from racing_coach_server.analytics.comparison import service as comparisons
from racing_coach_server.analytics.comparison.comparer import Comparer
from racing_coach_server.analytics.comparison.followers import LapComparer
from racing_coach_server.analytics.lap_analysis import schemas as analysis
from racing_coach_server.analytics.lap_analysis import service as analyses
from racing_coach_server.analytics.lap_analysis.analyst import Analyst
from racing_coach_server.analytics.lap_analysis.followers import LapAnalyser
from racing_coach_server.coaching import service as coachings
from racing_coach_server.coaching.coach import Coach
from racing_coach_server.coaching.followers import LapCoach

WHERE: dict[str, tuple[type, str, str, tuple[Any, ...]]] = {
    "lap_analysis": (Analyst, "analyse", "lap_analyses", (LapAnalyser, analyses, analysis)),
    "comparison": (Comparer, "compare", "lap_comparisons", (LapComparer, comparisons)),
    "coaching": (Coach, "speak", "coaching", (LapCoach, coachings)),
}
"""Of each feature: what does the work, the table of its results, and who knows its version."""


def fails_on(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, lap_id: UUID) -> None:
    works = getattr(owner, name)

    async def fails(self: Any, session: Any, lap: Any) -> Any:
        if lap.lap_id == lap_id:
            raise ZeroDivisionError("a bug in the mathematics")
        return await works(self, session, lap)

    monkeypatch.setattr(owner, name, fails)


@pytest.mark.parametrize("feature", WHERE)
async def test_a_failure_is_its_laps_own(
    run_app: RunApp, broker: Broker, rig: LapClient, stored: Stored, monkeypatch: pytest.MonkeyPatch, feature: str
) -> None:
    """It is logged once with its lap, counted, kept, not tried again, and made good by the next version."""
    owner, method, table, versioned = WHERE[feature]
    *others, bad, last = laps = stint(LAPS_FOR_MAP + 2)  # the bad one comes when the track has its corners
    others.append(last)
    failed = f"select lap_id, version, detail from {table} where status = 'failed'"

    with (
        monkeypatch.context() as broken,
        capture_logs(processors=[structlog.contextvars.merge_contextvars]) as log,
    ):
        fails_on(broken, owner, method, bad.lap_id)
        async with run_app(health={"interval_s": 0.1}) as app, Watcher(broker, app.settings.instance) as watcher:
            for lap in laps:
                assert (await rig.send(arrow(lap))).status == "success"
            for lap in others:
                await said_of(rig, lap)
            await eventually(lambda: watcher.heartbeats[-1].features[feature].failed == 1)
            assert {beat.status for beat in watcher.heartbeats} == {"healthy"}
        async with run_app(followers={"catch_up_s": 0.05}):
            await asyncio.sleep(0.5)

    (line,) = [line for line in log if line["log_level"] == "error"]
    assert (line["event"], line["follower"], line["lap_id"]) == ("a follower failed", feature, str(bad.lap_id))
    (row,) = await stored.query(failed)
    names = ["version" if isinstance(one, type) else "VERSION" for one in versioned]
    (version,) = {getattr(one, name) for one, name in zip(versioned, names, strict=True)}
    assert (row["lap_id"], row["version"]) == (bad.lap_id, version)
    assert "a bug in the mathematics" in row["detail"]
    assert rig.coaching[bad.lap_id].empty()

    for one, name in zip(versioned, names, strict=True):
        monkeypatch.setattr(one, name, version + 1)
    async with run_app():
        assert (await said_of(rig, bad)).lap_id == bad.lap_id
    assert await stored.query(failed) == []
    assert await stored.value(f"select status from {table} where lap_id = $1", bad.lap_id) != "failed"
