"""Which cell works on a lap, and which one speaks of it."""

import asyncio
from datetime import UTC, datetime

from sqlalchemy import select, text
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.coaching.driving import all_coached, keep_fresh, said_of, stint
from tests.server.conftest import StartDaemon
from tests.server.support import Stored, arrow
from tests.servers import MosquittoProcess
from tests.waiting import eventually

from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.database.engine import Database
from racing_coach_server.following.frontier import Frontier, Window
from racing_coach_server.telemetry.models import LapRecord

QUICK = {"FOLLOWERS__CATCH_UP_S": 0.3}
AGE = "update laps set created_at = now() - interval '61 s' where id = $1"


async def test_a_fresh_lap_is_left_to_the_cell_by_which_it_came(
    start_daemon: StartDaemon, mosquitto_process: MosquittoProcess, rig: LapClient, broker: Broker, stored: Stored
) -> None:
    """Its daemon is gone. For a minute nobody else takes the lap, then somebody does; and says nothing, for who would hear?"""
    other = mosquitto_process.broker
    gone = start_daemon(settings={"CELL": "north", "COACHING__ENABLED": "false"})
    (lap,) = stint(1)
    assert (await rig.send(arrow(lap))).status == "success"
    await asyncio.to_thread(gone.kill)
    assert (await stored.lap(lap.lap_id))["cell"] == "north"
    await keep_fresh(stored, lap)

    async with LapClient(other, "rig-1") as elsewhere:
        start_daemon(settings={**QUICK, "CELL": "south"}, broker=other)
        await asyncio.sleep(3)
        assert await stored.value("select count(*) from lap_analyses") == 0
        await stored.query(AGE, lap.lap_id)

        await eventually(lambda: all_coached(stored, 1))
        await asyncio.sleep(1)
        assert rig.coaching[lap.lap_id].empty()
        assert elsewhere.coaching[lap.lap_id].empty()
    assert await stored.value("select published_at from coaching") is None


async def test_daemons_of_one_broker_take_over_from_each_other(
    start_daemon: StartDaemon, rig: LapClient, stored: Stored
) -> None:
    """They have one cell: what one has stored and not spoken of the other coaches, and the rig hears it."""
    gone = start_daemon(settings={"CELL": "north", "COACHING__ENABLED": "false"})
    (lap,) = stint(1)
    assert (await rig.send(arrow(lap))).status == "success"
    await asyncio.to_thread(gone.kill)
    await keep_fresh(stored, lap)

    start_daemon(settings={**QUICK, "CELL": "north"})

    assert (await said_of(rig, lap)).lap_id == lap.lap_id


async def test_what_is_to_be_said_is_the_cells_own(
    start_daemon: StartDaemon, rig: LapClient, stored: Stored, database: Database
) -> None:
    """What was not seen published is found by the cell by which the lap came; a lap from before cells by everybody."""
    daemon = start_daemon(settings={"CELL": "north"})
    (lap,) = stint(1)
    await rig.send(arrow(lap))
    await said_of(rig, lap)
    await asyncio.to_thread(daemon.stop)
    await stored.query("update coaching set published_at = null")

    async def found(cell: str) -> bool:
        async with database.transaction() as session:
            service = CoachingService(session)
            one = await service.unpublished(lap.lap_id, cell)
            all_ = await service.unsaid(10, cell)
        assert bool(one) == bool(all_)
        return bool(one)

    assert await found("north")
    assert not await found("south")
    await stored.query("update laps set cell = null")
    assert await found("south")


async def test_a_window_knows_whose_laps_are_ours(database: Database, stored: Stored) -> None:
    """Ours, nobody's, and old ones; whoever looks without a cell sees all."""
    async with database.transaction() as session:
        assert await Frontier("north").window(session) == Window(cell="north")
        await session.execute(
            text(
                "insert into track_sessions (id, rig_id, track_id, track_name, car_id, car_name, track_type)"
                " values (gen_random_uuid(), 'r', 't', 't', 'c', 'c', 'x')"
            )
        )
        for number, (cell, age_s) in enumerate([("north", 0), ("south", 0), (None, 0), ("south", 61)]):
            await session.execute(
                text(
                    "insert into laps (id, track_session_id, rig_id, lap_number, is_valid, frame_count, payload_sha256,"
                    " content_sha256, encoding, received_at, track_id, track_config_name, car_id, driver, driven_at, cell,"
                    " created_at) select gen_random_uuid(), id, 'r', :n,"
                    " true, 1, '', '', 'json', :at, 't', '', 'c', 'd', :at, :cell, now() - make_interval(secs => :age) from track_sessions"
                ),
                {"n": number, "cell": cell, "age": age_s, "at": datetime.now(UTC)},
            )

        async def seen(window: Window) -> set[int]:
            ours = window.is_ours(LapRecord.cell, LapRecord.created_at)
            return set(await session.scalars(select(LapRecord.lap_number).where(ours)))

        assert await seen(Window(cell="north")) == {0, 2, 3}
        assert await seen(Window()) == {0, 1, 2, 3}
