"""`racing-coach references`: the laps with which drivers want to be compared."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.analysis_documents import ChosenReferenceDocument
from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.analytics.comparison.references import ChosenReference, ReferenceService
from racing_coach_server.analytics.lap_analysis.on_demand import AnalysisOnDemand
from racing_coach_server.analytics.lap_analysis.schemas import Combination, driver_of
from racing_coach_server.commands.lap_ids import LapArgument, find_lap
from racing_coach_server.commands.lap_tables import title
from racing_coach_server.commands.output import (
    CsvOption,
    JsonOption,
    one_form,
    plain_table,
    print_for_programs,
    print_table,
)
from racing_coach_server.commands.runner import in_transaction, reading, with_dependencies
from racing_coach_server.commands.text import count, moment, plain, shown
from racing_coach_server.config import Settings
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.schemas import StoredLap

references = typer.Typer(no_args_is_help=True, help="The laps with which drivers want to be compared.")
console = Console()

_DRIVER_HELP = "The driver's id, or the rig of a driver without one"


@references.command("set")
def set_reference(
    lap_id: LapArgument,
    driver: Annotated[str | None, typer.Option(help=f"{_DRIVER_HELP}; if not given, who drove the lap.")] = None,
) -> None:
    """Have a driver's laps in this car on this track compared with this lap from now on."""

    async def work(session: AsyncSession, dependencies: Dependencies) -> tuple[StoredLap, str]:
        lap = await find_lap(session, lap_id)
        who = driver_of(lap) if driver is None else driver
        await dependencies.once(AnalysisOnDemand).of(session, lap)
        await ReferenceService(session).choose(lap.lap_id, who)
        return lap, who

    lap, who = with_dependencies(work)
    _say(f"{shown(who)} is compared with {title(lap)}, {format_lap_time(lap.lap_time)}, from now on")


@references.command("clear")
def clear_references(
    driver: Annotated[str | None, typer.Option(help=f"{_DRIVER_HELP}; all of theirs unless --lap is given.")] = None,
    lap_id: Annotated[
        str | None, typer.Option("--lap", metavar="LAP", help="Only for the car and the track of this lap.")
    ] = None,
) -> None:
    """Let the rules choose again: the driver's best, else the best in that car."""
    if driver is None and lap_id is None:
        raise CommandError("say whose: --driver, or --lap for the driver, car and track of a lap")

    async def work(session: AsyncSession, _: Settings) -> tuple[str, int]:
        lap = None if lap_id is None else await find_lap(session, lap_id)
        who = driver or (driver_of(lap) if lap is not None else "")
        combination = None if lap is None else Combination.of(lap)
        return who, await ReferenceService(session).forget(who, combination)

    who, cleared = in_transaction(work)
    if not cleared:
        raise CommandError(
            f"driver {plain(who)!r} has chosen no such reference; `racing-coach references show` shows all"
        )
    _say(f"{count(cleared, 'reference')} of {shown(who)} cleared")


@references.command("show")
def show_references(
    driver: Annotated[str | None, typer.Option(help=f"{_DRIVER_HELP}; if not given, all of them.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show what drivers have chosen."""
    one_form(as_json=as_json, as_csv=as_csv)

    async def work(session: AsyncSession, _: Settings) -> Sequence[ChosenReference]:
        return await ReferenceService(session).chosen(driver)

    documents = [_document(one) for one in reading(work)]
    if print_for_programs(documents, ChosenReferenceDocument, documents, as_json=as_json, as_csv=as_csv):
        return
    table = plain_table("Chosen references; everybody else is compared by the rules")
    for name in ("driver", "track", "configuration", "car", "lap_id", "lap time", "since"):
        table.add_column(name, overflow="fold", no_wrap=name in {"lap_id", "lap time"})
    for one in documents:
        names = (one.driver, one.track_id, one.track_config_name, one.car_id)
        table.add_row(*map(shown, names), str(one.lap_id), format_lap_time(one.lap_time), moment(one.chosen_at))
    print_table(table)


def _document(one: ChosenReference) -> ChosenReferenceDocument:
    record = one.record
    return ChosenReferenceDocument(
        driver=record.driver,
        track_id=record.track_id,
        track_config_name=record.track_config_name or None,
        car_id=record.car_id,
        lap_id=record.lap_id,
        lap_time=one.lap_time,
        chosen_at=record.chosen_at,
    )


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True)
