"""What the pages' sources keep to."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

WEB = Path(str(files("racing_coach_server.web")))
ASSETS, PAGES = WEB / "assets", WEB / "pages"
_IMPORT = re.compile(r'^import [^;]*?"\./([\w-]+)\.js";', re.MULTILINE)


def imported(module: str) -> set[str]:
    """All modules that a module needs."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        text = (ASSETS / f"{waiting.pop()}.js").read_text()
        new = set(_IMPORT.findall(text)) - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.html")))
def test_pages_have_no_script_or_style_of_their_own(page: str) -> None:
    """Nothing that a strict policy refuses: no inline script, style or handler; and every asset is there."""
    text = (PAGES / page).read_text()
    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert re.findall(r"<style|\bstyle=|\bon\w+=", text) == []
    for asset in re.findall(r'"/assets/([^"]+)"', text):
        assert (ASSETS / asset).is_file(), asset


def test_scripts_write_text_only() -> None:
    """Nothing makes markup of a string, so no name of a driver can become any."""
    never = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|setHTML"
    )
    found = {path.name: never.findall(path.read_text()) for path in ASSETS.glob("*.js")}
    assert {name: what for name, what in found.items() if what} == {}


def test_scripts_are_short() -> None:
    """A module has less than 200 lines, and none is there that no page uses."""
    lines = {path.name: len(path.read_text().splitlines()) for path in ASSETS.glob("*.js")}
    assert {name: count for name, count in lines.items() if count >= 200} == {}
    entries = set(re.findall(r'src="/assets/([\w-]+)\.js"', "".join(path.read_text() for path in PAGES.glob("*.html"))))
    types_only = {"documents", "live_documents", "progress_documents"}
    used = entries.union(*map(imported, entries))
    assert {name.removesuffix(".js") for name in lines} - used == types_only
