"""`racing-coach coaching`: what the coach said, and why."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.coaching import Coaching
from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.coaching.models import CoachingRecord
from racing_coach_server.coaching.reading import word_of
from racing_coach_server.coaching.service import CoachingService
from racing_coach_server.commands.lap_ids import find_lap
from racing_coach_server.commands.lap_tables import title
from racing_coach_server.commands.output import (
    CsvOption,
    one_form,
    plain_table,
    print_for_programs,
    print_table,
)
from racing_coach_server.commands.runner import reading
from racing_coach_server.commands.text import count, loss, moment, number, plain, shown
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap

coaching = typer.Typer(no_args_is_help=True, help="What the coach said of stored laps.")
console = Console()

type Said = tuple[StoredLap, CoachingRecord]


@coaching.callback()
def _group() -> None:
    pass  # with one command alone, typer would drop its name


@coaching.command("show")
def show_coaching(
    lap_id: Annotated[
        str | None, typer.Argument(metavar="[LAP]", help="A lap_id, or its first part, at least 6 digits of it.")
    ] = None,
    rig: Annotated[str | None, typer.Option(help="What was said last to a rig, newest first.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many laps of the rig.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: the messages as they are published.")] = False,
    as_csv: CsvOption = False,
) -> None:
    """Show what the coach said of a lap, or last to a rig: with its evidence, and whether the rig was told."""
    one_form(as_json=as_json, as_csv=as_csv)
    if (lap_id is None) == (rig is None):
        raise CommandError("give either a lap or --rig")

    async def work(session: AsyncSession, _: Settings) -> list[Said]:
        if lap_id is not None:
            return [await _of_lap(session, lap_id)]
        assert rig is not None
        return await _of_rig(session, rig, limit)

    said = reading(work)
    messages = [_message(record) for _, record in said]
    asked = messages[0] if rig is None else messages
    if print_for_programs(asked, Coaching, messages, as_json=as_json, as_csv=as_csv):
        return
    for lap, record in said:
        _print(lap, record, _message(record))


async def _of_lap(session: AsyncSession, lap_id: str) -> Said:
    lap = await find_lap(session, lap_id)
    record = await CoachingService(session).find(lap.lap_id)
    again = f"`racing-coach analyze --lap {lap.lap_id}`"
    if record is None:
        raise CommandError(f"nothing was said of lap {lap.lap_id} yet; {again} does it now")
    if record.message is None:
        why = plain(record.detail or "for no known reason")
        raise CommandError(f"the coach failed on lap {lap.lap_id} ({why}); {again} tries it again")
    return lap, record


async def _of_rig(session: AsyncSession, rig: str, limit: int) -> list[Said]:
    records = await CoachingService(session).newest(rig, limit=limit)
    found = [(await StoredLaps(session).find(one.lap_id), one) for one in records if word_of(one.lap_id, one.message)]
    said = [(lap, record) for lap, record in found if lap is not None]
    if not said:
        raise CommandError(f"nothing was said to a rig {plain(rig)!r} yet; `racing-coach laps list` shows the rigs")
    return said


def _message(record: CoachingRecord) -> Coaching:
    word = word_of(record.lap_id, record.message)
    if word is None:
        again = f"`racing-coach analyze --lap {record.lap_id}`"
        raise CommandError(
            f"another version spoke of lap {record.lap_id} in words that this one cannot read; {again} speaks anew"
        )
    return word


def _print(lap: StoredLap, record: CoachingRecord, said: Coaching) -> None:
    console.print(f"[bold]{title(lap)}: {format_lap_time(said.lap_time)}[/]", highlight=False, soft_wrap=True)
    for line in _about(record, said):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    if said.advice:
        table = plain_table("")
        table.add_column("advice", overflow="fold", ratio=2)
        for name in ("gain s\n(at least)", "lost s", "seen", "sure"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("evidence: this lap, reference", overflow="fold", ratio=2)
        for one in said.advice:
            table.add_row(
                shown(one.text),
                f"{one.gain_s:.3f}\n({one.gain_s_low:.3f})",
                f"{one.loss_s:.3f}",
                f"{one.laps_seen} of {one.laps_looked_at}",
                f"{one.confidence:.0%}",
                _evidence(one.evidence),
            )
        print_table(table)
    console.print()


def _about(record: CoachingRecord, said: Coaching) -> Sequence[str]:
    """Reference, publication, praise and silence, a line each."""
    lines = [f"lap {said.lap_id}"]
    if said.reference is not None:
        reference, delta = said.reference, "" if said.delta_s is None else f", {loss(said.delta_s)} s"
        rule = reference.rule.replace("_", " ")
        lines.append(f"reference {reference.lap_id} ({rule}), {format_lap_time(reference.lap_time)}{delta}")
    else:
        lines.append("no reference")
    told = record.published_at
    lines.append("not published" if told is None else f"published {moment(told)}")
    lines += [f"praise: {shown(one.text)} ({one.gain_s:.3f} s)" for one in said.praise]
    if said.silence is not None:
        lines.append(f"silent, {said.silence.replace('_', ' ')}: {shown(said.silence_text)}")
    if said.advice:
        lines.append(count(len(said.advice), "piece") + " of advice")
    return lines


def _evidence(evidence: Mapping[str, tuple[float | None, float | None]]) -> str:
    return "\n".join(f"{shown(name)} {number(this, 2)}, {number(that, 2)}" for name, (this, that) in evidence.items())
