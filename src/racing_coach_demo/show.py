"""What the demo does and shows: rigs drive, laps are answered, numbers and a picture."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import structlog
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy import text

from racing_coach_core.lap_times import format_lap_time
from racing_coach_core.messages import Heartbeat, LapStatus
from racing_coach_demo.coaching import choose_reference, show_coaching
from racing_coach_demo.drive import Sent, drive
from racing_coach_demo.heartbeats import Heartbeats
from racing_coach_demo.picture.lap import lap_picture
from racing_coach_demo.report import show_report
from racing_coach_demo.stage import HEARTBEAT_S, Stage
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.telemetry.reading import StoredLaps

_DAEMON_UP_S = 30.0
_TABLES = ("track_sessions", "laps", "telemetry", "rejected_messages", "lap_analyses", "coaching")


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

            async def rig(number: int) -> list[Sent]:
                return await drive(stage, number, laps, seed, lambda: progress.advance(task))

            # The clean driver first: the best of these laps is what the others are compared with.
            first = await rig(1)
            async with _database(stage) as database:
                await choose_reference(database, first, range(2, rigs + 1), seed)
            others = await asyncio.gather(*(rig(number) for number in range(2, rigs + 1)))
        sent = [*first, *(lap for laps_of_rig in others for lap in laps_of_rig)]
        await heartbeats.next(5 * HEARTBEAT_S)
    _show_laps(console, sent)
    async with _database(stage) as database:
        await _show_database(database, console, sent, output)
        await show_coaching(console, database, sent, seed)
        await show_report(console, database, _settings(stage), sent, output)
    _show_heartbeat(console, heartbeats.last)


def _settings(stage: Stage) -> DatabaseSettings:
    return DatabaseSettings(url=SecretStr(stage.database.url))


@asynccontextmanager
async def _database(stage: Stage) -> AsyncIterator[Database]:
    engine = create_engine(_settings(stage), pool_size=1, application="racing-coach demo")
    database = Database(engine)
    try:
        yield database
    finally:
        await database.close()


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )


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
            format_lap_time(lap.lap.lap_time),
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


async def _show_database(database: Database, console: Console, sent: list[Sent], output: Path) -> None:
    async with database.transaction() as session:
        table = Table(title="Rows in the database")
        table.add_column("table")
        table.add_column("rows", justify="right")
        for name in _TABLES:
            count = (await session.execute(text(f"select count(*) from {name}"))).scalar_one()  # noqa: S608
            table.add_row(name, f"{count:,}")
        console.print(table)
        best = min(sent, key=lambda lap: lap.lap.lap_time or float("inf"))
        await _picture(StoredLaps(session), console, best, output)


async def _picture(laps: StoredLaps, console: Console, best: Sent, output: Path) -> None:
    """The fastest lap, as it is read back from the database."""
    lap_id: UUID = best.lap.lap_id
    frames = await laps.columns(lap_id)
    output.mkdir(parents=True, exist_ok=True)
    path = output / "lap.png"
    title = (
        f"{best.lap.session.track_name}, {best.driver}, lap {best.lap.lap_number}: {format_lap_time(best.lap.lap_time)}"
    )
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
