"""The pit wall while rigs drive and servers go away and come back."""

import asyncio
import json
import time
from datetime import UTC, datetime

import httpx
from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.support import app_settings, arrow, mqtt_settings, new_lap, new_laps, running, with_session
from tests.server.web.conftest import web_settings
from tests.server.web.live.streams import served
from tests.servers import MosquittoProcess, PostgresProcess
from tests.waiting import eventually

from racing_coach_core.lap import Lap
from racing_coach_core.messages import RigStatus
from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.web.live import broker_watch

SCRIPT = "<script>alert(1)</script>"


async def send(rig: LapClient, lap: Lap) -> None:
    answer = await rig.send(arrow(lap), car=lap.session.car_id)
    assert answer.status == "success", answer.message


async def test_a_lap_is_on_the_pit_wall_as_it_is_answered(broker: Broker, database_url: str) -> None:
    """Whole, with who drove what where; then what the coach said of it; and a message that is rejected, with why."""
    lap = with_session(new_lap(), driver_id="7", driver_name=SCRIPT)
    async with (
        running(app_settings(broker, database_url), broker),
        served(web_settings(broker, database_url)) as site,
        LapClient(broker, "rig-6") as rig,
    ):
        await site.reaches()
        async with site.events() as stream:
            assert stream.response.headers["content-type"].startswith("text/event-stream")
            first = await stream.next()
            assert (first.kind, first.data["rigs"]) == ("snapshot", [])

            await send(rig, lap)
            event = await stream.until(lambda event: event.kind == "rig" and event.data["rig"]["laps"])
            spoken = await stream.until(
                lambda event: event.kind == "rig" and event.data["rig"]["laps"][0]["coaching"] is not None
            )
            assert (await rig.send(b"no lap")).status == "rejected"
            rejected = await stream.next("rejected")

    shown = event.data["rig"]
    assert (event.data["cause"], event.data["lap_id"]) == ("lap", str(lap.lap_id))
    assert (shown["rig_id"], shown["driver_name"], shown["car_id"]) == ("rig-6", SCRIPT, lap.session.car_id)
    assert shown["laps"][0]["answer_ms"] >= 0
    assert spoken.data["rig"]["laps"][0]["coaching"]["silence"] is not None
    assert rejected.data["newest"]["rig_id"] == "rig-6"
    assert rejected.data["newest"]["reason"]


async def test_who_comes_back_misses_nothing(broker: Broker, database_url: str) -> None:
    """What happened meanwhile comes from the last event on; after more than is held, or from another process, all."""
    laps = new_laps(3)
    async with (
        running(app_settings(broker, database_url), broker),
        served(web_settings(broker, database_url)) as site,
        LapClient(broker, "rig-6") as rig,
    ):
        await site.reaches()
        async with site.events() as stream:
            await stream.next("snapshot")
            await send(rig, laps[0])
            last = await stream.until(
                lambda event: event.kind == "rig" and event.data["rig"]["laps"][0]["coaching"] is not None
            )
        for lap in laps[1:]:
            await send(rig, lap)
        await eventually(lambda: _is_on_the_wall(site, laps[-1]))

        async with site.events(last.id) as stream:
            event = await stream.until(lambda event: event.data["rig"]["laps"][0]["lap_id"] == str(laps[-1].lap_id))
            assert "snapshot" not in {seen.kind for seen in stream.seen}
        async with site.events("of-another-1") as stream:
            assert (await stream.next()).kind == "snapshot"

    best = min(laps, key=lambda lap: lap.lap_time or 0)
    assert event.data["rig"]["best_lap_id"] == str(best.lap_id)  # analysed or not
    assert [lap["lap_id"] for lap in event.data["rig"]["laps"] if lap["is_best"]] == [str(best.lap_id)]
    assert [lap["lap_id"] for lap in event.data["rig"]["laps"]] == [str(lap.lap_id) for lap in reversed(laps)]


async def _is_on_the_wall(site: object, lap: Lap) -> bool:
    wall = await site.get("pit-wall")  # type: ignore[attr-defined]
    return str(lap.lap_id) in json.dumps(wall)


async def test_who_is_there_is_said(broker: Broker, database_url: str) -> None:
    """A rig without a lap is on the wall while it is online; a daemon with its heartbeat; a word of nobody is left out."""
    settings = app_settings(broker, database_url, health={"interval_s": 0.2})
    async with (
        running(settings, broker),
        served(web_settings(broker, database_url)) as site,
        Connection(mqtt_settings(broker, "rig-7"), client_id="rig-7", clean=True) as rig,
    ):
        await site.reaches()
        topic = settings.mqtt.topics.rig_status.build(rig="rig-7")
        async with site.events() as stream:
            await stream.next("snapshot")
            await rig.publish(topic, b"{}")
            # As good as the next one, and larger than any that is read.
            early = RigStatus(online=True, timestamp="1999-11-25T12:00:00Z")  # type: ignore[arg-type]  # parsed
            await rig.publish(topic, early.model_dump_json().encode() + b" " * 100_000)
            for online in (True, False):
                said = RigStatus(online=online, timestamp="2026-11-25T12:00:00Z")  # type: ignore[arg-type]  # parsed
                await rig.publish(topic, said.model_dump_json().encode())
                event = await stream.next("rig")
                assert event.data["cause"] == "status"
                assert not str(event.data["rig"]["online_since"]).startswith("1999")
                assert (event.data["rig"]["rig_id"], event.data["rig"]["online"]) == ("rig-7", online)
            daemon = await stream.until(
                lambda event: event.kind == "daemon" and event.data["instance"] == settings.instance
            )
    assert daemon.data["heartbeat"]["status"] == "healthy"


async def test_a_rig_that_comes_and_goes_is_told_of_a_few_times(broker: Broker, database_url: str) -> None:
    """However often it says so; the last word counts."""
    async with (
        served(web_settings(broker, database_url)) as site,
        Connection(mqtt_settings(broker, "rig-7"), client_id="rig-7", clean=True) as rig,
    ):
        await site.reaches()
        topic = site.settings.mqtt.topics.rig_status.build(rig="rig-7")
        async with site.events() as stream:
            await stream.next("snapshot")
            began = time.monotonic()
            for second in range(60):
                at = datetime(2026, 11, 25, 12, 0, second, tzinfo=UTC)
                said = RigStatus(online=second % 2 == 1, timestamp=at)
                await rig.publish(topic, said.model_dump_json().encode())
            await stream.until(
                lambda event: event.kind == "rig" and event.data["rig"]["online_since"] == "2026-11-25T12:00:59Z"
            )
            took_s = time.monotonic() - began
    told = [event for event in stream.seen if event.kind == "rig"]
    assert told[-1].data["rig"]["online"] is True
    # After each word it waits for more. A machine that takes long over sixty of them hears them one by one.
    assert len(told) <= 4 + took_s / broker_watch._PAUSE_S


async def test_the_database_goes_and_comes_back(broker: Broker, postgres_process: PostgresProcess) -> None:
    """Meanwhile pages are served and say so, in our own words; what was stored while nobody listened is there after."""
    url = postgres_process.url
    lap, later = new_laps(2)
    with DaemonProcess(broker, url) as daemon:
        async with served(web_settings(broker, url)) as site, LapClient(broker, "rig-6") as rig:
            await site.reaches()
            await send(rig, lap)
            await eventually(lambda: _is_on_the_wall(site, lap))
            async with site.events() as stream:
                await stream.next("snapshot")

                await asyncio.to_thread(postgres_process.stop)
                away = await stream.next("source")
                await site.reaches(database=False)
                async with httpx.AsyncClient(base_url=site.url) as client:
                    refused = await client.get("/api/v1/laps")
                    page = await client.get("/laps")
                    wall = (await client.get("/api/v1/pit-wall")).json()
                sent = asyncio.create_task(send(rig, later))
                await asyncio.to_thread(postgres_process.start)

                await stream.until(
                    lambda event: event.kind == "rig" and event.data["rig"]["laps"][0]["lap_id"] == str(later.lap_id)
                )
                await sent
                await site.reaches()
        assert daemon.is_running

    assert not away.data["database"]["reachable"]
    assert (refused.status_code, refused.json()["code"], page.status_code) == (503, "database_away", 200)
    for text in (refused.text, json.dumps(away.data), json.dumps(wall)):
        assert "127.0.0.1" not in text
        assert "asyncpg" not in text
        assert "Error" not in text
    assert wall["rigs"][0]["laps"][0]["lap_id"] == str(lap.lap_id)


async def test_the_broker_goes_and_comes_back(mosquitto_process: MosquittoProcess, database_url: str) -> None:
    """Meanwhile laps and pages are there; of rigs and daemons it is said that nothing is known."""
    broker = mosquitto_process.broker
    async with served(web_settings(broker, database_url)) as site:
        await site.reaches()
        async with site.events() as stream:
            await stream.next("snapshot")
            await asyncio.to_thread(mosquitto_process.stop)
            away = await stream.next("source")
            assert (await site.get("laps"))["laps"] == []
            await asyncio.to_thread(mosquitto_process.start)
            back = await stream.next("source")
    assert not away.data["broker"]["reachable"]
    assert back.data["broker"]["reachable"]
    assert "127.0.0.1" not in json.dumps(away.data)
