"""The report of the demo's fastest lap, beside the next one."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from racing_coach_demo.drive import Sent
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.web.laps.view import LapViews
from racing_coach_server.web.report import report_of


async def show_report(
    console: Console, database: Database, settings: DatabaseSettings, sent: Sequence[Sent], output: Path
) -> None:
    """Write it, and say where; of a single lap, alone."""
    fastest, *others = sorted(sent, key=lambda lap: lap.lap.lap_time or float("inf"))
    against = str(others[0].lap.lap_id) if others else "none"
    with Dependencies(Settings(_env_file=None, database=settings)) as dependencies:
        async with database.transaction() as session:
            view = await dependencies.once(LapViews).view(session, fastest.lap.lap_id, against)
    path = output / "report.html"
    path.write_text(await asyncio.to_thread(report_of, view), encoding="utf-8")
    console.print(
        f"report of the fastest lap against the next, for a browser: [bold]{path.resolve()}",
        highlight=False,
        soft_wrap=True,
    )
