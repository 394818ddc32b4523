"""The rigs of a run, as a process of their own: publish laps, and note when each was sent and answered.

Reads a `Job` from stdin and writes one line for every lap to stdout.
"""

import asyncio
import json
import random
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import uvloop

from benchmarks.rigs.payloads import EncodedLap, Payloads
from benchmarks.rigs.wire import RigConnection
from racing_coach_core.topics import Topics

_SPEAKS_WITHIN_S = 60


@dataclass(frozen=True)
class Job:
    """What to publish.

    `rate` is in laps per second, at moments as random as those at which cars cross a line. Without one every rig
    sends its next lap as soon as the last one is answered; where it is coached, as soon as the coach has spoken.
    """

    host: str
    port: int
    payloads: str
    encoding: str
    content_type: str
    rigs: int
    laps: int
    passwords: dict[str, str] | None = None
    rate: float | None = None
    coached: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Answered:
    """One lap, in seconds of the monotonic clock."""

    sent: float
    answered: float
    status: str
    coached: float | None = None


def rig_name(number: int) -> str:
    return f"bench-{number}"


class Rig:
    """One rig and its driver's stints."""

    def __init__(self, name: str, payloads: Payloads, encoded: list[EncodedLap], content_type: str) -> None:
        self.name = name
        self._topic = Topics().laps.build(rig=name, car=payloads.car)
        self._answers = Topics().lap_answers.build(rig=name, car=payloads.car)
        self._coaching = Topics().coaching.build(rig=name, car=payloads.car)
        self._is_coached = False
        self._content_type = content_type
        self._laps = self._stints(encoded)
        self._connection = RigConnection()

    @staticmethod
    def _stints(encoded: list[EncodedLap]) -> Iterator[tuple[bytes, memoryview]]:
        while True:
            session_id = uuid.uuid4()
            for lap in encoded:
                yield lap.of(session_id)

    async def connect(self, job: Job) -> None:
        credentials = (self.name, job.passwords[self.name]) if job.passwords else None
        client_id = f"{self.name}-{uuid.uuid4().hex[:8]}"
        await self._connection.connect(job.host, job.port, client_id, credentials)
        await self._connection.subscribe(self._answers)
        self._is_coached = job.coached
        if job.coached:
            await self._connection.subscribe(self._coaching)

    async def publish(self) -> Answered:
        parts = next(self._laps)
        sent = time.monotonic()
        answer = json.loads(await self._connection.publish(self._topic, self._content_type, parts))
        answered = time.monotonic()
        status, message = answer["status"], answer["message"]
        if status == "rejected":
            status = f"{status}: {message}"
        coached = await self._hear(answer["lap_id"]) if self._is_coached else None
        return Answered(sent, answered, status, coached)

    async def _hear(self, lap_id: str) -> float:
        """When the coach spoke of a lap."""
        async with asyncio.timeout(_SPEAKS_WITHIN_S):
            while True:
                heard, payload = await self._connection.others.get()
                if json.loads(payload)["lap_id"] == lap_id:
                    return heard

    async def close(self) -> None:
        await self._connection.close()


async def run(job: Job) -> list[Answered]:
    payloads = Payloads.from_json(job.payloads)
    encoded = payloads.read(job.encoding)
    rigs = [Rig(rig_name(number), payloads, encoded, job.content_type) for number in range(job.rigs)]
    await asyncio.gather(*(rig.connect(job) for rig in rigs))
    answered = await (_without_pause(rigs, job.laps) if job.rate is None else _at_random(rigs, job.laps, job.rate))
    await asyncio.gather(*(rig.close() for rig in rigs))
    return answered


async def _without_pause(rigs: list[Rig], laps: int) -> list[Answered]:
    left = iter(range(laps))

    async def drive(rig: Rig) -> list[Answered]:
        return [await rig.publish() for _ in left]

    return [one for many in await asyncio.gather(*map(drive, rigs)) for one in many]


async def _at_random(rigs: list[Rig], laps: int, rate: float) -> list[Answered]:
    chance = random.Random(4)
    tasks = []
    for number in range(laps):
        await asyncio.sleep(chance.expovariate(rate))
        tasks.append(asyncio.create_task(rigs[number % len(rigs)].publish(), name=f"lap {number}"))
    return list(await asyncio.gather(*tasks))


if __name__ == "__main__":
    for one in uvloop.run(run(Job(**json.load(sys.stdin)))):
        print(json.dumps(asdict(one)))
