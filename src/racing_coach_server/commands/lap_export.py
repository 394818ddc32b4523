"""`racing-coach laps export`: a lap as a file."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.lap import Lap
from racing_coach_server.commands.lap_ids import LapArgument, find_lap
from racing_coach_server.commands.output import remark
from racing_coach_server.commands.runner import reading
from racing_coach_server.commands.text import shown
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.export import ExportFormat, write_lap
from racing_coach_server.telemetry.reading import StoredLaps

_STANDARD_OUTPUT: Final = "-"


def export_lap(
    lap_id: LapArgument,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="File to write; - is standard output.")],
    kind: Annotated[
        ExportFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="csv for spreadsheets, parquet for notebooks; json and arrow can be published again. "
            "If not given, what the file's name ends with, else csv.",
        ),
    ] = None,
) -> None:
    """Write a stored lap to a file."""

    async def work(session: AsyncSession, _: Settings) -> Lap:
        return await StoredLaps(session).lap(await find_lap(session, lap_id))

    lap = reading(work)
    chosen = kind or _by_name(output)
    if output == _STANDARD_OUTPUT:
        write_lap(lap, sys.stdout.buffer, chosen)
        sys.stdout.buffer.flush()
        return
    _write(lap, Path(output), chosen)
    remark(f"{lap.frames.num_rows:,} frames written to {shown(output)}")


def _by_name(output: str) -> ExportFormat:
    ending = Path(output).suffix.removeprefix(".").lower()
    return ExportFormat(ending) if ending in set(ExportFormat) else ExportFormat.CSV


def _write(lap: Lap, path: Path, kind: ExportFormat) -> None:
    """Write the file whole, or leave what is there as it is.

    What is no file, such as a pipe or /dev/null, is written to: a new file in its place would take the device away.
    """
    target = path.resolve()
    is_special = target.exists() and not target.is_file()
    written = target if is_special else target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with written.open("wb") as file:
            write_lap(lap, file, kind)
        if not is_special:
            written.replace(target)
    except OSError as error:
        if not is_special:
            written.unlink(missing_ok=True)
        raise CommandError(f"{path} cannot be written: {os.strerror(error.errno or 0)}") from error
