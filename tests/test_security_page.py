"""docs/security.md names tests that are there: a line without its test would be a claim and no more."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()


def named() -> list[tuple[str, str | None]]:
    """Files and tests in the order of the page; a name without a folder, or without a file, is of the one before."""
    found: list[tuple[str, str | None]] = []
    folders: dict[str, str] = {}
    last = ""
    for path, test in re.findall(r"`([\w/]*\w\.py)?(?:::(\w+))?`", PAGE):
        if not path and not test:
            continue
        if path and "/" in path:
            folders[path.rpartition("/")[2]] = path
        last = folders[path.rpartition("/")[2]] if path else last
        found.append((last, test or None))
    return found


@pytest.mark.parametrize(("path", "test"), named())
def test_it_is_there(path: str, test: str | None) -> None:
    """The file, and in it the test."""
    text = (ROOT / path).read_text()
    if test is not None:
        assert f"def {test}(" in text


def test_every_party_has_its_lines() -> None:
    """Those of the threat model."""
    for party in ("stolen password", "monitoring user", "neighbour", "broken file", "database that lies"):
        assert re.search(rf"^## .*{party}", PAGE, re.MULTILINE)
    assert len(named()) > 15
