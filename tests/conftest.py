"""Fixtures that every test may use: a database of its own, a broker, mosquitto itself. What they run is in infra.py."""

import asyncio
import os
import time
import uuid
from collections.abc import Generator, Iterator

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy.engine import URL, make_url

from racing_coach_demo.embedded import EmbeddedBroker
from tests.infra import (
    Broker,
    MosquittoProcess,
    PostgresProcess,
    broker_of_url,
    choose_broker,
    choose_database,
    find_mosquitto,
    requires_mosquitto,
)

# Machines that run tests are shared: a slow example is no failure. What must be fast says so in its own test.
settings.register_profile("racing-coach", deadline=None)
settings.load_profile("racing-coach")


def pytest_report_header() -> str:
    return f"database: {choose_database().text}; broker: {choose_broker().text}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing may be skipped: a test without its broker, database or tool has not been run."""
    report = yield
    if report.skipped and requires_mosquitto():
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created."""
    match choose_database().kind:
        case "url":
            yield os.environ["RACING_COACH_TEST_DATABASE_URL"]
        case "container":
            from tests.containers import timescale_container

            with timescale_container() as url:
                asyncio.run(_until_it_answers(make_url(url)))
                yield url
        case _:
            with PostgresProcess() as server:
                yield server.url


@pytest.fixture
def database_url(database_server: str) -> Iterator[str]:
    """The URL of an empty database, for one test."""
    server = make_url(database_server)
    name = f"test_{uuid.uuid4().hex}"
    asyncio.run(_execute(server, f'create database "{name}"'))
    yield server.set(database=name).render_as_string(hide_password=False)
    asyncio.run(_execute(server, f'drop database "{name}" with (force)'))


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """The broker that a run shares. Use topics, and client ids, of your own."""
    match choose_broker().kind:
        case "url":
            yield broker_of_url(os.environ["RACING_COACH_TEST_MQTT_URL"])
        case "container":
            from tests.containers import mosquitto_container

            with mosquitto_container() as running:
                yield running
        case "mosquitto":
            with MosquittoProcess() as process:
                yield process.broker
        case "embedded":
            with EmbeddedBroker() as embedded:
                yield Broker(embedded.host, embedded.port, "embedded", "rumqttd")


@pytest.fixture(scope="session")
def need_mosquitto() -> None:
    """For tests that start mosquitto themselves, several or with settings: skips, or fails, without it."""
    if find_mosquitto() is None:
        reason = "needs the mosquitto broker on this machine (package mosquitto)"
        if requires_mosquitto():
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def mosquitto_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """mosquitto, with our configuration, shared by a run."""
    if choose_broker().kind in {"container", "mosquitto"}:
        yield request.getfixturevalue("broker")
        return
    request.getfixturevalue("need_mosquitto")
    with MosquittoProcess() as process:
        yield process.broker


@pytest.fixture
def mosquitto_process(need_mosquitto: None) -> Iterator[MosquittoProcess]:
    """A mosquitto of this test's own, started, to be stopped, killed and frozen."""
    with MosquittoProcess() as process:
        yield process


@pytest.fixture
def postgres_process() -> Iterator[PostgresProcess]:
    """A PostgreSQL of this test's own, started, to be stopped, killed and frozen."""
    with PostgresProcess() as process:
        yield process


async def _execute(server: URL, statement: str) -> None:
    connection = await asyncpg.connect(server.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _until_it_answers(server: URL, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await _execute(server, "select 1")
        except (OSError, asyncpg.PostgresError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
