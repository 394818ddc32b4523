"""The page of laps: filters, pages, choosing two; none and many."""

from collections.abc import Iterator

import asyncpg
import pytest
from playwright.async_api import Page, expect
from tests.databases import Databases
from tests.web.browsing import Tabs, overflow
from tests.web.stage import EARLY_BRAKER, LAPS, Stage, embedded
from tests.web_process import WebProcess

from racing_coach_demo.embedded import EmbeddedBroker

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY, PAGE = 120, 50
_FILL = """
with session as (
  insert into track_sessions (id, rig_id, track_id, track_name, car_id, car_name, track_type, driver_name, driver_id)
  values (gen_random_uuid(), 'rig-1', 't', 'A Track', 'c', 'A Car', 'road course',
          '<script>alert("driver")</script>', 'd')
  returning id
)
insert into laps (id, track_session_id, rig_id, lap_number, lap_time, is_valid, frame_count, payload_sha256,
                  content_sha256, encoding, received_at, driven_at, track_id, track_config_name, car_id, driver)
select gen_random_uuid(), session.id, 'rig-1', n, 80 + n / 1000.0, n % 5 <> 0, 0, '', '', 'arrow',
       now() - n * interval '1 minute', now() - n * interval '1 minute', 't', '', 'c', 'd'
from session, generate_series(1, $1::int) as n
"""


@pytest.fixture
def empty(databases: Databases) -> Iterator[tuple[str, str]]:
    """Pages of a database without laps, and a broker without rigs: their address, and the database's."""
    with (
        databases.migrated() as database_url,
        EmbeddedBroker() as broker,
        WebProcess(embedded(broker), database_url) as web,
    ):
        yield web.url, database_url


async def test_without_laps_it_says_how_to_get_one(tabs: Tabs, empty: tuple[str, str]) -> None:
    """The first thing that a new user sees is what to do."""
    url, _ = empty
    page = await tabs.open(f"{url}/laps", dark=True)
    await expect(page.get_by_role("heading", name="No lap yet")).to_be_visible()
    await tabs.picture(page, "laps-none-dark")
    page = await tabs.open(url, dark=True)
    await expect(page.get_by_role("heading", name="No rig has been here yet")).to_be_visible()
    await tabs.picture(page, "pit-wall-none-dark")
    page = await tabs.open(f"{url}/progress")
    await expect(page.get_by_role("heading", name="No progress to show yet")).to_be_visible()


async def test_many_laps_are_paged_and_a_driver_is_only_text(tabs: Tabs, empty: tuple[str, str]) -> None:
    """120 laps of a driver whose name is a script: page by page, fastest first, and nothing is run."""
    url, database_url = empty
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute(_FILL, MANY)
    await connection.close()
    page = await tabs.open(f"{url}/laps")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    rows = page.locator("tbody tr")
    await expect(rows.first).to_contain_text('<script>alert("driver")</script>')
    await page.get_by_role("button", name="Time").click()
    await page.wait_for_url("**sort=lap_time*")
    await expect(rows.first).to_contain_text("1:20.001")
    seen = await lap_ids(page)
    while await page.locator("#next").count() > 0:
        await page.keyboard.press("n")
        await expect(rows.first).not_to_have_attribute("data-lap", seen[-PAGE])
        seen += await lap_ids(page)
    assert len(seen) == len(set(seen)) == MANY
    await page.get_by_role("button", name="First page").click()
    await expect(rows.first).to_contain_text("1:20.001")
    await page.locator("#valid").select_option("false")
    await page.wait_for_url("**valid=false*")
    await expect(rows.first).to_contain_text("1:20.005")
    assert dialogs == []


async def lap_ids(page: Page) -> list[str]:
    """The laps of the page of laps that is shown."""
    return await page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.dataset.lap)")


async def test_filters_are_in_the_address(tabs: Tabs, stage: Stage) -> None:
    """What is chosen can be sent to somebody else, and going back takes it away again."""
    page = await tabs.open(f"{stage.url}/laps")
    await expect(page.locator("tbody tr")).to_have_count(2 * LAPS)
    await tabs.picture(page, "laps-light")
    await page.get_by_label("Rig").select_option(EARLY_BRAKER)
    await expect(page.locator("tbody tr")).to_have_count(LAPS)
    other = await tabs.open(page.url)
    await expect(other.locator("tbody tr")).to_have_count(LAPS)
    await expect(other.get_by_label("Rig")).to_have_value(EARLY_BRAKER)
    await page.go_back()
    await expect(page.locator("tbody tr")).to_have_count(2 * LAPS)
    await page.locator("#from").fill("2001-01-01")
    await page.locator("#to").fill("2001-01-02")
    await expect(page.get_by_role("heading", name="No lap is like that")).to_be_visible()


async def test_two_ticked_laps_are_compared(tabs: Tabs, stage: Stage) -> None:
    """The slower one against the faster, on a phone too."""
    page = await tabs.open(f"{stage.url}/laps", phone=True)
    boxes = page.get_by_role("checkbox")
    await boxes.nth(0).tap()
    await expect(page.get_by_text("Choose another lap")).to_be_visible()
    await boxes.nth(LAPS).tap()
    assert await overflow(page) <= 0
    await tabs.picture(page, "laps-phone-light")
    await page.get_by_role("link", name="Compare", exact=True).tap()
    await expect(page.locator(".lap-against .delta")).to_contain_text("+")
