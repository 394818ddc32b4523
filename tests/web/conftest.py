"""A real browser, and pages with laps in them for all tests of this folder."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from tests.databases import Databases
from tests.waiting import TIMEOUT_S
from tests.web.browsing import Tabs
from tests.web.stage import Stage, driven_stage

FLAGS: Final = [
    "--headless",
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=1000 * TIMEOUT_S)  # a busy machine is no failure

PICTURES: Final = Path(__file__).parents[2] / "build" / "screenshots"
"""Where the tests leave what they saw."""


def find_chromium() -> str | None:
    """The browser of this machine, if it has one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's chromium; without one the tests are skipped, which CI does not allow."""
    program = find_chromium()
    if program is None:
        pytest.skip("needs a browser on this machine (package chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def stage(databases: Databases) -> Iterator[Stage]:
    """Pages of two drivers' laps, analysed and coached."""
    with driven_stage(databases) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(browser: Browser) -> AsyncIterator[Tabs]:
    """Opens pages as a reader would, and holds them to what is asked of every page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    opened = Tabs(browser, PICTURES)
    yield opened
    await opened.close()
