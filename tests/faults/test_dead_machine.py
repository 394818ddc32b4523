"""A daemon's machine that vanishes in the middle of a lap: what it held is free again soon, and the laps go on."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from racing_coach_server.database.init_db import upgrade
from tests.daemon import DaemonProcess
from tests.faults.dead_machine import DeadMachine, can_be_made, dead_machine
from tests.lap_client import LapClient
from tests.server.support import arrow, execute, new_laps
from tests.servers import MosquittoProcess, PostgresProcess

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(not can_be_made(), reason="needs root and iproute2, for a network namespace"),
]

GONE_WITHIN_S = 120.0
"""The server's end gives up after 10 s; the rest is for machines that are busy."""

IN_THE_MIDDLE_OF_A_COPY = """
import asyncio, os, sys
from datetime import UTC, datetime
from sqlalchemy import text
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.database.engine import Database, create_engine

async def rows():
    print("in the middle", flush=True)
    await asyncio.sleep(3600)
    yield b""

async def main():
    settings = DatabaseSettings(url=os.environ["URL"])
    async with Database(create_engine(settings, pool_size=1, application="dead")).transaction() as session:
        connection = await session.connection()
        for session_id in sys.argv[1:]:
            await session.execute(
                text("insert into track_sessions (id, rig_id, track_id, track_name, car_id, car_name, track_type)"
                     " values (:id, 'rig-1', 'x', 'x', 'x', 'x', 'road course')"), {"id": session_id})
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.copy_to_table("frame_blocks", source=rows(), format="binary")

asyncio.run(main())
"""


@pytest.fixture
def machine() -> Iterator[DeadMachine]:
    with dead_machine() as made:
        yield made


@pytest.fixture
def database(machine: DeadMachine) -> Iterator[PostgresProcess]:
    """A PostgreSQL that the other machine reaches, too."""
    with PostgresProcess({"listen_addresses": f"127.0.0.1,{machine.host}"}) as server:
        with (server.data_dir / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {machine.host}/30 scram-sha-256\n")
        asyncio.run(execute(server.url, "select pg_reload_conf()"))
        yield server


async def test_laps_that_a_dead_machine_had_in_hand_are_stored(
    machine: DeadMachine, database: PostgresProcess, mosquitto_process: MosquittoProcess
) -> None:
    """It vanished in the middle of the COPY of as many laps as the successor has slots.

    No idle timeout of the server counts there, and its own keepalive takes two hours.
    """
    await _migrate(database.url)
    laps = [new_laps(1)[0] for _ in range(4)]
    url = make_url(database.url).set(drivername="postgresql", host=machine.host)
    process = machine.run(
        IN_THE_MIDDLE_OF_A_COPY,
        *(str(lap.session.session_id) for lap in laps),
        environment={"URL": url.render_as_string(hide_password=False)},
    )
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "in the middle\n"

    machine.vanish()

    with DaemonProcess(mosquitto_process.broker, database.url) as daemon:
        async with LapClient(mosquitto_process.broker, "rig-1") as rig:
            began = time.monotonic()
            hashes = [await rig.publish(arrow(lap)) for lap in laps]
            async with LapClient(mosquitto_process.broker, "rig-2") as other:
                assert (await other.send(arrow(new_laps(1)[0]))).status == "success"
            for sha256 in hashes:
                assert (await rig.answer(sha256, GONE_WITHIN_S + 15)).status == "success", daemon.text
            assert time.monotonic() - began < GONE_WITHIN_S + 15


async def _migrate(url: str) -> None:
    engine = create_async_engine(url)
    try:
        await upgrade(engine)
    finally:
        await engine.dispose()
