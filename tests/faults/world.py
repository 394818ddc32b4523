"""Everything there is, as real processes: mosquitto, PostgreSQL, the daemon, rigs; and proxies between them.

async with World(seed=1, rigs=4, laps_per_rig=20, interval_s=1.0) as world:
    await world.until_driven()
    await world.until_drained()
    report = await world.check()
"""

import asyncio
import contextlib
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Self

import asyncpg
from sqlalchemy.engine import make_url

from racing_coach_demo.processes import LOOPBACK
from tests.adversary import Adversary
from tests.daemon import DaemonProcess
from tests.faults.background import Stillness, running
from tests.faults.checker import ADVERSARY, ADVERSARY_MEMORY_BOUND_BYTES, Report, check
from tests.faults.coaching_checker import check_coaching, connected_at, uncoached
from tests.faults.evidence import kept_evidence
from tests.faults.observer import MemorySamples, Observer
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from tests.faults.settings import QUICK_DAEMON
from tests.infra import DAEMON, Broker
from tests.servers import MosquittoProcess, PostgresProcess

_ADVERSARY_PAUSE_S = 2.0
"""What it does not wait for is an answer; without a pause it would leave the machine's cores to nobody."""


class World:
    """All the processes of a run.

    Args:
        seed: of the laps.
        rigs: how many.
        laps_per_rig: how many laps each drives.
        interval_s: from lap to lap.
        daemon_settings: further settings of the daemon.
        has_adversary: one more rig, that sends the worst there is all the time.
        database: another server than one of its own.
    """

    def __init__(
        self,
        *,
        seed: int,
        rigs: int,
        laps_per_rig: int,
        interval_s: float,
        daemon_settings: dict[str, object] | None = None,
        has_adversary: bool = False,
        database: PostgresProcess | None = None,
    ) -> None:
        self.seed = seed
        self.keeps_evidence = False
        self.violations: list[str] = []
        self.memory = MemorySamples()
        self.faults: dict[str, int] = {}
        self._names = [f"rig-{number + 1}" for number in range(rigs)]
        self._laps_per_rig = laps_per_rig
        self._interval_s = interval_s
        self._daemon_settings = {**QUICK_DAEMON, **(daemon_settings or {})}
        self._stack = AsyncExitStack()
        self._may_be_down: Counter[str] = Counter()
        self._has_adversary = has_adversary
        self.adversary: Adversary | None = None
        users = (DAEMON, "monitoring", *self._names, ADVERSARY)
        self.broker = MosquittoProcess({user: f"secret of {user}" for user in users})
        self.database = database or PostgresProcess({"fsync": "on", "max_connections": "50"})
        self.to_broker = Proxy(self.broker.port)
        self.to_database = Proxy(self.database.port)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        directory = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="racing-coach-faults-"))
        self.directory = Path(directory)
        for server in (self.broker, self.database):
            self._stack.callback(server.close)
            await asyncio.to_thread(server.start)
        await self._stack.enter_async_context(self.to_broker)
        await self._stack.enter_async_context(self.to_database)
        through_proxy = Broker(
            LOOPBACK, self.to_broker.port, "mosquitto", self.broker.broker.version, self.broker.passwords
        )
        url = make_url(self.database.url).set(drivername="postgresql")
        self.database_url = url.render_as_string(hide_password=False)
        self.daemon = DaemonProcess(
            through_proxy,
            url.set(port=self.to_database.port).render_as_string(hide_password=False),
            instance="tested",
            settings=self._daemon_settings,
            # Killed as often as here, it would be reading the same lap at three deaths by chance, and refuse it; that is
            # tested by itself (test_deadly_message.py).
            environment={"STATE_DIRECTORY": ""},
        )
        self._stack.callback(self.daemon.close)
        await asyncio.to_thread(self.daemon.start)
        self.observer = Observer(self.broker.broker, self.database_url, self._names)
        self.rigs = [
            Rig(
                name,
                self.directory,
                through_proxy,
                seed=self.seed * 100 + number,
                laps=self._laps_per_rig,
                interval_s=self._interval_s,
            )
            for number, name in enumerate(self._names)
        ]
        for rig in self.rigs:
            self._stack.callback(rig.close)
            rig.start()
        if self._has_adversary:
            self.adversary = adversary = Adversary(
                self.broker.broker, ADVERSARY, seed=self.seed, pause_s=_ADVERSARY_PAUSE_S, listens=True
            )
            await self._stack.enter_async_context(running(self._until_driven(adversary), "adversary"))
        # Last, so that at the end they are the first to go: the watch would start again what is closed.
        for name, task in (("observer", self.observer.run()), ("watch", self._watch())):
            await self._stack.enter_async_context(running(task, name))

    async def _until_driven(self, adversary: Adversary) -> None:
        """Let it send for as long as others do, and once at least."""
        attack = asyncio.create_task(adversary.run(), name="attack")
        try:
            while self.driven < len(self._names) * self._laps_per_rig or not adversary.sent:
                await asyncio.sleep(1)
        finally:
            attack.cancel()
            await asyncio.gather(attack, return_exceptions=True)
        await asyncio.Event().wait()

    # --- what goes on ----------------------------------------------------------------------------------------

    @contextmanager
    def down(self, *names: str) -> Iterator[None]:
        """For as long as the block lasts these processes (`daemon`, a rig's name) may be gone."""
        self._may_be_down.update(names)
        try:
            yield
        finally:
            self._may_be_down.subtract(names)

    async def _watch(self) -> None:
        """See that nothing ends by itself; start again what does, as systemd would."""
        while True:
            if not self._may_be_down["daemon"]:
                if self.daemon.is_running:
                    self.memory.look(self.daemon.pid)
                else:
                    self.violations.append(f"the daemon ended by itself with {self.daemon.returncode}")
                    await asyncio.to_thread(self.daemon.wait)
                    if not self._may_be_down["daemon"]:
                        self.daemon.start(wait=False)
            for rig in self.rigs:
                if not self._may_be_down[rig.name] and not rig.is_running:
                    self.violations.append(f"{rig.name} ended by itself")
                    rig.start()
            await asyncio.sleep(0.25)

    @property
    def driven(self) -> int:
        """Laps that the outboxes have taken."""
        return sum(rig.driven for rig in self.rigs)

    @property
    def waiting(self) -> int:
        """Laps that the outboxes hold without an answer."""
        return sum(rig.files.waiting() for rig in self.rigs)

    async def until_started(self, timeout_s: float = 300) -> None:
        """Until every rig has driven a lap."""
        async with asyncio.timeout(timeout_s):
            while not all(rig.driven for rig in self.rigs):
                await asyncio.sleep(0.1)

    async def until_answered_more(self, timeout_s: float = 5) -> None:
        """Until laps are answered again, or for so long: a fault should strike at something that works."""
        answers = self.observer.seen.answers
        before, deadline = answers.total(), time.monotonic() + timeout_s
        while answers.total() == before and time.monotonic() < deadline:
            await asyncio.sleep(0.1)

    async def until_ready(self, timeout_s: float = 15) -> None:
        """Until the daemon takes laps, or for so long."""
        deadline = time.monotonic() + timeout_s
        while not self.daemon.is_ready and time.monotonic() < deadline:
            await asyncio.sleep(0.1)

    async def until_driven(self, timeout_s: float) -> None:
        """Until every rig has driven its laps, and the adversary, if there is one, has sent something.

        Raises:
            TimeoutError: for so long none was driven.
        """
        still = Stillness(timeout_s)
        while not all(rig.is_done for rig in self.rigs) or not (self.adversary is None or self.adversary.sent):
            if still.since(self.driven):
                raise TimeoutError(f"no lap was driven for {timeout_s:g} s")
            await asyncio.sleep(0.5)

    async def until_drained(self, timeout_s: float) -> None:
        """Until every lap is answered; a violation if for so long none is, on a machine of whatever speed."""
        still = Stillness(timeout_s)
        while waiting := self.waiting:
            if still.since(waiting):
                self.violations.append(f"{waiting} laps wait, and for {timeout_s:g} s none was answered")
                return
            await asyncio.sleep(0.5)

    async def until_coached(self, timeout_s: float) -> None:
        """Until the followers have done every lap, or for so long none; what they have not done, the checker finds."""
        still, left = Stillness(timeout_s), None
        while not still.since(left):
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                left = await uncoached(self.database_url)
                if not left:
                    return
            await asyncio.sleep(0.5)

    async def stop(self) -> None:
        """Stop rigs and daemon as an operator would."""
        self._may_be_down.update(["daemon", *self._names])
        for rig in self.rigs:
            if code := await asyncio.to_thread(rig.stop):
                self.violations.append(f"{rig.name} stopped with {code}")
        await self.stop_daemon()

    async def stop_daemon(self) -> None:
        """SIGTERM, and a look at the exit code."""
        hears = self.daemon.is_ready
        code = await asyncio.to_thread(self.daemon.stop)
        if code and (hears or code != -signal.SIGTERM):
            self.violations.append(f"SIGTERM ended the daemon with {code}")

    async def check(self) -> Report:
        """Compare what was promised with what is in the database."""
        await self.observer.look_again()
        report = await check(self.database_url, [rig.files for rig in self.rigs])
        report.observe(self.observer.seen)
        report.violations += self.violations
        if self.adversary is not None and (self.adversary.overheard or not self.adversary.sent):
            report.violations.append(
                f"the adversary sent {self.adversary.sent} messages, and was given {self.adversary.overheard} of others"
            )
        connects = [*self.observer.seen.connects, *connected_at(self.daemon.logged("connected to the broker"))]
        report.violations += await check_coaching(self.database_url, self.observer.seen.spoken, connects)
        report.faults = dict(self.faults)
        report.peak_rss_bytes = self.memory.peak_bytes
        if self._has_adversary:
            report.memory_bound_bytes = ADVERSARY_MEMORY_BOUND_BYTES
        report.seed = self.seed
        if report.findings or self.keeps_evidence:
            report.evidence = kept_evidence(self.directory, self.broker, self.database, self.daemon)
        return report

    async def sql(self, *statements: str, timeout_s: float = 30) -> None:
        """Run statements as the database's superuser, not through the proxy; again, should the database not be well."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return await self._sql(statements)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)

    async def _sql(self, statements: Sequence[str]) -> None:
        connection = await asyncpg.connect(self.database_url, timeout=10)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            connection.terminate()
