"""The page of a lap, and of two with one cursor."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.waiting import eventually
from tests.web.browsing import Tabs, overflow, values
from tests.web.stage import EARLY_BRAKER, LAPS, STEADY, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST_PLOTS = ["Delta", "Speed", "Throttle", "Brake", "Steering", "Gear"]


async def opened(tabs: Tabs, url: str, **options: object) -> Page:
    """A page of a lap, its plots drawn."""
    page = await tabs.open(url, **options)
    await expect(page.locator(".plot canvas").first).to_be_visible()
    return page


async def hover(page: Page, plot: int, share: float) -> None:
    """Move the pointer over a plot."""
    over = page.locator(".plot .u-over").nth(plot)
    await over.scroll_into_view_if_needed()
    box = await over.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


async def cursors(page: Page) -> set[str]:
    """Where the plots draw their cursors."""
    return set(await page.locator(".u-cursor-x").evaluate_all("all => all.map(one => one.style.transform)"))


async def test_one_cursor_goes_through_all_plots_and_the_map(tabs: Tabs, stage: Stage) -> None:
    """Whichever plot the pointer is over, all say what both laps did there, and the map shows the place."""
    page = await opened(tabs, stage.lap_url(EARLY_BRAKER, -1, str(stage.laps[STEADY][-1])), dark=True)
    assert await page.locator(".plot h3").all_inner_texts() == FIRST_PLOTS
    for plot, share in ((0, 0.3), (4, 0.6)):
        await hover(page, plot, share)
        await eventually(lambda: values_are_said(page))
        assert len(await cursors(page)) == 1
        await expect(page.locator(".map-dot")).to_be_visible()
    await page.mouse.move(2, 2)
    await expect(page.locator(".u-cursor-x").filter(visible=True)).to_have_count(len(FIRST_PLOTS))
    await expect(page.locator(".place")).to_contain_text(" m · ")
    await tabs.picture(page, "two-laps-dark", whole=True)


async def values_are_said(page: Page) -> bool:
    said = await values(page)
    return len(said) == len(FIRST_PLOTS) and all(said)


async def test_a_stretch_chosen_in_one_plot_is_shown_by_all_and_by_the_map(tabs: Tabs, stage: Stage) -> None:
    """Dragging zooms every plot alike; a double click shows the lap again."""
    page = await opened(tabs, stage.lap_url(EARLY_BRAKER, -1))
    before = await page.locator(".map canvas").screenshot()
    await hover(page, 1, 0.4)
    await page.mouse.down()
    await hover(page, 1, 0.6)
    await page.mouse.up()
    await hover(page, 2, 0.005)
    start = await place_of(page)
    assert start > 1000, "the left edge is not the start of the lap any more"
    await hover(page, 0, 0.995)
    assert 300 < await place_of(page) - start < 1200
    assert await page.locator(".map canvas").screenshot() != before
    await page.locator(".plot .u-over").first.dblclick()
    await hover(page, 0, 0.005)
    await eventually(lambda: begins_at_the_line(page))


async def place_of(page: Page) -> int:
    """Where the cursor is, in metres."""
    return int((await page.locator(".place").inner_text()).split(" m")[0].split("· ")[-1])


async def begins_at_the_line(page: Page) -> bool:
    await hover(page, 0, 0.002)
    return await place_of(page) < 20


async def test_a_piece_of_advice_shows_its_place(tabs: Tabs, stage: Stage) -> None:
    """What the coach said of turn 9 puts the cursor where to brake."""
    page = await opened(tabs, stage.lap_url(EARLY_BRAKER, -1), dark=True)
    said = await stage.ask(f"laps/{stage.laps[EARLY_BRAKER][-1]}/coaching")
    advice = said["advice"][0]
    await page.locator(".say").first.click()
    await expect(page.locator(".place")).to_contain_text(" m · ")
    assert abs(await place_of(page) - advice["at_m"]) < 40
    await tabs.picture(page, "advice-dark")


async def test_a_corner_of_the_table_is_shown(tabs: Tabs, stage: Stage) -> None:
    """A row puts the cursor at its apex, and its losses are those of the delta."""
    page = await opened(tabs, stage.lap_url(EARLY_BRAKER, -1))
    await page.get_by_title("Show turn 9 in the plots").click()
    await expect(page.locator(".place")).to_contain_text("Turn 9")
    await expect(page.locator("tr.is-here th")).to_contain_text("9")
    await page.locator("#corners").scroll_into_view_if_needed()
    await tabs.picture(page, "corners-light")


async def test_the_reference_is_chosen_on_the_page(tabs: Tabs, stage: Stage) -> None:
    """The theoretical best, then any lap of the list; the address says which, and going back goes back."""
    page = await opened(tabs, stage.lap_url(EARLY_BRAKER, -1))
    choose = page.get_by_label("Against which lap")
    await choose.select_option("theoretical")
    await page.wait_for_url("**against=theoretical")
    await expect(choose).to_have_value("theoretical")
    await choose.select_option("another")
    dialog = page.get_by_role("dialog", name="Against which lap")
    await expect(dialog.get_by_role("button")).to_have_count(2 * LAPS)  # all but itself, and Cancel
    await dialog.get_by_role("button").nth(2).click()
    await page.wait_for_url("**against=*-*")
    await expect(page.locator(".lap-against .delta")).to_contain_text(".")
    await page.go_back()
    await expect(choose).to_have_value("theoretical")


async def test_everything_goes_by_keyboard(tabs: Tabs, stage: Stage) -> None:
    """From the list to two laps, through their corners, to the advice, and to the help and back."""
    page = await tabs.open(f"{stage.url}/laps", dark=True)
    await expect(page.locator("tbody tr")).to_have_count(2 * LAPS)
    for key in ("j", " ", "j", " ", "c"):
        await page.keyboard.press(key)
    await page.wait_for_url("**/lap/*against=*")
    await expect(page.locator(".plot canvas").first).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.locator(".place")).to_contain_text("Turn 1 ")
    await page.keyboard.press("j")
    await expect(page.locator(".place")).to_contain_text("Turn 2 ")
    before = await place_of(page)
    await page.keyboard.press("Shift+ArrowRight")
    await eventually(lambda: moved_on(page, before))
    await page.keyboard.press("k")
    await expect(page.locator(".place")).to_contain_text("Turn 2 ")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await tabs.picture(page, "help-dark")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    await page.keyboard.press("0")
    await page.keyboard.press("x")
    await expect(page.locator(".plot h3")).to_have_count(10)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.matches(':focus-visible')")


async def moved_on(page: Page, before: int) -> bool:
    return await place_of(page) > before


async def test_a_finger_moves_the_cursor_on_a_phone(tabs: Tabs, stage: Stage) -> None:
    """360 pixels wide nothing is cut off, and a tap on a plot says what was there."""
    page = await opened(tabs, stage.lap_url(EARLY_BRAKER, -1), phone=True)
    assert await overflow(page) <= 0
    await tabs.picture(page, "lap-phone-light", whole=True)
    over = page.locator(".plot .u-over").nth(1)
    await over.scroll_into_view_if_needed()
    await over.tap()
    await eventually(lambda: values_are_said(page))
    await tabs.picture(page, "lap-phone-cursor-light")
    box = await over.bounding_box()
    assert box is not None
    await pinch(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await over.tap(position={"x": 2, "y": 40})
    await eventually(lambda: is_beyond(page, 500))


async def pinch(page: Page, x: float, y: float) -> None:
    """Put two fingers on the page and draw them apart."""
    devtools = await page.context.new_cdp_session(page)
    for kind, reach in (("touchStart", 20), ("touchMove", 60), ("touchMove", 110)):
        points = [{"x": x - reach, "y": y, "id": 0}, {"x": x + reach, "y": y, "id": 1}]
        await devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


async def is_beyond(page: Page, metres: int) -> bool:
    return await place_of(page) > metres


async def test_the_report_opens_from_disk(tabs: Tabs, stage: Stage, tmp_path: Path) -> None:
    """The button gives one file of at most 500 kB that shows the lap without a network, and asks for nothing."""
    page = await opened(tabs, stage.lap_url(EARLY_BRAKER, -1))
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Report").click()
    file = tmp_path / "report.html"
    await (await download.value).save_as(file)
    assert file.stat().st_size <= 500_000
    report = await opened(tabs, file.as_uri(), offline=True, dark=True)
    await report.keyboard.press("c")
    await eventually(lambda: values_are_said(report))
    await expect(report.locator(".map canvas")).to_be_visible()
    assert await report.get_by_role("button", name="Report").count() == 0
    await tabs.picture(report, "report-dark", whole=True)


async def test_a_lap_that_is_not_there(tabs: Tabs, stage: Stage) -> None:
    """It says so, and nothing is broken."""
    page = await tabs.open(f"{stage.url}/lap/00000000-0000-0000-0000-000000000000")
    await expect(page.get_by_role("heading", name="No lap to show")).to_be_visible()
