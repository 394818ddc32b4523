"""Migrations only add: a daemon of the version before goes on while one of this version runs already."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from racing_coach_server.database import migrations

VERSIONS = Path(migrations.__file__).parent / "versions"
STOPS_OTHERS = {
    "0003": "frames go into blocks, and telemetry, into which the version before writes, is a view over them",
    "0004": "a lap's row says what it is of, which the version before does not fill in",
}
"""Before these, daemons of the version before are stopped; CHANGELOG and docs/operations.md say so."""

_TAKES_AWAY = {"drop_table", "drop_column", "rename_table", "drop_constraint"}
_SQL = re.compile(r"\b(drop (table|column|view)|rename to|rename column|set not null|alter column \S+ type)\b")


def migrations_of_versions() -> list[Path]:
    return sorted(path for path in VERSIONS.glob("*.py") if path.name != "__init__.py")


def revision_of(path: Path) -> str:
    found = re.search(r'^revision = "(.+)"$', path.read_text(), re.MULTILINE)
    assert found
    return found[1]


def taken_away(source: str) -> list[str]:
    """What `upgrade`, with all that it calls, would take from a daemon of the version before."""
    functions = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    return [what for node in _reached("upgrade", functions) for what in _offences(node)]


def _reached(name: str, functions: dict[str, ast.FunctionDef]) -> Iterator[ast.FunctionDef]:
    seen, queue = set[str](), [name]
    while queue:
        one = queue.pop()
        if one in seen or one not in functions:
            continue
        seen.add(one)
        yield functions[one]
        queue += [node.id for node in ast.walk(functions[one]) if isinstance(node, ast.Name)]


def _offences(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and (found := _SQL.search(node.value.lower()))
        ):
            yield found[0]
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        match node.func.attr:
            case name if name in _TAKES_AWAY:
                yield name
            case "alter_column" if given.keys() & {"new_column_name", "type_"} or given.get("nullable") == "False":
                yield "alter_column"
            case "add_column" if "nullable=False" in ast.unparse(node) and "server_default" not in ast.unparse(node):
                yield "add_column that must be filled"


@pytest.mark.parametrize("path", migrations_of_versions(), ids=lambda path: path.stem)
def test_a_migration_takes_nothing_away(path: Path) -> None:
    """No table, column or view goes, none is renamed, and none that is new must be filled by who does not know it."""
    found = taken_away(path.read_text())
    assert bool(found) == (revision_of(path) in STOPS_OTHERS), found


@pytest.mark.parametrize(
    "statement",
    [
        'op.drop_column("laps", "cell")',
        'op.rename_table("laps", "rounds")',
        'op.alter_column("laps", "cell", nullable=False)',
        'op.alter_column("laps", "cell", new_column_name="pit")',
        'op.add_column("laps", sa.Column("cell", sa.Text(), nullable=False))',
        'op.execute("alter table laps rename to rounds")',
        "helper()",
    ],
)
def test_the_check_sees_what_it_looks_for(statement: str) -> None:
    """It can fail, also for what stands in a function that `upgrade` calls."""
    assert taken_away(f"def upgrade():\n    {statement}\n\ndef helper():\n    op.drop_table('laps')\n")


def test_what_a_downgrade_takes_away_is_not_meant() -> None:
    """Only the way forward goes beside running daemons."""
    assert not taken_away("def upgrade():\n    op.create_table('a')\n\ndef downgrade():\n    op.drop_table('a')\n")
