"""Programs of many commands, each of which is imported when it is called for, and not before.

A program that lists its commands, completes a word or prints its version imports none of them. What a command needs and
is not installed, for it is in an extra of ours, is one line and no traceback.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from racing_coach_core.exceptions import MissingExtraError, RacingCoachError

COMMANDS_OF_OTHERS: Final = "racing_coach.commands"
"""Entry points of further commands of `racing-coach`: a `Command`, or several."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is listed.

    Attributes:
        name: what is typed. A command of a group has the group's name before it: `laps list`.
        help: what the list of commands says of it; the first line of its own help.
        target: where it is, as `module:attribute`: a function with Typer's annotations, or a `typer.Typer`. None is a
            group of which all commands are listed.
        extra: what has to be installed for it, as in `racing-coach[extra]`.
    """

    name: str
    help: str
    target: str | None
    extra: str


def program(name: str, help: str, commands: Iterable[Command]) -> TyperGroup:  # noqa: A002 (click's word)
    """The command of many commands, to be called."""
    shell = _group(help, add_completion=True, name=name)
    _offer(shell, commands)
    return shell


def commands_of_others() -> list[Command]:
    """What other packages add to `racing-coach`, so that the daemon's package need not know those that are above it."""
    found: list[Command] = []
    for point in entry_points(group=COMMANDS_OF_OTHERS):
        offered = point.load()
        found += [offered] if isinstance(offered, Command) else offered
    return found


def run(shell: TyperGroup) -> None:
    """Run a program to its end. What went wrong is one line.

    Raises:
        SystemExit: always; with the error's own exit code where one of ours ended it.
    """
    try:
        try:
            shell()
        except BaseExceptionGroup as group:
            raise _first(group) from None
        except ModuleNotFoundError as error:
            raise _missing(error, shell) from error
    except RacingCoachError as error:
        from rich.console import Console  # noqa: PLC0415 (nothing is printed that needs it, as a rule)
        from rich.markup import escape  # noqa: PLC0415

        # One line in the journal, a path is not to be broken, and what is in brackets is no markup of ours.
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


class OnDemand(TyperCommand):
    """Stands for a command until it is called: knows its name and what it does, and nothing else."""

    def __init__(self, command: Command, inside: Iterable[Command]) -> None:
        """List it.

        Args:
            command: what it stands for.
            inside: what is listed of the group that it is.
        """
        super().__init__(command.name.rpartition(" ")[2], help=command.help)  # the last word
        self.command = command
        self.inside = tuple(inside)
        self.called = False

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Import the command; from here on it is the one that parses, completes and runs."""
        self.called = True
        return self.load().make_context(*args, **kwargs)

    def load(self) -> Any:
        """The command itself.

        Raises:
            ModuleNotFoundError: what it needs is not installed.
        """
        target, name = self.command.target, self.command.name.rpartition(" ")[2]
        if target is None:
            loaded: Any = _group(self.command.help, name=name)
        else:
            found = _attribute(target)
            around = _typer()
            around.callback()(_nothing)
            if isinstance(found, typer.Typer):
                around.add_typer(found, name=name)
            else:
                around.command(name)(found)
            loaded = _made(around).commands[name]
        if self.inside:
            _offer(loaded, self.inside)
        return loaded


def _offer(group: TyperGroup, commands: Iterable[Command]) -> None:
    listed = tuple(commands)
    depth = min((command.name.count(" ") for command in listed), default=0)
    for command in listed:
        if command.name.count(" ") == depth:
            inside = [other for other in listed if other.name.startswith(f"{command.name} ")]
            one = OnDemand(command, inside)
            group.add_command(one)  # type: ignore[arg-type, unused-ignore]


def _group(help: str, *, name: str, add_completion: bool = False) -> TyperGroup:  # noqa: A002
    cli = _typer(no_args_is_help=True, add_completion=add_completion, help=help)
    cli.callback()(_version if add_completion else _nothing)
    group = _made(cli)
    group.name = name
    return group


def _typer(*, add_completion: bool = False, **options: Any) -> typer.Typer:
    return typer.Typer(add_completion=add_completion, pretty_exceptions_enable=False, **options)


def _made(cli: typer.Typer) -> TyperGroup:
    made = typer.main.get_command(cli)
    assert isinstance(made, TyperGroup)
    return made


def _nothing() -> None:
    pass


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(version("racing-coach"))
        raise typer.Exit


def _version(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _attribute(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _missing(error: ModuleNotFoundError, shell: TyperGroup) -> Exception:
    """What to say of a module that is not there; the error itself where it is our own mistake."""
    if error.name is None or error.name.startswith("racing_coach"):
        return error
    called = [one for one in shell.commands.values() if isinstance(one, OnDemand) and one.called]
    if not called:
        return error
    return MissingExtraError(f"{shell.name} {called[0].name}", called[0].command.extra, error.name)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
