"""What import contracts cannot say."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import racing_coach_server

SOURCE = Path(racing_coach_server.__file__).parent

EDGES = {
    "messaging/committing.py",  # a message
    "messaging/keeping.py",  # a rejected message
    "following/work.py",  # an event that is followed
    "following/runner.py",  # what is still to be followed
    "health/heartbeats.py",  # the heartbeat's question
    "commands/runner.py",  # a command
    "commands/convert.py",  # a lap converted
    "commands/analyze.py",  # which lap is meant
    "commands/analyzing/pages.py",  # which laps are next
    "commands/analyzing/work.py",  # a lap done anew
    "web/reading.py",  # a page, which can only read
    "doctor/database.py",  # how far the read replica is behind
    "commands/prune.py",  # how many laps are old
    "lifecycle/sweep.py",  # a few laps that are deleted
    "lifecycle/erasure.py",  # a rejected message that is erased, and the record of it
    "lifecycle/exporting.py",  # a lap that is exported
    "doctor/laps.py",  # the doctor's look at what is stored
    "backup/verify.py",  # laps looked at, page by page
}
"""Who may call `Database.transaction()`: services are given a session, and flush."""

ENGINES = {
    "database/engine.py",
    "database/init_db.py",
    "database/distribute_db.py",
    "doctor/daemon.py",
    "doctor/database.py",
    "backup/dump.py",
    "backup/compression.py",
    "backup/restore.py",
}
"""Who may do without it: the engine itself, what changes the schema, the doctor, and whoever works beside
PostgreSQL's own programs."""


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def methods(tree: ast.AST) -> set[str]:
    """The names of all methods that are called."""
    return {call.func.attr for call in calls(tree) if isinstance(call.func, ast.Attribute)}


def of_a_session(tree: ast.AST) -> set[str]:
    """The methods that are called of something that is named a session or an engine."""
    return {
        call.func.attr
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).endswith(("session", "engine"))
    }


def functions(tree: ast.AST) -> set[str]:
    """The names of all functions and classes that are called."""
    return {call.func.id for call in calls(tree) if isinstance(call.func, ast.Name)}


@cache
def sources() -> dict[str, ast.AST]:
    return {
        str(path.relative_to(SOURCE)): ast.parse(path.read_text())
        for path in SOURCE.rglob("*.py")
        if "migrations" not in path.parts
    }


def test_transactions_are_opened_at_the_edges_only() -> None:
    """`Database.transaction()` is called by exactly those that are listed here."""
    assert {name for name, tree in sources().items() if "transaction" in methods(tree)} == EDGES


def test_commands_ask_services() -> None:
    """What asks the database is a service's; a command gives it the session, and so needs no more than that name."""
    asks = {
        f"{name}: {node.module}"
        for name, tree in sources().items()
        if name.startswith("commands/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        if {alias.name for alias in node.names} - {"AsyncSession"}
    }
    assert asks == set()


def test_nobody_ends_a_transaction_but_the_block_that_opened_it() -> None:
    """No session or engine is told to begin, commit or roll back, and none is made, outside of the engine."""
    ends = {"begin", "begin_nested", "commit", "rollback", "connect"}
    makes = {"AsyncSession", "async_sessionmaker", "create_async_engine"}
    offenders = {
        name: found
        for name, tree in sources().items()
        if name not in ENGINES and (found := (of_a_session(tree) & ends) | (functions(tree) & makes))
    }
    assert offenders == {}


def test_laps_are_deleted_in_one_place() -> None:
    """Rows of laps, frames and sessions by `telemetry/erasing.py`; a lap by what deletes all of it."""
    stored = {"LapRecord", "TrackSession", "frame_blocks", "ROWS"}
    deletes, erases = set(), set()
    for name, tree in sources().items():
        for call in calls(tree):
            match call:
                case ast.Call(func=ast.Name("delete"), args=[ast.Name(table)]) if table in stored:
                    deletes.add(name)
                case ast.Call(func=ast.Name("erase_laps")):
                    erases.add(name)
    assert deletes == {"telemetry/erasing.py"}
    assert erases == {"telemetry/kept.py"}


def test_the_checks_see_what_they_look_for() -> None:
    """They can fail: they find what the engine does."""
    engine = sources()["database/engine.py"]
    assert "connect" in of_a_session(engine)
    assert {"AsyncSession", "create_async_engine"} <= functions(engine)


def test_what_a_conflict_updates_is_what_was_to_be_inserted() -> None:
    """`excluded.created_at`, not `now()`: where rows lie on several servers, each would have a time of its own, so that
    Citus refuses it."""
    offenders = [
        f"{name}:{function.name}"
        for name, tree in sources().items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and "on_conflict_do_update" in methods(function)
        and any(ast.unparse(call.func) == "func.now" for call in calls(function))
    ]
    assert offenders == []


BELOW_FEATURES = (
    "racing_coach_core/mqtt",
    *(f"racing_coach_server/{name}" for name in ("messaging", "following", "rejected")),
)
"""What serves every feature, and so knows none."""


def test_what_serves_every_feature_says_no_word_of_laps() -> None:
    """Neither in code nor in texts: what is said of messages comes from their route's noun."""
    offenders = [
        f"{path.relative_to(SOURCE.parent)}:{number}"
        for folder in BELOW_FEATURES
        for path in (SOURCE.parent / folder).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"(?<![a-z])laps?(?![a-z])", line, re.IGNORECASE)
    ]
    assert offenders == []


def test_every_task_has_a_name() -> None:
    """A look at all tasks says what each is there for."""
    root = SOURCE.parents[1]
    nameless = [
        f"{path.relative_to(root)}:{call.lineno}"
        for folder in ("src", "benchmarks")
        for path in (root / folder).rglob("*.py")
        for call in calls(ast.parse(path.read_text()))
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"create_task", "ensure_future"}
        and not any(keyword.arg == "name" for keyword in call.keywords)
    ]
    assert nameless == []


def test_every_package_is_known_to_every_check() -> None:
    """A new one beside the others is held to import contracts and types, is measured, and is in the wheel."""
    root = SOURCE.parents[1]
    tool = tomllib.loads((root / "pyproject.toml").read_text())["tool"]
    packages = {path.parent.name for path in SOURCE.parent.glob("*/__init__.py")}
    layers = tool["importlinter"]["contracts"][0]["layers"]
    assert {name for layer in layers for name in layer.split(" | ")} == packages
    assert set(tool["importlinter"]["root_packages"]) == packages
    assert set(tool["mypy"]["packages"]) - {"benchmarks"} == packages
    assert set(tool["coverage"]["run"]["source_pkgs"]) == packages
    assert {Path(path).name for path in tool["hatch"]["build"]["targets"]["wheel"]["packages"]} == packages


def test_init_files_are_empty() -> None:
    """Everything of a package is in its modules."""
    root = SOURCE.parent
    assert [str(p) for p in root.rglob("__init__.py") if p.stat().st_size] == []
