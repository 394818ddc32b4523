"""`racing-coach laps changes` and `laps readmit`: what was deleted and relabelled, and letting a lap come again."""

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.stored_documents import LapChangeDocument
from racing_coach_server.commands.output import (
    CsvOption,
    JsonOption,
    one_form,
    plain_table,
    print_for_programs,
    print_table,
    remark,
    width,
)
from racing_coach_server.commands.runner import in_transaction
from racing_coach_server.commands.text import moment, plain, shown
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.models import DeletedLap, SessionRelabel
from racing_coach_server.telemetry.search.ids import SHORT_DIGITS


def show_changes(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show which laps were deleted and which drives relabelled, the last change first."""
    one_form(as_json=as_json, as_csv=as_csv)

    async def work(session: AsyncSession, _: Settings) -> list[LapChangeDocument]:
        changes = LapChanges(session)
        deleted = [_deletion(one) for one in await changes.deleted(limit=limit)]
        relabelled = [_relabel(one) for one in await changes.relabelled(limit=limit)]
        return sorted([*deleted, *relabelled], key=lambda one: one.changed_at, reverse=True)[:limit]

    changes = in_transaction(work)
    if not print_for_programs(changes, LapChangeDocument, changes, as_json=as_json, as_csv=as_csv):
        table = plain_table("Changes, the last one first")
        for name in ("when", "what", "lap or drive", "laps", "from", "to"):
            table.add_column(name, overflow="fold", no_wrap=name not in {"from", "to"})
        digits = None if width() is None else SHORT_DIGITS
        for one in changes:
            which = str(one.lap_id or one.session_id)[:digits]
            table.add_row(moment(one.changed_at), one.kind, which, str(one.laps), *map(shown, _words(one)))
        print_table(table)


def _deletion(one: DeletedLap) -> LapChangeDocument:
    return LapChangeDocument(
        changed_at=one.deleted_at,
        kind="deleted",
        lap_id=one.lap_id,
        session_id=one.track_session_id,
        laps=1,
        before=one.about,
        after=None,
    )


def _relabel(one: SessionRelabel) -> LapChangeDocument:
    return LapChangeDocument(
        changed_at=one.relabelled_at,
        kind="relabelled",
        lap_id=None,
        session_id=one.track_session_id,
        laps=one.laps,
        before=one.before,
        after=one.after,
    )


def _words(one: LapChangeDocument) -> tuple[str, str]:
    """What it was and what it is, as far as they differ."""
    if one.after is None:
        return ", ".join(str(one.before[name]) for name in ("track_name", "car_name") if one.before.get(name)), ""
    changed = {name for name in one.after if one.after[name] != one.before.get(name)}
    # An id says nothing more than the name that changed with it.
    names = sorted(name for name in changed if name.replace("_id", "_name") not in changed - {name})
    return ", ".join(str(one.before.get(name) or "none") for name in names), ", ".join(
        one.after[name] or "none" for name in names
    )


def readmit_lap(
    lap_id: Annotated[str, typer.Argument(metavar="LAP", help="The lap_id of a deleted lap, or its first part.")],
) -> None:
    """Let a deleted lap come again: published once more, it is stored like any other."""

    async def work(session: AsyncSession, _: Settings) -> DeletedLap:
        changes = LapChanges(session)
        found = await changes.deleted_like(lap_id)
        if not found:
            raise CommandError(f"no deleted lap {plain(lap_id)!r}; `racing-coach laps changes` shows them")
        if len(found) > 1:
            named = ", ".join(str(one.lap_id) for one in found)
            raise CommandError(f"{plain(lap_id)} may mean several deleted laps: {named}")
        await changes.readmit(found[0].lap_id)
        return found[0]

    readmitted = in_transaction(work)
    remark(f"lap {readmitted.lap_id} may come again; have it published once more")
