"""`racing-coach laps`: what is stored."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import pyarrow.compute as pc
import typer
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.lap import Lap
from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.commands.lap_ids import LapArgument, find_lap
from racing_coach_server.commands.runner import in_transaction
from racing_coach_server.commands.text import driver, shown, track
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.export import ExportFormat, write_lap
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.schemas import LapFilter
from racing_coach_server.telemetry.search.service import LapSearch

laps = typer.Typer(no_args_is_help=True, help="Stored laps.")
console = Console()
_WIDTH: Final = 160


@laps.command("list")
def list_laps(
    session_id: Annotated[UUID | None, typer.Option("--session", help="Only of this session.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Show the laps stored last, newest first."""

    async def work(session: AsyncSession, _: Settings) -> Sequence[StoredLap]:
        return (await LapSearch(session).page(LapFilter(session_id=session_id), limit=limit)).laps

    table = Table(title="Laps, newest first; `laps show` says more of one")
    for name in ("lap_id", "received", "lap", "lap time", "valid"):
        table.add_column(name, no_wrap=True)
    for name in ("driver", "rig", "track", "car"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for lap in in_transaction(work):
        table.add_row(
            str(lap.lap_id),
            f"{lap.received_at:%m-%d %H:%M}",
            str(lap.lap_number),
            format_lap_time(lap.lap_time),
            "yes" if lap.is_valid else "no",
            shown(driver(lap)),
            lap.rig_id,
            shown(track(lap)),
            shown(lap.session.car_name),
        )
    # Eighty columns, which is also what a pipe gets, do not hold a lap_id and a track.
    Console(width=max(console.width, _WIDTH)).print(table)


async def _find(session: AsyncSession, lap: str) -> tuple[StoredLap, Lap]:
    stored = await find_lap(session, lap)
    return stored, await StoredLaps(session).lap(stored)


@laps.command("show")
def show_lap(lap_id: LapArgument) -> None:
    """Show one lap: what is known of it, and the range of each channel."""
    stored, lap = in_transaction(lambda session, _: _find(session, lap_id))
    title = f"Lap {stored.lap_number}, {format_lap_time(stored.lap_time)}"
    about = Table("", Column("", overflow="fold"), show_header=False, title=title)
    for name, value in (
        ("lap_id", stored.lap_id),
        ("session_id", stored.session.session_id),
        ("driver", driver(stored)),
        ("rig", stored.rig_id),
        ("track", track(stored)),
        ("car", stored.session.car_name),
        ("valid", "yes" if stored.is_valid else "no"),
        ("frames", f"{stored.frame_count:,}"),
        ("received", stored.received_at),
        ("payload_sha256", stored.payload_sha256),
    ):
        about.add_row(name, shown(str(value)))
    console.print(about)
    ranges = Table(title="Channels")
    for name in ("channel", "lowest", "highest", "frames with a value"):
        ranges.add_column(name, no_wrap=name == "channel")
    for name in lap.frames.schema.names:
        column = lap.frames.column(name)
        if values := len(column) - column.null_count:
            extremes = pc.min_max(column)
            ranges.add_row(name, _shown(extremes["min"].as_py()), _shown(extremes["max"].as_py()), f"{values:,}")
    console.print(ranges)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@laps.command("export")
def export_lap(
    lap_id: LapArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    kind: Annotated[
        ExportFormat,
        typer.Option("--format", "-f", help="csv for spreadsheets; json and arrow can be published again."),
    ] = ExportFormat.CSV,
) -> None:
    """Write a stored lap to a file."""
    _, lap = in_transaction(lambda session, _: _find(session, lap_id))
    try:
        write_lap(lap, output, kind)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {os.strerror(error.errno or 0)}") from error
    console.print(f"{lap.frames.num_rows:,} frames written to {shown(str(output))}")
