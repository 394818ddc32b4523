"""Every command of ours in the documentation is one, with these options: what its blocks do is tested at length."""

import re
import shlex
from typing import Any

import pytest
import typer
from tests.docs.pages import PAGES, ROOT, blocks
from typer.core import TyperGroup

from racing_coach_core.command_line import commands_of_others, program
from racing_coach_rig.main import COMMANDS as OF_THE_RIG
from racing_coach_server.main import COMMANDS as OF_THE_SERVER

PROGRAMS = {
    "racing-coach": program("racing-coach", "", [*OF_THE_SERVER, *commands_of_others()]),
    "racing-coach-rig": program("racing-coach-rig", "", OF_THE_RIG),
}
USAGE_ERROR: Any = typer.BadParameter.__base__
_COMMAND = re.compile(r"(?<![\w/.-])(racing-coach(?:-rig)?) (?=[a-z-])([^|&;\n]*)")


def commands() -> list[tuple[str, str]]:
    """Pages, and the commands that stand in their blocks."""
    return [
        (block.page, f"{found[1]} {found[2]}".strip())
        for block in blocks("sh")
        for line in block.text.splitlines()
        if not re.search(r"(system|journal)ctl|install |createuser|createdb", line)
        for found in _COMMAND.finditer(line.partition(" #")[0])
    ]


def in_sentences() -> list[tuple[str, str]]:
    """Pages, and the commands that their sentences and tables name."""
    return sorted(
        {
            (page, found)
            for page in PAGES
            for found in re.findall(r"`(racing-coach(?:-rig)? [a-z][^`|\n]*)`", (ROOT / page).read_text())
            if "..." not in found
        }
    )


def parse(words: list[str]) -> None:
    """Take a command apart as its program would, and do not run it.

    Raises:
        USAGE_ERROR: there is no such command, option or argument, or one is missing.
    """
    command: Any = PROGRAMS[words[0]]
    name, rest = words[0], words[1:]
    while True:
        try:
            context = command.make_context(name, rest)
        except typer.BadParameter as error:
            if type(error) is typer.BadParameter:
                return  # a value that stands for the reader's own
            raise
        command = context.command
        if not isinstance(command, TyperGroup):
            return
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_of_a_page_is_one(page: str, command: str) -> None:
    """Its name, its options, and no argument too few or too many."""
    parse(shlex.split(command))


@pytest.mark.parametrize(("page", "command"), in_sentences())
def test_a_command_that_a_page_names_is_one(page: str, command: str) -> None:
    """The same, and what it wants to be told may be left out."""
    try:
        parse(shlex.split(command))
    except USAGE_ERROR as error:
        if type(error).__name__ not in {"MissingParameter", "BadOptionUsage"}:
            raise


def test_there_are_some() -> None:
    """Nothing is held by a list that is empty; and what is no command is found."""
    assert len(commands()) > 20
    assert len(in_sentences()) > 20
    for wrong in ("racing-coach lapse list", "racing-coach laps list --sirt driven", "racing-coach-rig publish"):
        with pytest.raises(USAGE_ERROR):
            parse(wrong.split())
