"""What commands print: tables for people, JSON and CSV for programs. What is not asked for goes to standard error."""

import csv
import sys
from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel, TypeAdapter
from rich.console import Console
from rich.table import Table

from racing_coach_server.commands.text import in_json, plain
from racing_coach_server.exceptions import CommandError

JsonOption = Annotated[bool, typer.Option("--json", help="For programs: the documented JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="For spreadsheets: a line each, with a line of names before.")]

GAP: Final = 2
"""Columns between those of a table."""

_COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")
_ENDLESS: Final = 1_000_000
"""Columns, where nothing is to be cut or folded."""


def one_form(*, as_json: bool, as_csv: bool) -> None:
    """Check that no more than one form is asked for.

    Raises:
        CommandError: both are.
    """
    if as_json and as_csv:
        raise CommandError("give one of --json and --csv")


def print_json(document: BaseModel | list[Any]) -> None:
    """A document, or an array of them."""
    written = document.model_dump_json(indent=2) if isinstance(document, BaseModel) else _array(document)
    typer.echo(in_json(written))


def _array(documents: list[Any]) -> str:
    return "[{}]".format(",\n".join(one.model_dump_json(indent=2) for one in documents))


def print_csv(kind: type[BaseModel], documents: Iterable[BaseModel]) -> None:
    """Documents of one kind as lines; what is not known is empty, what is a list or more is JSON.

    Spreadsheets compute what begins with one of a few characters, also where a driver is called so: an apostrophe
    before it keeps it text (OWASP, "CSV Injection").
    """
    names = list(kind.model_fields)
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(names)
    for document in documents:
        values = document.model_dump(mode="json")
        lines.writerow(_cell(values[name]) for name in names)


def print_for_programs(
    document: BaseModel | list[Any], kind: type[BaseModel], rows: Iterable[BaseModel], *, as_json: bool, as_csv: bool
) -> bool:
    """Print in a form for programs, if one is asked for.

    Args:
        document: what JSON says.
        kind: of the rows.
        rows: what CSV says, a line each.
        as_json: whether JSON is asked for.
        as_csv: whether CSV is.

    Returns:
        Whether one was; if not, people are to be told.
    """
    if as_json:
        print_json(document)
    elif as_csv:
        print_csv(kind, rows)
    return as_json or as_csv


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return plain(f"'{value}" if value.startswith(_COMPUTED) else value)
    return in_json(TypeAdapter(object).dump_json(value).decode()) if isinstance(value, list | dict) else value


def width() -> int | None:
    """The terminal's width; None where there is none, as in a pipe, and nothing has to be cut."""
    console = Console()
    return console.width if console.is_terminal else None


def plain_table(title: str) -> Table:
    """A table for a list."""
    return Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, GAP, 0, 0))


def print_table(table: Table) -> None:
    """A table, as wide as the terminal. In a pipe each row is one line, whole, and the title is left out."""
    if width() is not None:
        Console().print(table)
        return
    table.title = table.caption = None
    endless = Console(width=_ENDLESS, color_system=None)
    wide = Console(width=endless.measure(table).maximum, color_system=None)
    with wide.capture() as captured:
        wide.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def remark(sentence: str) -> None:
    """Say something beside what was asked for."""
    Console(stderr=True).print(sentence, highlight=False, soft_wrap=True)
