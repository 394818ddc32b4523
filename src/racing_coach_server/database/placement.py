"""Where the rows of a table lie in a database that Citus distributes: declared once, beside the table's columns.

A database on one server does not care. `racing-coach db distribute` and the migrations of a distributed one do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table

_KEY: Final = "place"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's rows lie.

    Attributes:
        column: rows with the same value of this column lie together, on one of the nodes; None if every node has all.
    """

    column: str | None

    def __str__(self) -> str:
        return "on every node" if self.column is None else f"by {self.column}"


ON_EVERY_NODE: Final[dict[str, Any]] = {_KEY: Place(None)}
"""`info` of a table that is small, or that others refer to or are joined with: Citus calls it a reference table."""


def distributed_by(column: str) -> dict[str, Any]:
    """`info` of a table that grows without end, and of which one value of a column is asked for at a time.

    Its queries name that column, its unique keys contain it, and it refers to tables on every node only.
    """
    return {_KEY: Place(column)}


def place_of(table: Table) -> Place:
    """The place of a table.

    Raises:
        LookupError: it has none.
    """
    place: Place | None = table.info.get(_KEY)
    if place is None:
        raise LookupError(
            f"the table {table.name!r} has no place: give it info=ON_EVERY_NODE or info=distributed_by(column)"
        )
    return place


def by_dependence(tables: list[Table]) -> Iterator[Table]:
    """Tables in the order in which they can be placed: those that are on every node first."""
    return iter(sorted(tables, key=lambda table: place_of(table).column is not None))
