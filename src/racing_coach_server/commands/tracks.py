"""`racing-coach tracks`: where the corners are."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.track_maps import CornerDocument, TrackMapDocument
from racing_coach_server.analytics.track_maps.models import TrackMapRecord
from racing_coach_server.analytics.track_maps.schemas import as_document
from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.commands.output import (
    CsvOption,
    JsonOption,
    one_form,
    plain_table,
    print_for_programs,
    print_table,
)
from racing_coach_server.commands.runner import in_transaction, reading
from racing_coach_server.commands.text import moment, shown
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError

tracks = typer.Typer(no_args_is_help=True, help="Track maps: the corners, numbered once and kept.")
console = Console()

_MAX_BYTES = 1 << 20

ConfigOption = Annotated[str | None, typer.Option("--config", help="The track's configuration.")]


@tracks.command("list")
def list_tracks(as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Show which tracks have a map, and where it comes from."""
    one_form(as_json=as_json, as_csv=as_csv)

    async def work(session: AsyncSession, _: Settings) -> list[TrackMapRecord]:
        return list(await TrackMapService(session).all())

    records = reading(work)
    documents = [as_document(record) for record in records]
    if print_for_programs(documents, TrackMapDocument, documents, as_json=as_json, as_csv=as_csv):
        return
    table = plain_table("Track maps")
    for name in ("track", "configuration", "corners", "length", "source", "since"):
        table.add_column(name, overflow="fold", justify="right" if name in {"corners", "length"} else "left")
    for record in records:
        table.add_row(
            shown(record.track_id),
            shown(record.track_config_name),
            str(len(record.corners)),
            "" if record.length_m is None else f"{record.length_m:,.0f} m",
            record.source if record.source == "authored" else f"found in {record.laps_used} laps",
            moment(record.created_at),
        )
    print_table(table)


async def _find(session: AsyncSession, track: str, config: str | None) -> TrackMapRecord:
    found = await TrackMapService(session).current(track, config)
    if found is None:
        which = f"{track!r}" if config is None else f"{track!r}, configuration {config!r}"
        raise CommandError(f"track {which} has no map; `racing-coach tracks list` shows those that have")
    return found


@tracks.command("show")
def show_track(track: str, config: ConfigOption = None, as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Show the corners of one track."""
    one_form(as_json=as_json, as_csv=as_csv)
    record = reading(lambda session, _: _find(session, track, config))
    document = as_document(record)
    if print_for_programs(document, CornerDocument, document.corners, as_json=as_json, as_csv=as_csv):
        return
    table = plain_table(f"{shown(track)} {shown(config)}")
    for name in ("corner", "name", "start", "apex", "end"):
        table.add_column(name, justify="left" if name == "name" else "right")
    for corner in document.corners:
        places = (corner.start, corner.apex, corner.end)
        table.add_row(str(corner.number), shown(corner.name), *(_place(p, record.length_m) for p in places))
    print_table(table)


def _place(fraction: float, length_m: float | None) -> str:
    return f"{fraction:.2%}" if length_m is None else f"{fraction * length_m:,.0f} m"


@tracks.command("export")
def export_track(
    track: str,
    config: ConfigOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else it is printed.")] = None,
) -> None:
    """Write a track's map to a file: to name its corners, to move them, and to import it again."""
    record = reading(lambda session, _: _find(session, track, config))
    text = as_document(record).model_dump_json(indent=2)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from error
    console.print(f"{len(record.corners)} corners written to {shown(str(output))}")


@tracks.command("import")
def import_track(file: Path) -> None:
    """Put the map of a file in force, for every lap that comes from now on."""
    document = _read(file)
    record = in_transaction(lambda session, _: TrackMapService(session).keep(document))
    console.print(
        f"{len(record.corners)} corners of track {shown(record.track_id)} {shown(record.track_config_name)} are in "
        f"force, revision {record.revision}. Laps that are stored keep the corners that they were measured by until "
        "`racing-coach analyze --all`.",
        highlight=False,
        soft_wrap=True,
    )


def _read(file: Path) -> TrackMapDocument:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise CommandError(f"{file} is no track map: it is larger than {_MAX_BYTES:,} bytes")
        return TrackMapDocument.model_validate_json(file.read_bytes()).model_copy(update={"source": "authored"})
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'the map'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_url=False)[:5]
        )
        raise CommandError(f"{file} is no track map: {problems}") from error
