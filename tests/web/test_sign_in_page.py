"""Signing in."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect
from tests.databases import Databases
from tests.web.browsing import Tabs, overflow
from tests.web.stage import Stage
from tests.web_process import PASSWORD, WebProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def locked(stage: Stage, databases: Databases) -> Iterator[str]:
    """Pages with a password: their address."""
    with databases.migrated() as url, WebProcess(stage.broker, url, settings={"WEB__PASSWORD": PASSWORD}) as web:
        yield web.url


async def test_a_password_is_asked_for_and_then_leads_on(tabs: Tabs, locked: str) -> None:
    """Whoever is sent away from a page comes to it once the password is right; a wrong one is told so."""
    page = await tabs.open(f"{locked}/laps?valid=true", phone=True, dark=True)
    await page.wait_for_url("**/sign-in?next=*")
    await page.get_by_label("Password").fill("not it")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await overflow(page) <= 0
    await tabs.picture(page, "sign-in-phone-dark")
    await page.get_by_label("Password").fill(PASSWORD)
    await expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{locked}/laps?valid=true")
    await expect(page.get_by_role("heading", name="No lap is like that")).to_be_visible()


async def test_it_leads_to_no_other_machine(tabs: Tabs, locked: str) -> None:
    """An address that somebody sent cannot use the sign-in to lead away."""
    page = await tabs.open(f"{locked}/sign-in?next=//example.com/laps")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{locked}/")
