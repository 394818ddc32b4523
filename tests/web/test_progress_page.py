"""The page of a driver's progress."""

import pytest
from playwright.async_api import expect
from tests.web.browsing import Tabs, overflow
from tests.web.stage import LAPS, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_laps_stints_days_and_corners(tabs: Tabs, stage: Stage) -> None:
    """Over laps, a corner's times beside them, over stints and days; by keyboard, and Enter opens a lap."""
    page = await tabs.open(f"{stage.url}/progress", dark=True)
    await expect(page.locator(".plot h3").first).to_have_text("Lap time")
    await expect(page.locator(".fact dd").last).to_have_text(f"{LAPS} of {LAPS}")
    await page.get_by_role("button", name="Turn 9").click()
    await expect(page.locator(".plot h3")).to_have_text(["Lap time", "Spread", "Turn 9"])
    await page.keyboard.press("Escape")
    await page.keyboard.press("s")
    await expect(page.get_by_role("button", name="Stints")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("s")
    await page.keyboard.press("s")
    await page.locator("h1").click()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".place")).to_contain_text("Lap ")
    await tabs.picture(page, "progress-dark", whole=True)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/lap/*")


async def test_progress_on_a_phone(tabs: Tabs, stage: Stage) -> None:
    """360 pixels wide nothing is cut off."""
    page = await tabs.open(f"{stage.url}/progress", phone=True)
    await expect(page.locator(".plot canvas").first).to_be_visible()
    assert await overflow(page) <= 0
    await tabs.picture(page, "progress-phone-light", whole=True)
    await page.locator(".plot .u-over").first.tap()
    await page.get_by_role("link", name="Open").tap()
    await page.wait_for_url("**/lap/*")
