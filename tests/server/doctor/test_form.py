"""The doctor's look at which form the database has."""

import asyncio

import pytest
from tests.citus import CitusDatabase
from tests.server.doctor.findings import found

from racing_coach_server.database.init_db import upgrade_database
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.doctor.form import _seconds
from racing_coach_server.tables import metadata


async def test_one_server_is_one_server(database_url: str) -> None:
    """Nothing is asked of a database that was never distributed."""
    assert await found(database_url, "form") == ["good: one server"]
    assert await found(database_url, "shards") == []


@pytest.mark.parametrize(("interval", "seconds"), [("10s", 10), ("1min", 60), ("500ms", 0.5), ("1h", 3600)])
def test_an_interval_is_read_as_the_server_shows_it(interval: str, seconds: float) -> None:
    """In whatever unit it comes out even."""
    assert _seconds(interval) == seconds


@pytest.mark.citus
async def test_a_database_that_could_be_distributed_and_is_not(citus: CitusDatabase) -> None:
    """The extension is there: it is said what to do with it."""
    await upgrade_database(DatabaseSettings.model_validate({"url": citus.url()}))
    (form,) = await found(citus.url(), "form")
    assert form.startswith("advice: Citus")


@pytest.mark.citus
async def test_a_distributed_database_is_described_at_any_node(citus: CitusDatabase) -> None:
    """Which form, how many nodes, which of them is asked, and how many shards each has."""
    await asyncio.to_thread(citus.distribute)
    for node, role in zip(citus.cluster.nodes, ("the coordinator", "a worker", "a worker"), strict=True):
        (form,) = await found(citus.url(node), "form")
        assert form.startswith("good: distributed by Citus")
        assert form.endswith(f"on 3 nodes; this one is {role}")
        assert await found(citus.url(node), "tables") == [f"good: {len(metadata.tables)} where they belong"]
        shards = await found(citus.url(node), "shards")
        assert [line.partition(" has ")[0] for line in shards] == sorted(
            f"good: 127.0.0.1:{worker.port}" for worker in citus.cluster.workers
        )


@pytest.mark.citus
async def test_a_node_that_keeps_nothing_is_named(citus: CitusDatabase) -> None:
    """This cluster runs without fsync; each node that does is named, not only the one that is asked."""
    await asyncio.to_thread(citus.distribute)
    off = await found(citus.url(), "fsync")
    for node in citus.cluster.nodes:
        assert f"bad: off at 127.0.0.1:{node.port}: its part of an answered lap may be gone" in off


@pytest.mark.citus
async def test_a_table_that_is_not_placed_is_named(citus: CitusDatabase) -> None:
    """It would be seen at the coordinator only."""
    await asyncio.to_thread(citus.distribute)
    await asyncio.to_thread(citus.execute, "select undistribute_table('lock_slots')")
    assert await found(citus.url(), "tables") == ["bad: on the coordinator only: lock_slots"]
