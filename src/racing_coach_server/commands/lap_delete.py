"""`racing-coach laps delete`: takes laps away for good."""

from collections import Counter
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.commands.lap_ids import find_laps
from racing_coach_server.commands.lap_tables import title
from racing_coach_server.commands.output import remark
from racing_coach_server.commands.runner import in_transaction, with_dependencies
from racing_coach_server.commands.text import count
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.features import FEATURES
from racing_coach_server.lifecycle.deletion import LapDeletion
from racing_coach_server.telemetry.changing import LapChanges

LapsArgument = Annotated[list[str], typer.Argument(metavar="LAP...", help="Lap_ids, or their first parts.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def delete_laps(lap_ids: LapsArgument, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """Delete laps, with their frames and all that was made of them, in one transaction.

    They stay deleted: a rig that sends one again is answered `duplicate`. What was deleted is in `laps changes`, and
    `laps readmit` lets a lap come again. Laps that were compared with one of them are compared anew.
    """
    found = in_transaction(lambda session, _: find_laps(session, lap_ids))
    for lap in found:
        remark(f"{lap.lap_id}: {title(lap)}, {format_lap_time(lap.lap_time)}, {lap.frame_count:,} frames")
    if dry_run:
        remark(f"would delete {count(len(found), 'lap')}; --dry-run: nothing is changed")
        return
    if not yes:
        typer.confirm(f"delete {count(len(found), 'lap')} for good?", abort=True, err=True)

    async def work(session: AsyncSession, dependencies: Dependencies) -> Counter[str]:
        features = [make(dependencies) for make in FEATURES]
        await LapChanges(session).note_deletion(found)
        return await LapDeletion(session, features).delete([lap.lap_id for lap in found])

    gone = with_dependencies(work)
    others, chosen = gone["comparisons of other laps"], gone["references"]
    remark(f"{count(len(found), 'lap')} deleted{consequences(others, chosen)}")


def consequences(others: int, chosen: int) -> str:
    """What else follows, in words."""
    said = f"; {count(others, 'lap')} that had one of them for reference will be compared anew" if others else ""
    return said + (f"; {count(chosen, 'chosen reference')} cleared" if chosen else "")
