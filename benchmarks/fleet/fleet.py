"""A fleet that drives: rigs join step by step, the daemon is killed if told to, and at last the accounts are made."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from benchmarks.fleet.accounts import Accounts, compare
from benchmarks.fleet.capacity import Written
from benchmarks.fleet.circuits import Circuit
from benchmarks.fleet.meters import Meters, Sample, load
from benchmarks.fleet.rig import Driven, FleetRig
from benchmarks.fleet.world import World

type Tell = Callable[[str], None]

_CONNECT_AT_ONCE = 25
_TELL_S = 5.0
_HEARTBEAT_S = 2.5
"""After so long a heartbeat has come that knows of the last lap."""
_STEADY = 0.25
"""The share of a step that is not counted: rigs join, and the first laps of the first step meet a cold database."""


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        steps: how many rigs there are in each step.
        step_s: how long one takes.
        kill_every_s: how often the daemon is killed, None for never.
        drain_s: how long the last laps may take to be answered, and then the coach to have spoken of all.
    """

    steps: Sequence[int]
    step_s: float
    kill_every_s: float | None = None
    drain_s: float = 180.0


@dataclass
class Step:
    """What was seen in one step."""

    rigs: int
    seconds: float
    laps: list[Driven] = field(repr=False)
    samples: list[Sample] = field(repr=False)
    cores: dict[str, float]
    unanswered: int
    load: float


@dataclass
class Outcome:
    """All that was seen."""

    steps: list[Step]
    accounts: Accounts
    kills: int
    away_s: list[float]
    peak_rss: int
    drained_s: float
    caught_up_s: float | None
    reconnects: int
    refused: int
    before: Written
    after: Written
    wire: float


class Fleet:
    """Rigs in this process against a world of others."""

    def __init__(self, world: World, circuits: Sequence[Circuit], names: Sequence[str], plan: Plan, tell: Tell) -> None:
        self._world = world
        self._plan = plan
        self._tell = tell
        self._laps: list[Driven] = []
        self._meters = Meters(world)
        self._away_s: list[float] = []
        chance = random.Random(7)
        self._rigs = [
            FleetRig(name, world.broker.passwords[name], circuits[number % len(circuits)], self._laps, chance)
            for number, name in enumerate(names)
        ]

    async def run(self) -> Outcome:
        """Drive every step, wait for the last answers, and compare the accounts."""
        listening = await self._meters.listen()
        before = await self._written()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._meters.run(), name="meters")]
            if self._plan.kill_every_s is not None:
                running.append(tasks.create_task(self._kill(self._plan.kill_every_s), name="kills"))
            steps = await self._drive(tasks, running)
            if self._plan.kill_every_s is not None:
                await _cancelled(running.pop(1))
            drained = await self._until(lambda: not self._unanswered(), "laps wait for their answer")
            await asyncio.sleep(_HEARTBEAT_S)
            caught_up = await self._until(self._is_caught_up, "laps wait for the coach")
            for task in running:
                task.cancel()
        for rig in self._rigs:
            rig.close()
        listening.close()
        after = await self._written()
        peaks = [*self._world.daemon.peaks, self._world.daemon.peak_rss()]
        self._tell("comparing the accounts of both sides")
        return Outcome(
            steps=steps,
            accounts=await compare(self._laps, self._world.database),
            kills=self._world.daemon.kills,
            away_s=self._away_s,
            peak_rss=max(peaks),
            drained_s=drained,
            caught_up_s=caught_up if self._is_caught_up() else None,
            reconnects=sum(rig.reconnects for rig in self._rigs),
            refused=sum(rig.refused for rig in self._rigs),
            before=before,
            after=after,
            wire=sum(lap.wire for lap in self._laps) / max(1, len(self._laps)),
        )

    async def _written(self) -> Written:
        connection = await asyncpg.connect(self._world.dsn)
        try:
            return await Written.of(connection)
        finally:
            await connection.close()

    async def _drive(self, tasks: asyncio.TaskGroup, running: list[asyncio.Task[None]]) -> list[Step]:
        began = time.monotonic()
        until = began + self._plan.step_s * len(self._plan.steps)
        steps = []
        there = 0
        for number, rigs in enumerate(self._plan.steps, start=1):
            await self._join(self._rigs[there:rigs], tasks, running, until, began)
            there = rigs
            steps.append(await self._watch(rigs, began + number * self._plan.step_s))
        return steps

    async def _join(
        self,
        rigs: Sequence[FleetRig],
        tasks: asyncio.TaskGroup,
        running: list[asyncio.Task[None]],
        until: float,
        began: float,
    ) -> None:
        broker = self._world.broker
        for start in range(0, len(rigs), _CONNECT_AT_ONCE):
            group = rigs[start : start + _CONNECT_AT_ONCE]
            await asyncio.gather(*(rig.connect(broker.host, broker.rigs_port) for rig in group))
            for rig in group:
                tasks.create_task(rig.drive(until, began), name=f"{rig.name} drives")
                running.append(tasks.create_task(rig.send(), name=f"{rig.name} sends"))
                stays = rig.stay_connected(broker.host, broker.rigs_port)
                running.append(tasks.create_task(stays, name=f"{rig.name} stays connected"))

    async def _watch(self, rigs: int, until: float) -> Step:
        """Wait for a step's end, and say meanwhile how it goes."""
        began = time.monotonic()
        steady = began + _STEADY * (until - began)
        await self._say_until(steady, rigs)
        self._meters.interval()
        await self._say_until(until, rigs)
        ended = time.monotonic()
        return Step(
            rigs=rigs,
            seconds=ended - steady,
            laps=[lap for lap in self._laps if steady <= lap.finished < ended],
            samples=self._meters.between(steady, ended),
            cores=self._meters.interval(),
            unanswered=self._unanswered(),
            load=load(),
        )

    async def _say_until(self, until: float, rigs: int) -> None:
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _TELL_S))
            self._tell(
                f"{rigs} rigs, {left:4.0f} s left: {len(self._laps):,} laps driven, {self._unanswered()} not answered, "
                f"coach {self._behind()} behind, {len(self._away_s)} kills"
            )

    async def _kill(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            self._away_s.append(await asyncio.to_thread(self._world.daemon.kill_and_start))

    async def _until(self, check: Callable[[], bool], what: str) -> float:
        """Wait for something for as long as the plan allows. Returns how many seconds it took."""
        began = told = time.monotonic()
        while not check() and time.monotonic() - began < self._plan.drain_s:
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                self._tell(f"{what}: {self._unanswered()} not answered, coach {self._behind()} behind")
            await asyncio.sleep(0.2)
        return time.monotonic() - began

    def _unanswered(self) -> int:
        return sum(rig.unanswered for rig in self._rigs)

    def _is_caught_up(self) -> bool:
        return not any(self._meters.heartbeat.get("features", {}).get(name, {}).get("behind", 1) for name in _COACH)

    def _behind(self) -> int:
        features = self._meters.heartbeat.get("features", {})
        return sum(features.get(name, {}).get("behind", 0) for name in _COACH)


_COACH = ("lap_analysis", "comparison", "coaching")


async def _cancelled(task: asyncio.Task[None]) -> None:
    """End the kills, but not in the middle of a restart."""
    task.cancel()
    await asyncio.wait([task])
