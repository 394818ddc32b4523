"""How soon a lap's plots are there, and what a cursor through all of them costs."""

import statistics
from typing import Any

from playwright.async_api import Browser, Page
from tests.lap_client import LapClient
from tests.waiting import eventually
from tests.web.stage import Stage, drive

from benchmarks.web.browser import frames_of
from racing_coach_rig.sources.simulator import Simulator

LONG_TRACK = "heronsgate"
"""Its laps have some 5,050 frames."""
_CLICK = "a => { window.name = String(performance.timeOrigin + performance.now()); a.click(); }"
_DRAWN = """() => ["first plots drawn", "plots drawn"].map(
  (mark) => performance.timeOrigin + performance.getEntriesByName(mark)[0].startTime - Number(window.name))"""
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline.frame"]
_STEPS = 240


async def drive_long_laps(stage: Stage, count: int) -> tuple[list[str], int]:
    """Laps of 5,000 frames, all analysed: their ids, and the frames of the shortest."""
    laps = list(Simulator(seed=11, track=LONG_TRACK).laps(count))
    async with LapClient(stage.broker, "rig-3") as rig:
        await drive(rig, laps)

    async def are_compared() -> bool:
        views = [await stage.ask(f"laps/{lap.lap_id}/view") for lap in laps[1:]]
        return all(view["corners"] and view["delta_s"] for view in views)

    await eventually(are_compared, 60)  # type: ignore[arg-type]  # mypy loses T in a union with Awaitable
    return [str(lap.lap_id) for lap in laps[1:]], min(lap.frames.num_rows for lap in laps)


async def first_plots(browser: Browser, stage: Stage, lap_ids: list[str]) -> dict[str, Any]:
    """From the click on a lap in the list until its first plots are drawn, and until all are, ms: with nothing cached,
    and as a reader who has seen a lap before. The server is started anew: it has none of the laps in memory."""
    stage.web.stop()
    stage.web.start()
    cold = [await _first_plot(browser, stage, lap_id) for lap_id in lap_ids[: len(lap_ids) // 2]]
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto(stage.lap_url("rig-1", 0))
    await page.locator(".plot canvas").first.wait_for()
    warm = [await _clicked(page, stage, lap_id) for lap_id in lap_ids[len(lap_ids) // 2 :]]
    await context.close()
    return {
        "first_visit_ms": _spread([first for first, _ in cold]),
        "later_ms": _spread([first for first, _ in warm]),
        "first_visit_all_plots_ms": _spread([every for _, every in cold]),
        "later_all_plots_ms": _spread([every for _, every in warm]),
    }


async def _first_plot(browser: Browser, stage: Stage, lap_id: str) -> tuple[float, float]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    taken = await _clicked(await context.new_page(), stage, lap_id)
    await context.close()
    return taken


async def _clicked(page: Page, stage: Stage, lap_id: str) -> tuple[float, float]:
    await page.goto(f"{stage.url}/laps?rig=rig-3")
    link = page.locator(f'a[href="/lap/{lap_id}"]')
    await link.wait_for()
    await page.wait_for_load_state("networkidle")
    await link.evaluate(_CLICK)
    await page.wait_for_function("() => performance.getEntriesByName('plots drawn').length > 0")
    first, every = await page.evaluate(_DRAWN)
    return float(first), float(every)


async def cursor(browser: Browser, stage: Stage, lap_id: str) -> dict[str, Any]:
    """Script time a frame while the pointer crosses the plots, ten of them."""
    context = await browser.new_context(viewport={"width": 1440, "height": 1600})
    page = await context.new_page()
    await page.goto(f"{stage.url}/lap/{lap_id}")
    await page.locator(".plot canvas").first.wait_for()
    await page.keyboard.press("x")
    await page.wait_for_timeout(500)
    plots = await page.locator(".plot").count()
    box = await page.locator(".plot .u-over").nth(1).bounding_box()
    assert box is not None
    await browser.start_tracing(page=page, categories=TRACED)
    for step in range(_STEPS):
        await page.mouse.move(box["x"] + 2 + step / _STEPS * (box["width"] - 4), box["y"] + box["height"] / 2)
        await page.wait_for_timeout(16)
    frames = [script for script in frames_of(await browser.stop_tracing()).script_ms if script > 0]
    await context.close()
    return {"plots": plots, "frames": len(frames), "script_ms": _spread(frames)}


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
        "worst": round(ordered[-1], 2),
    }
