"""docs/operations.md has a line for all that the daemon may say at three in the morning."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT

import racing_coach_server

SOURCE = Path(racing_coach_server.__file__).parent


def texts(call: ast.Call) -> str:
    """The first argument as an operator reads it: what comes by the daemon's routes is laps."""
    first = call.args[0]
    if isinstance(first, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "laps" for part in first.values)
    return ast.literal_eval(first)


def alarms() -> Iterator[str]:
    """What is logged as an error, and every trouble, of the daemon; `stopped` says in the line what is to be done."""
    for path in SOURCE.rglob("*.py"):
        if "web" in path.relative_to(SOURCE).parts:  # a process of its own
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr="error" | "critical"), args=[first, *_]
                ):
                    if not isinstance(first, ast.Attribute):  # a trouble's, below
                        yield texts(node)
                case ast.Call(func=ast.Name(id="Trouble")):
                    yield texts(node)


def test_every_alarm_is_explained() -> None:
    """In a row of the table, or the operator would have to read the code."""
    page = (ROOT / "docs/operations.md").read_text()
    table = page[page.index("## At three in the morning") : page.index("## Upgrade")]
    said = set(alarms()) - {"stopped"}
    assert {"the database is in trouble, laps wait", "a rejected message is lost"} <= said
    assert sorted(text for text in said if f"`{text}`" not in table) == []
