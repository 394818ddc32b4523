"""Broker, daemon and pages that the browser tests share, with laps in them."""

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from tests.clients import TOPICS
from tests.daemon import DaemonProcess
from tests.databases import Databases
from tests.infra import Broker, find_mosquitto
from tests.lap_client import LapClient
from tests.laps import STARTED_AT
from tests.servers import MosquittoProcess
from tests.waiting import eventually
from tests.web_process import WebProcess

from racing_coach_core.codecs.decode import Encoding, encode_lap
from racing_coach_core.frames import SessionFrame
from racing_coach_core.lap import Lap
from racing_coach_core.messages import RigStatus
from racing_coach_demo.embedded import EmbeddedBroker
from racing_coach_demo.habits import simulator_of

LAPS = 6
"""Of each driver: enough for a map of the track, and for advice."""
STEADY, EARLY_BRAKER = "rig-1", "rig-2"


@dataclass(frozen=True)
class Stage:
    """What runs, and where."""

    broker: Broker
    daemon: DaemonProcess
    web: WebProcess
    database_url: str
    laps: dict[str, list[UUID]] = field(default_factory=dict)
    """Of each rig, in the order in which they were driven."""

    @property
    def url(self) -> str:
        return self.web.url

    async def ask(self, path: str) -> Any:
        """What the API answers."""
        async with httpx.AsyncClient(base_url=f"{self.url}/api/v1/") as client:
            return (await client.get(path)).raise_for_status().json()

    def lap_url(self, rig: str, number: int, against: str = "") -> str:
        """The page of a lap; `number` counts from 0."""
        return f"{self.url}/lap/{self.laps[rig][number]}" + (f"?against={against}" if against else "")


@contextmanager
def driven_stage(databases: Databases) -> Iterator[Stage]:
    """A steady driver, and one who brakes early for turn 9; all laps are analysed and coached."""
    with databases.migrated() as database_url, MosquittoProcess() if find_mosquitto() else EmbeddedBroker() as process:
        broker = process.broker if isinstance(process, MosquittoProcess) else embedded(process)
        with (
            DaemonProcess(broker, database_url, settings={"HEALTH__INTERVAL_S": 1}) as daemon,
            WebProcess(broker, database_url) as web,
        ):
            stage = Stage(broker, daemon, web, database_url)
            asyncio.run(_drive_all(stage))
            yield stage


def embedded(process: EmbeddedBroker) -> Broker:
    """The embedded broker as tests know one."""
    return Broker(process.host, process.port, "embedded", "rumqttd")


async def _drive_all(stage: Stage) -> None:
    steady, early = (list(simulator_of(number, seed=1).laps(LAPS)) for number in (1, 2))
    for rig, laps in ((STEADY, steady), (EARLY_BRAKER, early)):
        async with LapClient(stage.broker, rig) as client:
            await drive(client, laps)
        stage.laps[rig] = [lap.lap_id for lap in laps]
        if rig == STEADY:
            await hold_against(stage, steady[-1], early[0].session)

    async def is_coached() -> bool:
        async with httpx.AsyncClient(base_url=f"{stage.url}/api/v1/") as client:
            last = await client.get(f"laps/{stage.laps[EARLY_BRAKER][-1]}/coaching")
            return last.status_code == httpx.codes.OK and bool(last.json()["advice"])

    await eventually(is_coached)


async def hold_against(stage: Stage, lap: Lap, session: SessionFrame) -> None:
    """Have a driver held against this lap."""
    connection = await asyncpg.connect(stage.database_url.replace("+asyncpg", ""))
    await connection.execute(
        "insert into chosen_references (driver, track_id, track_config_name, car_id, lap_id) values ($1, $2, $3, $4, $5)",
        session.driver_id, str(session.track_id), session.track_config_name or "", str(session.car_id), lap.lap_id,
    )  # fmt: skip
    await connection.close()


async def drive(client: LapClient, laps: Sequence[Lap]) -> None:
    """Publish laps as a rig does: it says that it is there, and waits for each answer."""
    status = RigStatus(online=True, timestamp=STARTED_AT).model_dump_json().encode()
    await client.connection.publish(TOPICS.rig_status.build(rig=client.rig), status, retain=True)
    for lap in laps:
        answer = await client.send(encode_lap(lap, Encoding.ARROW), car=lap.session.car_id)
        assert answer.status == "success", answer.message


def named(laps: Sequence[Lap], driver: str) -> list[Lap]:
    """Laps of another driver."""
    return [
        dataclasses.replace(lap, session=lap.session.model_copy(update={"driver_name": driver, "driver_id": "other"}))
        for lap in laps
    ]
