"""`racing-coach laps delete`: takes laps away for good."""

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.commands.lap_ids import find_laps
from racing_coach_server.commands.lap_tables import title
from racing_coach_server.commands.output import remark
from racing_coach_server.commands.runner import in_transaction
from racing_coach_server.commands.text import count
from racing_coach_server.commands.what_follows import keep_followers_off, without_laps
from racing_coach_server.config import Settings
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.schemas import StoredLap

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

    async def work(session: AsyncSession, _: Settings) -> tuple[int, int]:
        return await _delete(session, found)

    others, chosen = in_transaction(work)
    remark(f"{count(len(found), 'lap')} deleted{consequences(others, chosen)}")


async def _delete(session: AsyncSession, laps: Sequence[StoredLap]) -> tuple[int, int]:
    lap_ids = [lap.lap_id for lap in laps]
    await keep_followers_off(session, lap_ids)
    found = await without_laps(session, lap_ids)
    await LapChanges(session).delete(laps)
    return found


def consequences(others: int, chosen: int) -> str:
    """What else follows, in words."""
    said = f"; {count(others, 'lap')} that had one of them for reference will be compared anew" if others else ""
    return said + (f"; {count(chosen, 'chosen reference')} cleared" if chosen else "")
