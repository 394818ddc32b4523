"""What the daemon's tests have in common: a daemon, a rig, laps, and a look into the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.daemon import DaemonProcess
from tests.databases import Databases
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.support import Stored, app_settings, running
from tests.servers import PostgresProcess
from tests.standby import StandbyProcess

from racing_coach_server.app import App
from racing_coach_server.database.engine import Database
from racing_coach_server.database.init_db import upgrade_database
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.messaging import takeover

type StartDaemon = Callable[..., DaemonProcess]
type RunApp = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture(scope="module")
def shared_database_url(databases: Databases) -> Iterator[str]:
    """The URL of a database with this version's tables, for all tests of a module."""
    with databases.migrated() as url:
        yield url


@pytest.fixture(scope="module")
def shared_daemon(broker: Broker, shared_database_url: str) -> Iterator[DaemonProcess]:
    """One daemon for all tests of a module, which then start none of their own."""
    # A busy machine's database is slow, and not to be called away: what the daemon says is held against it.
    settings = {"HEALTH__INTERVAL_S": 0.2, "HEALTH__DATABASE_TIMEOUT_S": 600}
    with DaemonProcess(broker, shared_database_url, settings=settings) as daemon:
        yield daemon


@pytest.fixture
def shared_stored(shared_database_url: str) -> Stored:
    """What the shared daemon has stored."""
    return Stored(shared_database_url)


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgresProcess]:
    """A server of a module's own, with tables."""
    with PostgresProcess({"fsync": "off"}) as server:
        server._hand_over(server.data_dir / "racing-coach-password")  # a backup reads all that is there
        asyncio.run(upgrade_database(DatabaseSettings(url=SecretStr(server.url))))
        yield server


@pytest.fixture(scope="module")
def standby(primary: PostgresProcess) -> Iterator[StandbyProcess]:
    """A standby of it, fed by streaming."""
    with StandbyProcess(primary) as server:
        yield server


@pytest.fixture
def start_daemon(broker: Broker, database_url: str) -> Iterator[StartDaemon]:
    """Starts daemons, of whatever settings, and ends them with the test."""
    with ExitStack() as daemons:

        def start(
            *, wait: bool = True, broker: Broker = broker, database_url: str = database_url, **options: object
        ) -> DaemonProcess:
            daemon = DaemonProcess(broker, database_url, **options)  # type: ignore[arg-type]  # handed through
            daemons.push(daemon.__exit__)
            return daemon.start(wait=wait)

        yield start


@pytest.fixture
def run_app(broker: Broker, database_url: str, monkeypatch: pytest.MonkeyPatch) -> RunApp:
    """Runs the daemon in the test's own process; takes sections of settings."""

    def run(
        *, broker: Broker = broker, instance: str | None = None, **settings: object
    ) -> AbstractAsyncContextManager[App]:
        if instance is None:
            # Of a name that nobody had before: where another daemon would be seen, there is none.
            monkeypatch.setattr(takeover, "_RETAINED_S", 0.0)
        return running(app_settings(broker, database_url, instance=instance, **settings), broker)  # type: ignore[arg-type]  # handed through

    return run


@pytest.fixture
async def rig(broker: Broker) -> AsyncIterator[LapClient]:
    """A rig, connected."""
    async with LapClient(broker, "rig-1") as client:
        yield client


@pytest.fixture
def stored(database_url: str) -> Stored:
    """What is in the test's own database."""
    return Stored(database_url)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of the test's own database."""
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))
    yield engine
    await engine.dispose()


@pytest.fixture
def database(engine: AsyncEngine) -> Database:
    """The test's own database."""
    return Database(engine)
