"""What import contracts cannot say."""

import ast
from pathlib import Path

import racing_coach_server

SOURCE = Path(racing_coach_server.__file__).parent
ENDS_TRANSACTIONS = {"commit", "rollback", "begin", "begin_nested"}
ALLOWED = {
    SOURCE / "database" / "engine.py",
    SOURCE / "database" / "init_db.py",
    SOURCE / "database" / "migrations" / "versions" / "0001_first_tables.py",
}


def calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def test_only_the_engine_opens_and_ends_transactions() -> None:
    """No service, handler or command commits or rolls back."""
    offenders = {
        str(path.relative_to(SOURCE)): found
        for path in SOURCE.rglob("*.py")
        if path not in ALLOWED and (found := calls(path) & ENDS_TRANSACTIONS)
    }
    assert offenders == {}


def test_the_engine_is_seen_doing_it() -> None:
    """The check above can fail: it finds what the engine does."""
    assert "begin" in calls(SOURCE / "database" / "engine.py")


def test_init_files_are_empty() -> None:
    """Everything of a package is in its modules."""
    root = SOURCE.parent
    assert [str(p) for p in root.rglob("__init__.py") if p.stat().st_size] == []
