"""`racing-coach laps relabel`: gives laps the track, car and driver that they should have had."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import typer
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.frames import SessionFrame
from racing_coach_core.topics import to_segment
from racing_coach_server.commands.lap_delete import DryRunOption, LapsArgument, YesOption, consequences
from racing_coach_server.commands.lap_ids import find_laps
from racing_coach_server.commands.output import remark
from racing_coach_server.commands.runner import in_transaction
from racing_coach_server.commands.text import count, shown
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.lifecycle.relabelling import Relabelling
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.exceptions import UnknownNameError
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.names import LapNames
from racing_coach_server.telemetry.search.schemas import Facet

_MAX_ID: Final = 64
_NAME: Final = "The id or name of one of which laps are stored, else a new name."


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be done."""

    drives: Mapping[UUID, Sequence[UUID]]
    """The laps of each driving session."""
    labels: Mapping[str, str | None]
    new: Sequence[str]
    """Names that no stored lap has yet."""
    before: Sequence[StoredLap]
    """A lap of each session, as it is labelled now."""

    @property
    def laps(self) -> list[UUID]:
        return [lap_id for laps in self.drives.values() for lap_id in laps]


def relabel_laps(
    lap_ids: LapsArgument,
    *,
    track: Annotated[str | None, typer.Option(help=f"The track. {_NAME}")] = None,
    config: Annotated[str | None, typer.Option(help="The track's configuration; '' is none.")] = None,
    car: Annotated[str | None, typer.Option(help=f"The car. {_NAME}")] = None,
    driver: Annotated[str | None, typer.Option(help=f"The driver. {_NAME} '' is nobody: the rig.")] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Correct the track, car or driver of laps, in one transaction.

    A driving session has one track, car and driver: all its laps are relabelled, and so is what its rig goes on to
    send of it. A running daemon analyses, compares and coaches them anew with its next catch-up; else
    `racing-coach analyze` does.
    """
    if (track, config, car, driver) == (None,) * 4:
        raise CommandError("say what is wrong: --track, --config, --car or --driver")

    async def plan(session: AsyncSession, _: Settings) -> _Change:
        return await _plan(session, lap_ids, track=track, config=config, car=car, driver=driver)

    async def work(session: AsyncSession, _: Settings) -> tuple[int, int]:
        return await Relabelling(session).relabel([*change.drives], change.labels)

    change = in_transaction(plan)
    _say(change)
    if not any(_differs(lap, change.labels) for lap in change.before):
        remark("they are labelled so already: nothing to change")
        return
    if dry_run:
        remark("--dry-run: nothing is changed")
        return
    if not yes and (change.new or len(change.laps) > len(lap_ids)):
        typer.confirm("relabel all of these?", abort=True, err=True)
    others, chosen = in_transaction(work)
    remark(f"{count(len(change.laps), 'lap')} relabelled, to be analysed anew{consequences(others, chosen)}")


async def _plan(
    session: AsyncSession,
    lap_ids: Sequence[str],
    *,
    track: str | None,
    config: str | None,
    car: str | None,
    driver: str | None,
) -> _Change:
    found = {lap.session.session_id: lap for lap in await find_laps(session, lap_ids)}
    names, new = LapNames(session), list[str]()
    labels: dict[str, str | None] = {}
    if track is not None:
        named = await _named(partial(names.find_track, whole=True), track, new)
        labels |= {"track_id": named[0] or to_segment(track), "track_name": named[1]}
    if config is not None:
        labels["track_config_name"] = config or None
    if car is not None:
        named = await _named(partial(names.find_car, whole=True), car, new)
        labels |= {"car_id": named[0] or to_segment(car), "car_name": named[1]}
    if driver == "":
        labels |= {"driver_id": None, "driver_name": None}
    elif driver is not None:
        named = await _named(partial(names.find_driver, whole=True), driver, new)
        labels |= {"driver_id": named[0] or driver[:_MAX_ID], "driver_name": named[1]}
    _check(next(iter(found.values())), labels)
    drives = {session_id: await LapChanges(session).laps_of(session_id) for session_id in found}
    return _Change(drives, labels, new, [*found.values()])


async def _named(find: Callable[[str], Awaitable[Facet]], text: str, new: list[str]) -> tuple[str | None, str]:
    """Id and name of what is meant; no id for what is new."""
    try:
        found = await find(text)
    except UnknownNameError:
        new.append(text)
        return None, text
    return found.id, found.name


def _check(lap: StoredLap, labels: Mapping[str, str | None]) -> None:
    """Whether the wire would take it.

    Raises:
        CommandError: a name is empty, or too long.
    """
    try:
        SessionFrame.model_validate(lap.session.model_dump() | dict(labels))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CommandError(f"{first['loc'][0]}: {first['msg']}") from error


def _differs(lap: StoredLap, labels: Mapping[str, str | None]) -> bool:
    return any(getattr(lap.session, name) != value for name, value in labels.items())


def _say(change: _Change) -> None:
    """What is to be changed, drive by drive."""
    for lap in change.before:
        session = lap.session
        about = count(len(change.drives[session.session_id]), "lap")
        remark(f"driving session {session.session_id} of {shown(lap.rig_id)}, {about}:")
        for name, value in change.labels.items():
            old = getattr(session, name)
            if old != value:
                remark(f"  {name}: {shown(old) or 'none'} -> {shown(value) or 'none'}")
    for name in change.new:
        remark(f"[yellow]no stored lap is of {shown(name)!r} yet[/]; if that is a slip of the pen, stop here")
