"""A real browser, and what it tells about itself."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright
from tests.databases import Databases
from tests.servers import FORGETFUL, PostgresProcess
from tests.web.conftest import FLAGS, find_chromium
from tests.web.stage import Stage, driven_stage

SCRIPT_EVENTS = {"FunctionCall", "EvaluateScript", "FireAnimationFrame", "TimerFire", "EventDispatch", "RunMicrotasks"}
"""Events of Chromium's trace during which a page's script runs."""


@contextmanager
def stage() -> Iterator[Stage]:
    """Broker, database, daemon and pages, with the laps of two drivers."""
    with PostgresProcess(FORGETFUL) as server:
        databases = Databases(server.url)
        try:
            with driven_stage(databases) as running:
                yield running
        finally:
            databases.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser."""
    program = find_chromium()
    if program is None:
        raise SystemExit("needs a browser on this machine (package chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*FLAGS, "--js-flags=--expose-gc"])
        yield browser
        await browser.close()


async def devtools(page: Page) -> CDPSession:
    """A line to the browser's own tools."""
    return await page.context.new_cdp_session(page)


@dataclass(frozen=True)
class Frames:
    """How long script ran in each frame that the browser drew, ms."""

    script_ms: list[float]


def frames_of(trace: bytes) -> Frames:
    """Script time by frame, of a trace: the time of the outermost script events between one frame and the next."""
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    main = _main_thread(events)
    own = sorted((one for one in events if (one["pid"], one["tid"]) == main), key=lambda one: one.get("ts", 0))
    frames: list[float] = []
    until = 0.0
    for event in own:
        if event["name"] == "BeginMainThreadFrame":
            frames.append(0.0)
        elif event["name"] in SCRIPT_EVENTS and event.get("ph") == "X" and event["ts"] >= until:
            until = event["ts"] + event.get("dur", 0)
            if frames:
                frames[-1] += event.get("dur", 0) / 1000
    return Frames(frames)


def _main_thread(events: list[dict[str, Any]]) -> tuple[int, int]:
    """The renderer's main thread that drew the most frames."""
    counts: dict[tuple[int, int], int] = {}
    for event in events:
        if event["name"] == "BeginMainThreadFrame":
            thread = (event["pid"], event["tid"])
            counts[thread] = counts.get(thread, 0) + 1
    return max(counts, key=lambda thread: counts[thread])
