"""`racing-coach laps`: what is stored."""

import os
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.lap import Lap
from racing_coach_server.commands.runner import in_transaction
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.export import ExportFormat, stored_lap, write_lap
from racing_coach_server.telemetry.models import LapRecord, TrackSession
from racing_coach_server.telemetry.service import TelemetryService

laps = typer.Typer(no_args_is_help=True, help="Stored laps.")
console = Console()
_WIDTH: Final = 140


@laps.command("list")
def list_laps(
    session_id: Annotated[UUID | None, typer.Option("--session", help="Only of this session.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Show the laps stored last, newest first."""

    async def work(session: AsyncSession, _: Settings) -> list[tuple[LapRecord, TrackSession | None]]:
        service = TelemetryService(session)
        records = await service.laps(session_id=session_id, limit=limit)
        return [(record, await session.get(TrackSession, record.track_session_id)) for record in records]

    table = Table(title="Laps, newest first; `laps show` says more of one")
    for name in ("lap_id", "received", "lap", "lap time", "valid"):
        table.add_column(name, no_wrap=True)
    for name in ("rig", "track", "car"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for record, session in in_transaction(work):
        table.add_row(
            str(record.id),
            f"{record.received_at:%m-%d %H:%M}",
            str(record.lap_number),
            _lap_time(record.lap_time),
            "yes" if record.is_valid else "no",
            record.rig_id,
            escape(session.track_name) if session else "",
            escape(session.car_name) if session else "",
        )
    # Eighty columns, which is also what a pipe gets, do not hold a lap_id and a track.
    Console(width=max(console.width, _WIDTH)).print(table)


def _lap_time(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{int(seconds // 60)}:{seconds % 60:06.3f}"


async def _find(session: AsyncSession, lap_id: UUID) -> tuple[LapRecord, TrackSession, Lap]:
    service = TelemetryService(session)
    found = await service.lap(lap_id)
    if found is None:
        raise CommandError(f"no lap {lap_id} is stored; `racing-coach laps list` shows those that are")
    return *found, await stored_lap(service, *found)


@laps.command("show")
def show_lap(lap_id: UUID) -> None:
    """Show one lap: what is known of it, and the range of each channel."""
    record, track, lap = in_transaction(lambda session, _: _find(session, lap_id))
    title = f"Lap {record.lap_number}, {_lap_time(record.lap_time)}"
    about = Table("", Column("", overflow="fold"), show_header=False, title=title)
    for name, value in (
        ("lap_id", record.id),
        ("session_id", track.id),
        ("rig", record.rig_id),
        ("track", track.track_name),
        ("car", track.car_name),
        ("valid", "yes" if record.is_valid else "no"),
        ("frames", f"{record.frame_count:,}"),
        ("received", record.received_at),
        ("payload_sha256", record.payload_sha256),
    ):
        about.add_row(name, escape(str(value)))
    console.print(about)
    ranges = Table(title="Channels")
    for name in ("channel", "lowest", "highest", "frames with a value"):
        ranges.add_column(name, no_wrap=name == "channel")
    for name in lap.frames.schema.names:
        values = [v for v in lap.frames.column(name).to_pylist() if v is not None]
        if values:
            ranges.add_row(name, _shown(min(values)), _shown(max(values)), f"{len(values):,}")
    console.print(ranges)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@laps.command("export")
def export_lap(
    lap_id: UUID,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    kind: Annotated[
        ExportFormat,
        typer.Option("--format", "-f", help="csv for spreadsheets; json and arrow can be published again."),
    ] = ExportFormat.CSV,
) -> None:
    """Write a stored lap to a file."""
    _, _, lap = in_transaction(lambda session, _: _find(session, lap_id))
    try:
        write_lap(lap, output, kind)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {os.strerror(error.errno or 0)}") from error
    console.print(f"{lap.frames.num_rows:,} frames written to {output}")
