"""What the demo does and shows: rigs drive, laps are answered, numbers and a picture."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy import text

from racing_coach_core.lap import Lap
from racing_coach_core.messages import Heartbeat, LapStatus
from racing_coach_core.mqtt import Connection, ConnectionLostError
from racing_coach_demo.picture import lap_picture
from racing_coach_demo.stage import HEARTBEAT_S, INSTANCE, Stage
from racing_coach_rig.config import OutboxSettings, RigSettings, SendingSettings
from racing_coach_rig.delivery import sending
from racing_coach_rig.outbox import Entry, Outbox, State
from racing_coach_rig.sources.simulator import DRIVERS, Simulator
from racing_coach_server.config import DatabaseSettings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.telemetry.service import TelemetryService

_DAEMON_UP_S = 30.0
_ANSWERS_S = 60.0
_POLL_S = 0.005
_TABLES = ("track_sessions", "laps", "telemetry", "rejected_messages")


@dataclass(frozen=True, slots=True)
class Sent:
    """A lap of a simulated rig, and how long its answer took."""

    rig: str
    driver: str
    lap: Lap
    entry: Entry
    wire_bytes: int
    seconds: float


class Heartbeats:
    """Listens as monitoring does."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._came = asyncio.Event()
        self.last: Heartbeat | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen for the length of the block."""
        task = asyncio.create_task(self._listen(), name="monitoring")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionLostError):
                await task

    async def _listen(self) -> None:
        topic = self._stage.mqtt.topics.heartbeat.build(instance=INSTANCE)
        async with Connection(self._stage.mqtt, client_id="demo-monitoring", clean=True) as connection:
            await connection.subscribe([topic])
            async for delivery in connection.deliveries():
                self.last = Heartbeat.model_validate_json(delivery.payload)
                delivery.acknowledge()
                delivery.release()
                self._came.set()

    async def next(self, timeout_s: float) -> None:
        """Wait for the next heartbeat."""
        self._came.clear()
        deadline = time.monotonic() + timeout_s
        while not self._came.is_set():
            self._stage.check_daemon()
            if time.monotonic() > deadline:
                raise ConnectionLostError(
                    f"no heartbeat of the daemon within {timeout_s:g} s; its log: {self._stage.daemon_log}"
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), 0.2)


async def show(stage: Stage, console: Console, *, rigs: int, laps: int, output: Path, seed: int) -> None:
    """Let the rigs drive, and show what became of their laps."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    heartbeats = Heartbeats(stage)
    async with heartbeats.listening():
        started = time.perf_counter()
        await heartbeats.next(_DAEMON_UP_S)
        console.print(f"daemon up in {time.perf_counter() - started:.1f} s, taking laps", highlight=False)
        with _progress(console) as progress:
            task = progress.add_task("laps sent and answered", total=rigs * laps)
            driven = await asyncio.gather(
                *(_drive(stage, number, laps, seed, lambda: progress.advance(task)) for number in range(1, rigs + 1))
            )
        sent = [lap for rig in driven for lap in rig]
        await heartbeats.next(5 * HEARTBEAT_S)
    _show_laps(console, sent)
    await _show_database(stage, console, sent, output)
    _show_heartbeat(console, heartbeats.last)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )


async def _drive(stage: Stage, number: int, laps: int, seed: int, advance: Callable[[], None]) -> list[Sent]:
    """One rig: laps to disk, from disk to the broker, until each is answered."""
    drivers = list(DRIVERS.values())
    driver = drivers[(number - 1) % len(drivers)]
    settings = RigSettings(
        rig=f"rig-{number}",
        mqtt=stage.mqtt,
        outbox=OutboxSettings(path=stage.folder / f"rig-{number}.sqlite3"),
        sending=SendingSettings(answer_timeout_s=10),
    )
    outbox = Outbox(settings.outbox)
    outbox.open()
    simulator = Simulator(seed=seed * 1000 + number, driver=driver)
    sent: list[Sent] = []
    try:
        async with sending(settings, outbox) as sender:
            while not sender.publisher.connected:
                await asyncio.sleep(_POLL_S)
            driven = await asyncio.to_thread(lambda: list(simulator.laps(laps)))
            for lap in driven:
                started = time.perf_counter()
                spooled = await asyncio.to_thread(outbox.spool, lap, settings.sending.encoding)
                sender.publisher.wake()
                entry = await _answer(stage, outbox, spooled)
                seconds = time.perf_counter() - started
                sent.append(Sent(settings.rig, driver.name, lap, entry, spooled.payload_bytes, seconds))
                advance()
    finally:
        outbox.close()
    return sent


async def _answer(stage: Stage, outbox: Outbox, entry: Entry) -> Entry:
    deadline = time.monotonic() + _ANSWERS_S
    while entry.state is State.WAITING:
        if time.monotonic() > deadline:
            raise ConnectionLostError(f"no answer within {_ANSWERS_S:g} s; the daemon's log: {stage.daemon_log}")
        stage.check_daemon()
        await asyncio.sleep(_POLL_S)
        latest = await asyncio.to_thread(outbox.entry, entry.seq)
        if latest is not None:
            entry = latest
    return entry


def _show_laps(console: Console, sent: list[Sent]) -> None:
    table = Table(title="Laps")
    for name in ("rig", "driver", "lap"):
        table.add_column(name)
    for name in ("lap time", "frames", "sent", "answer", "after"):
        table.add_column(name, justify="right")
    for lap in sent:
        answer = lap.entry.answer
        table.add_row(
            lap.rig,
            lap.driver,
            str(lap.lap.lap_number),
            f"{lap.lap.lap_time:.3f} s",
            f"{lap.lap.frames.num_rows:,}",
            f"{lap.wire_bytes / 1e6:.2f} MB",
            answer.status.value if answer else "none",
            f"{lap.seconds * 1e3:.0f} ms",
        )
    console.print(table)
    times = sorted(lap.seconds for lap in sent)
    stored = sum(lap.entry.answer is not None and lap.entry.answer.status is LapStatus.SUCCESS for lap in sent)
    console.print(
        f"{len(sent)} laps sent, {len(sent)} answered, {stored} stored; from disk to answer: "
        f"median {times[len(times) // 2] * 1e3:.0f} ms, longest {times[-1] * 1e3:.0f} ms",
        highlight=False,
    )


async def _show_database(stage: Stage, console: Console, sent: list[Sent], output: Path) -> None:
    engine = create_engine(
        DatabaseSettings(url=SecretStr(stage.database.url)), pool_size=1, application="racing-coach demo"
    )
    database = Database(engine)
    try:
        async with database.transaction() as session:
            table = Table(title="Rows in the database")
            table.add_column("table")
            table.add_column("rows", justify="right")
            for name in _TABLES:
                count = (await session.execute(text(f"select count(*) from {name}"))).scalar_one()  # noqa: S608
                table.add_row(name, f"{count:,}")
            console.print(table)
            best = min(sent, key=lambda lap: lap.lap.lap_time or float("inf"))
            await _picture(TelemetryService(session), console, best, output)
    finally:
        await database.close()


async def _picture(service: TelemetryService, console: Console, best: Sent, output: Path) -> None:
    """The fastest lap, as it is read back from the database."""
    lap_id: UUID = best.lap.lap_id
    frames = await service.frames(lap_id)
    output.mkdir(parents=True, exist_ok=True)
    path = output / "lap.png"
    title = f"{best.lap.session.track_name}, {best.driver}, lap {best.lap.lap_number}: {best.lap.lap_time:.3f} s"
    await asyncio.to_thread(lap_picture, frames, path, title=title)
    console.print(f"picture of the fastest lap, as stored: [bold]{path.resolve()}", highlight=False, soft_wrap=True)


def _show_heartbeat(console: Console, heartbeat: Heartbeat | None) -> None:
    if heartbeat is None:
        return
    laps = heartbeat.laps
    console.print(
        f"last heartbeat: {heartbeat.status}, received {laps.received} = stored {laps.stored} + duplicate "
        f"{laps.duplicate} + rejected {laps.rejected} + in flight {laps.in_flight}; {heartbeat.frames_stored:,} "
        f"frames; database answers in {heartbeat.database.latency_ms} ms; {heartbeat.rss_bytes / 2**20:.0f} MiB",
        highlight=False,
    )
