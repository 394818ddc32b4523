"""`racing-coach laps list`: what is stored."""

from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.commands.lap_list import lap_table
from racing_coach_server.commands.output import (
    CsvOption,
    JsonOption,
    one_form,
    print_csv,
    print_json,
    print_table,
    remark,
    width,
)
from racing_coach_server.commands.runner import reading
from racing_coach_server.commands.when import WHEN, when
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.search.names import LapNames
from racing_coach_server.telemetry.search.schemas import LapFilter, LapPage, LapSort
from racing_coach_server.telemetry.search.service import LapSearch

_NAME = "Its id, its name, or a part of the name."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What `laps list` was asked for."""

    which: LapFilter
    track: str | None
    car: str | None
    driver: str | None
    sort: LapSort
    reverse: bool
    best: bool
    cursor: str | None
    limit: int

    async def page(self, session: AsyncSession) -> LapPage:
        """Find it."""
        names, search = LapNames(session), LapSearch(session)
        which = replace(
            self.which,
            track_id=None if self.track is None else (await names.find_track(self.track)).id,
            car_id=None if self.car is None else (await names.find_car(self.car)).id,
            driver=None if self.driver is None else (await names.find_driver(self.driver)).id,
        )
        if self.best:
            return await search.best(which, cursor=self.cursor, limit=self.limit)
        return await search.page(which, sort=self.sort, reverse=self.reverse, cursor=self.cursor, limit=self.limit)


def list_laps(
    *,
    track: Annotated[str | None, typer.Option(help=f"Only of this track. {_NAME}")] = None,
    config: Annotated[str | None, typer.Option(help="Only of this configuration of the track; '' is none.")] = None,
    car: Annotated[str | None, typer.Option(help=f"Only of this car. {_NAME}")] = None,
    driver: Annotated[str | None, typer.Option(help=f"Only of this driver. {_NAME} The rig of one without.")] = None,
    rig: Annotated[str | None, typer.Option(help="Only of this rig.")] = None,
    session_id: Annotated[UUID | None, typer.Option("--session", help="Only of this driving session.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help=f"Received (with --sort driven: driven) since then: {WHEN}.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="The same, before then.")] = None,
    valid: Annotated[bool | None, typer.Option("--valid/--not-valid", help="Only whole laps on the track.")] = None,
    best: Annotated[
        bool, typer.Option("--best", help="Only the best valid lap of each driver in each car on each track.")
    ] = False,
    sort: Annotated[LapSort, typer.Option(help="Last received, last driven, or fastest first.")] = LapSort.RECEIVED,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on where a page ended, which names this.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show stored laps, by default those received last, newest first."""
    one_form(as_json=as_json, as_csv=as_csv)
    if best and (reverse or sort is not LapSort.RECEIVED):
        raise CommandError("--best has an order of its own: leave out --sort and --reverse")
    which = LapFilter(
        track_config_name=config,
        rig_id=rig,
        session_id=session_id,
        is_valid=valid,
        since=when("--since", since),
        until=when("--until", until),
    )
    asked = _Asked(
        which=which,
        track=track,
        car=car,
        driver=driver,
        sort=sort,
        reverse=reverse,
        best=best,
        cursor=cursor,
        limit=limit,
    )
    _show(asked, as_json=as_json, as_csv=as_csv)


def _show(asked: _Asked, *, as_json: bool, as_csv: bool) -> None:
    columns = width()

    async def work(session: AsyncSession, _: Settings) -> tuple[LapPage, dict[UUID, str]]:
        page = await asked.page(session)
        lap_ids = [lap.lap_id for lap in page.laps]
        if columns is None:
            return page, {lap_id: str(lap_id) for lap_id in lap_ids}
        return page, dict(await LapSearch(session).short_ids(lap_ids))

    page, ids = reading(work)
    if as_json or as_csv:
        _print_documents(page, as_json=as_json)
    else:
        shown_time = "driven" if asked.sort is LapSort.DRIVEN else "received"
        print_table(lap_table(page.laps, ids, when=shown_time, width=columns))
    if as_json:
        return
    if not page.laps:
        remark("no such lap is stored")
    if page.cursor is not None:
        remark(f"there are more: the same again with --cursor {page.cursor}")


def _print_documents(page: LapPage, *, as_json: bool) -> None:
    # A table does without these models, which take a tenth of the command's time to be made.
    from racing_coach_core.stored_documents import LapDocument, LapListDocument  # noqa: PLC0415
    from racing_coach_server.commands.lap_documents import lap_document  # noqa: PLC0415

    documents = [lap_document(lap) for lap in page.laps]
    if as_json:
        print_json(LapListDocument(laps=documents, cursor=page.cursor))
    else:
        print_csv(LapDocument, documents)
