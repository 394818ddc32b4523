"""Laps go beside laps that come: neither waits for the other for long, and nothing is refused."""

import asyncio
import uuid
from dataclasses import replace

from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.conftest import RunApp
from tests.server.lifecycle.support import features
from tests.server.support import Stored, arrow, new_laps

from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.lifecycle.erasure import Erasure
from racing_coach_server.lifecycle.subjects import Kind, Subject

LAPS = 12


def of(driver: str) -> list[Lap]:
    """A driver's laps, all in one driving session."""
    session_id = uuid.uuid4()
    return [
        replace(lap, session=lap.session.model_copy(update={"driver_id": driver, "session_id": session_id}))
        for lap in new_laps(LAPS)
    ]


async def test_a_driver_is_erased_while_everybody_drives(
    run_app: RunApp, broker: Broker, database: Database, stored: Stored
) -> None:
    """All laps are answered as stored, the other driver's are there, whole and spoken of, and the one's are gone."""
    async with run_app(), LapClient(broker, "rig-1") as theirs, LapClient(broker, "rig-2") as others:

        async def drive(rig: LapClient, driver: str) -> set[str]:
            return {(await rig.send(arrow(lap))).status for lap in of(driver)}

        async def erase() -> None:
            for _ in range(4):
                await Erasure(database, features(), Subject(Kind.DRIVER, "ines"), 1 << 24).run()
                await asyncio.sleep(0.1)

        answered = await asyncio.gather(drive(theirs, "ines"), drive(others, "mika"), erase())
        assert answered[:2] == [{"success"}, {"success"}]
        await Erasure(database, features(), Subject(Kind.DRIVER, "ines"), 1 << 24).run()
    assert await stored.value("select count(*) from laps where driver = 'ines'") == 0
    assert await stored.value("select count(*) from laps where driver = 'mika'") == LAPS
    assert await stored.value("select count(*) from rejected_messages") == 0
    assert await stored.value("select count(*) from lap_comparisons where status = 'failed'") == 0
    assert await stored.value("select count(*) from lap_analyses where status = 'failed'") == 0
    assert await stored.value("select sum(laps_erased) from erasures") == LAPS
