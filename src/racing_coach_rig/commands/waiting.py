"""`racing-coach-rig waiting`: laps on disk that are not answered yet; what was a mistake can be taken back."""

from typing import Annotated

import typer
from rich.console import Console

from racing_coach_rig.commands.display import laps, show_waiting
from racing_coach_rig.config import load_settings
from racing_coach_rig.exceptions import RigError
from racing_coach_rig.outbox.entry import Entry, State
from racing_coach_rig.outbox.outbox import Outbox

waiting = typer.Typer(no_args_is_help=True, help="Laps on disk that are not answered yet.")
console = Console()

NumbersArgument = Annotated[list[int] | None, typer.Argument(help="Numbers of laps, as `waiting list` shows them.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every lap that waits.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

_MOST = 1_000_000


@waiting.command("list")
def list_waiting() -> None:
    """Show every lap that waits, with its number and why it is still there."""
    with Outbox(load_settings().outbox) as outbox:
        entries = outbox.entries(State.WAITING, limit=_MOST)
        if entries:
            show_waiting(console, entries)
        else:
            console.print("no lap waits")


@waiting.command("drop")
def drop(numbers: NumbersArgument = None, every: AllOption = False, yes: YesOption = False) -> None:
    """Delete laps that wait from this rig's disk, for good: they are not sent."""
    with Outbox(load_settings().outbox) as outbox:
        chosen = _chosen(outbox, numbers, every=every)
        if not yes and chosen:
            typer.confirm(f"Take {laps(len(chosen))} off this disk, unsent?", abort=True)
        dropped = sum(outbox.drop_waiting(entry.seq) for entry in chosen)
    console.print(f"{laps(dropped)} dropped")
    _say_what_may_be_stored(chosen)


@waiting.command("relabel")
def relabel(
    numbers: NumbersArgument = None,
    track: Annotated[str | None, typer.Option(help="The track that they were driven on.")] = None,
    car: Annotated[str | None, typer.Option(help="The car that they were driven with.")] = None,
    every: AllOption = False,
) -> None:
    """Give laps that wait another track or car. They are other laps from then on, and are sent as such."""
    from racing_coach_rig.sources.relabelling import relabelled  # noqa: PLC0415 (Arrow, which a list does without)

    if track is None and car is None:
        raise RigError("say what they are: --track, --car, or both")
    settings = load_settings()
    with Outbox(settings.outbox) as outbox:
        chosen = _chosen(outbox, numbers, every=every)
        for entry in chosen:
            payload = outbox.payload(entry.seq)
            if payload is not None:
                outbox.replace_waiting(entry.seq, relabelled(payload, track=track, car=car), settings.sending.encoding)
    console.print(f"{laps(len(chosen))} relabelled; `racing-coach-rig run` sends them")
    _say_what_may_be_stored(chosen)


def _chosen(outbox: Outbox, numbers: list[int] | None, *, every: bool) -> list[Entry]:
    """The laps that are meant.

    Raises:
        RigError: a number that no waiting lap has, or none at all.
    """
    if every == bool(numbers):
        raise RigError("say which laps: their numbers, as `racing-coach-rig waiting list` shows them, or --all")
    entries = {entry.seq: entry for entry in outbox.entries(State.WAITING, limit=_MOST)}
    if every:
        return list(entries.values())
    if missing := [str(number) for number in numbers or [] if number not in entries]:
        raise RigError(f"no lap waits with the number {', '.join(missing)}; `racing-coach-rig waiting list` shows them")
    return [entries[number] for number in dict.fromkeys(numbers or [])]


def _say_what_may_be_stored(entries: list[Entry]) -> None:
    if sent := sum(entry.sent > 0 for entry in entries):
        console.print(
            f"{laps(sent)} of these had been sent before: as they were then, they may be stored on the server already",
            highlight=False,
            soft_wrap=True,
        )
