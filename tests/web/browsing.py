"""Tabs of a browser that notice what no page may do."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page
from tests.waiting import TIMEOUT_S

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}


class Tabs:
    """Pages in one browser, each with a profile of its own.

    On closing it fails if one of them had an error in a script, was refused something by its own policy, or asked
    another machine for anything.
    """

    def __init__(self, browser: Browser, pictures: Path) -> None:
        self._browser = browser
        self._pictures = pictures
        self._stack = AsyncExitStack()
        self.complaints: list[str] = []

    async def open(
        self, url: str, *, dark: bool = False, phone: bool = False, offline: bool = False, **options: Any
    ) -> Page:
        """Open a page: at a desk or on a phone with touch, in the system's light or dark."""
        shape = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if phone else {"viewport": DESK}
        context = await self._browser.new_context(
            color_scheme="dark" if dark else "light", offline=offline, locale="en-GB", **(shape | options)
        )
        context.set_default_timeout(1000 * TIMEOUT_S)
        self._stack.push_async_callback(context.close)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        page.on("request", lambda request: self._see(page, url, request.url))
        await page.goto(url)
        return page

    async def picture(self, page: Page, name: str, *, whole: bool = False) -> None:
        """Leave a picture of a page in build/screenshots."""
        await page.screenshot(path=self._pictures / f"{name}.png", full_page=whole)

    async def close(self) -> None:
        """Close all.

        Raises:
            AssertionError: a page did what none may.
        """
        await self._stack.aclose()
        assert self.complaints == []

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        # What a server that is away costs is the test's own doing; the page itself says so in words.
        if (
            message.type == "error"
            and "Failed to load resource" not in message.text
            and "net::ERR_" not in message.text
        ):
            self.complaints.append(f"{page.url}: {message.text}")

    def _see(self, page: Page, opened: str, asked: str) -> None:
        home = "/".join(opened.split("/")[:3])
        if not asked.startswith((home, "data:", "blob:")):
            self.complaints.append(f"{page.url} asked for {asked}")


async def overflow(page: Page) -> int:
    """How many pixels a page is wider than a phone. Not than its window, which the browser makes as wide as the page."""
    return int(await page.evaluate("document.documentElement.scrollWidth")) - PHONE["width"]


async def values(page: Page) -> list[str]:
    """What the plots say of the lap at the cursor, one for each."""
    return await page.locator(".plot .value.this, .plot .value.gain, .plot .value.loss").all_inner_texts()
