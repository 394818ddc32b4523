"""Pages read laps at the read replica, and whatever becomes of it, they say what is stored."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import structlog
from pydantic import SecretStr
from tests.infra import Broker
from tests.server.commands.stints import stint, store
from tests.server.support import execute
from tests.server.web.conftest import asking, web_settings
from tests.servers import PostgresProcess
from tests.standby import StandbyProcess, even
from tests.waiting import eventually

from racing_coach_core.lap import Lap
from racing_coach_server.web import lap_reading

API = "/api/v1/laps"


@pytest.fixture
async def pages(
    broker: Broker, primary: PostgresProcess, standby: StandbyProcess, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at pages that have a replica, with time for a slow machine."""
    monkeypatch.setattr(lap_reading, "_ANSWERS_WITHIN_S", 30.0)
    monkeypatch.setattr(lap_reading, "_MOST_BEHIND", timedelta(hours=1))
    settings = web_settings(broker, primary.url)
    database = settings.database.model_copy(update={"read_url": SecretStr(standby.url)})
    async with asking(settings.model_copy(update={"database": database})) as client:
        yield client


@pytest.fixture
async def not_replayed(primary: PostgresProcess, standby: StandbyProcess) -> AsyncIterator[Lap]:
    """A lap that the replica was sent and does not show yet."""
    before, lap = stint(2)
    await store(primary.url, [before])
    await even(primary, standby)
    await execute(standby.url, "select pg_wal_replay_pause()")
    await store(primary.url, [lap])
    yield lap
    await execute(standby.url, "select pg_wal_replay_resume()")
    await even(primary, standby)


async def listed(pages: httpx.AsyncClient) -> set[str]:
    """The laps that are shown."""
    answer = await pages.get(API)
    assert answer.status_code == 200, answer.text
    return {lap["lap_id"] for lap in answer.json()["laps"]}


async def test_a_lap_that_the_replica_does_not_have_yet_is_found_all_the_same(
    not_replayed: Lap, pages: httpx.AsyncClient
) -> None:
    """The list is the replica's, a moment old; who opens a lap of the pit wall sees it, and its frames."""
    lap = not_replayed
    assert str(lap.lap_id) not in await listed(pages)
    for path in ("", "/view", "/columns?channels=speed", "/analysis"):
        answer = await pages.get(f"{API}/{lap.lap_id}{path}")
        assert answer.status_code == 200, answer.text
    said = await pages.get(f"{API}/{lap.lap_id}/coaching")
    assert (said.status_code, said.json()["code"]) == (404, "not_found")


async def test_a_replica_that_is_too_far_behind_is_not_read(
    not_replayed: Lap, pages: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists come from the database then."""
    monkeypatch.setattr(lap_reading, "_MOST_BEHIND", timedelta())
    assert str(not_replayed.lap_id) in await listed(pages)


async def test_a_replica_that_is_stopped_is_done_without(
    primary: PostgresProcess, standby: StandbyProcess, pages: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are the database's; once it is back, and was left alone for a while, they are the replica's again."""
    (lap,) = stint(1, seed=3)
    await store(primary.url, [lap])
    monkeypatch.setattr(lap_reading, "_REST_S", 0.0)
    standby.stop()
    try:
        assert str(lap.lap_id) in await listed(pages)
    finally:
        standby.start()
    await even(primary, standby)
    with structlog.testing.capture_logs() as logs:
        assert str(lap.lap_id) in await listed(pages)
    assert logs == []


async def test_a_replica_that_hangs_is_waited_for_once(
    standby: StandbyProcess, pages: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections and answers nothing; who asks next goes to the database at once."""
    before = await listed(pages)
    monkeypatch.setattr(lap_reading, "_ANSWERS_WITHIN_S", 0.5)
    monkeypatch.setattr(lap_reading, "_REST_S", 600.0)
    standby.freeze()
    try:
        with structlog.testing.capture_logs() as logs:
            assert await listed(pages) == before
            assert await listed(pages) == before
    finally:
        standby.thaw()
    (left_alone,) = [line for line in logs if line["event"] == "the read replica is not used for a while"]
    assert left_alone["reason"] == "no answer in time"


async def test_while_the_database_is_away_the_replica_is_read_however_old_it_is(
    primary: PostgresProcess, standby: StandbyProcess, pages: httpx.AsyncClient
) -> None:
    """And with neither there, that is said."""
    before = await listed(pages)
    primary.stop()
    try:
        assert await listed(pages) == before
        standby.stop()
        answer = await pages.get(API)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    finally:
        primary.start()
        standby.start()
    await eventually(lambda: _is_fed(standby))


async def _is_fed(standby: StandbyProcess) -> bool:
    (row,) = await execute(standby.url, "select exists (select from pg_stat_wal_receiver where pid is not null) as fed")
    return bool(row["fed"])
