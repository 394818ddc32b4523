"""The servers out of wheels: they come up, come back with their data, and never outlive whoever started them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.clients import User
from tests.infra import DAEMON, Broker

from racing_coach_demo.child_process import ServerStartError
from racing_coach_demo.embedded import EmbeddedBroker, EmbeddedPostgres

# Starts both, says what they are, and then does nothing until it is ended.
_PARENT = """
import time
from racing_coach_demo.embedded import EmbeddedBroker, EmbeddedPostgres
with EmbeddedPostgres() as database, EmbeddedBroker() as broker:
    print(database.pid, broker.pid, database.scratch, broker.scratch, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def database() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres() as server:
        yield server


def query(server: EmbeddedPostgres, sql: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_database_is_as_durable_as_in_production(database: EmbeddedPostgres) -> None:
    assert [query(database, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [
        "on",
        "on",
        "on",
    ]


def test_the_database_listens_on_loopback_only_and_wants_its_password(database: EmbeddedPostgres) -> None:
    assert query(database, "show listen_addresses") == "127.0.0.1"

    async def guess() -> None:
        await asyncpg.connect(host="127.0.0.1", port=database.port, user="postgres", password="guessed")

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(guess())


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_was_committed_is_there_after_a_restart_on_the_same_port(database: EmbeddedPostgres, end: str) -> None:
    port, table = database.port, f"kept_by_{end}"
    query(database, f"create table {table} as select 42 as answer")

    getattr(database, end)()
    assert not database.is_running
    database.start()

    assert (database.port, query(database, f"select answer from {table}")) == (port, 42)


def test_a_kill_leaves_no_process_behind(database: EmbeddedPostgres) -> None:
    family = [process.pid for process in database.family()]
    assert len(family) > 1

    database.kill()

    assert not any(lives(pid) for pid in family)
    database.start()


def test_a_frozen_database_answers_when_it_is_thawed(database: EmbeddedPostgres) -> None:
    async def scenario() -> object:
        connection = await asyncpg.connect(database.url.replace("+asyncpg", ""))
        database.freeze()
        answer = asyncio.create_task(connection.fetchval("select 42"))
        done, _ = await asyncio.wait([answer], timeout=0.3)
        assert not done
        database.thaw()
        try:
            return await answer
        finally:
            await connection.close()

    assert asyncio.run(scenario()) == 42


def test_a_given_directory_outlives_the_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Not pytest's own directory: as root, PostgreSQL runs as an account that cannot reach that.
    with EmbeddedPostgres() as neighbour:
        data_dir = neighbour.scratch / "kept"
        with EmbeddedPostgres(data_dir) as first:
            query(first, "create table kept as select 42 as answer")
        with EmbeddedPostgres(data_dir) as second:
            assert query(second, "select answer from kept") == 42


def test_a_server_that_cannot_start_says_why() -> None:
    server = EmbeddedPostgres(settings={"shared_buffers": "none"})

    with pytest.raises(ServerStartError, match="invalid value for parameter"), server:
        pass

    assert not server.is_running


def test_the_broker_carries_a_payload_of_16_mib_and_redelivers_it_until_it_is_acknowledged() -> None:
    payload = uuid.uuid4().bytes * 2**20
    with EmbeddedBroker() as embedded:
        broker = Broker(embedded.host, embedded.port, "embedded", "rumqttd")
        daemon, rig = User(broker, DAEMON, client_id="daemon", acknowledges=False), User(broker, "rig-1")
        daemon.subscribe("laps")
        assert rig.publish("laps", payload) == "Success"
        assert daemon.receive() == ("laps", payload)
        daemon.close()

        daemon = User(broker, DAEMON, client_id="daemon")
        assert daemon.receive() == ("laps", payload)
        for user in (daemon, rig):
            user.close()


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long), signal.SIGINT]
)
def test_no_server_outlives_its_parent(number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        database, broker, *scratches = parent.stdout.readline().split()
        parent.send_signal(number)

    wait_until(lambda: not lives(int(database)) and not lives(int(broker)))
    wait_until(lambda: not any(Path(scratch).exists() for scratch in scratches))


def test_ctrl_c_reaches_the_parent_only(database: EmbeddedPostgres) -> None:
    """The terminal signals a whole process group; laps in flight still need their database and broker."""
    with EmbeddedBroker() as broker:
        groups = {os.getpgid(server.pid) for server in (database, broker)}
        assert os.getpgid(0) not in groups


def test_stopping_twice_or_before_the_start_does_nothing() -> None:
    server = EmbeddedBroker()
    server.stop()
    server.kill()
    server.start()
    server.stop()
    server.stop()
    with pytest.raises(RuntimeError):
        _ = server.pid
    server.close()
