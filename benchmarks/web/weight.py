"""What a page weighs on the wire, without its data."""

from typing import Any

from playwright.async_api import Browser
from tests.web.stage import Stage

from benchmarks.web.browser import devtools

PAGES = {"pit wall": "/", "laps": "/laps", "lap": None, "progress": "/progress", "sign in": "/sign-in"}


async def weight(browser: Browser, stage: Stage) -> dict[str, float]:
    """For each page, kB that a browser with nothing cached receives, headers included, without the API's answers."""
    return {
        name: await _of(browser, stage.url + path if path else stage.lap_url("rig-2", -1))
        for name, path in PAGES.items()
    }


async def _of(browser: Browser, url: str) -> float:
    context = await browser.new_context()
    page = await context.new_page()
    tools = await devtools(page)
    data: set[str] = set()
    received: dict[str, float] = {}

    def sent(event: dict[str, Any]) -> None:
        if "/api/" in event["request"]["url"]:
            data.add(event["requestId"])

    def finished(event: dict[str, Any]) -> None:
        received[event["requestId"]] = event["encodedDataLength"]

    tools.on("Network.requestWillBeSent", sent)
    tools.on("Network.loadingFinished", finished)
    await tools.send("Network.enable")
    await page.goto(url)
    await page.wait_for_timeout(1500)
    await context.close()
    return round(sum(size for request, size in received.items() if request not in data) / 1000, 1)
