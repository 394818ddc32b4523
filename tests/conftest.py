"""Fixtures that every test may use: a database of its own, a broker, mosquitto itself. What they run is in infra.py."""

import asyncio
import os
import signal
from collections.abc import Generator, Iterator

import pytest
import structlog

from racing_coach_demo.embedded import EmbeddedBroker
from tests.citus import CitusCluster, CitusDatabase, has_citus
from tests.databases import Databases, until_it_answers
from tests.examples import load_profile
from tests.infra import Broker, broker_of_url, choose_broker, choose_database, find_mosquitto, requires_mosquitto
from tests.servers import FORGETFUL, MosquittoProcess, PostgresProcess

load_profile()


# rich's consoles keep the width that they find when they are made, which is when the commands' modules are imported.
os.environ.pop("COLUMNS", None)

# A shell that puts us into the background has SIGINT ignored, and our children would inherit that, which are to be told
# to end by it. They do not inherit a handler; this one leaves the run itself as deaf to Ctrl-C as the shell made it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: None)


def pytest_xdist_auto_num_workers() -> int:
    """How many workers `-n auto` is: each has a broker and a database of its own.

    So many a core as RACING_COACH_TEST_PER_CORE says: half of a test's time is waiting. Only one where a URL names the
    broker: a daemon takes the laps of all rigs, those of another worker's tests too.
    """
    if choose_broker().kind == "url":
        return 1
    return min((os.cpu_count() or 1) * int(os.environ.get("RACING_COACH_TEST_PER_CORE", "1")), 4)


def pytest_configure(config: pytest.Config) -> None:
    if choose_broker().kind == "url" and (config.getoption("numprocesses", None) or 1) > 1:
        raise pytest.UsageError("RACING_COACH_TEST_MQTT_URL names one broker: it serves one worker, -n 1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that share what is dear to make: half of what is left last goes to another worker."""
    items.sort(key=lambda item: item.path.parent.name != "benchmarks")


def pytest_report_header() -> str:
    return f"database: {choose_database().text}; broker: {choose_broker().text}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("citus") and not has_citus():
        pytest.skip("needs a PostgreSQL with Citus: its programs' folder in RACING_COACH_TEST_POSTGRES_BIN")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing may be skipped: a test without its broker, database or tool has not been run.

    But no package has Citus for the PostgreSQL of the wheel.
    """
    report = yield
    if report.skipped and requires_mosquitto() and not item.get_closest_marker("citus"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
    return report


@pytest.fixture(autouse=True, scope="session")
def plain_tracebacks() -> None:
    """In this process all log as structlog does by default, but for tracebacks that take seconds to write."""
    *others, _ = structlog.get_config()["processors"]
    structlog.configure(
        processors=[*others, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created."""
    match choose_database().kind:
        case "url":
            yield os.environ["RACING_COACH_TEST_DATABASE_URL"]
        case "container":
            from tests.containers import timescale_container

            with timescale_container() as url:
                asyncio.run(until_it_answers(url))
                yield url
        case _:
            with PostgresProcess(FORGETFUL) as server:
                yield server.url


@pytest.fixture(scope="session")
def databases(database_server: str) -> Iterator[Databases]:
    """Makes databases on that server."""
    made = Databases(database_server)
    yield made
    made.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of a database with this version's tables and nothing in them, for one test."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """The URL of a database that was never migrated, for one test."""
    with databases.empty() as url:
        yield url


@pytest.fixture(scope="session")
def citus_cluster() -> Iterator[CitusCluster]:
    """A coordinator and two workers without fsync, shared by a run: no test kills one, or adds one."""
    with CitusCluster(is_forgetful=True) as cluster:
        yield cluster


@pytest.fixture
def citus(citus_cluster: CitusCluster) -> Iterator[CitusDatabase]:
    """A database of that cluster with nothing in it, for one test."""
    with citus_cluster.database() as database:
        yield database


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
