"""An hour of live events, sped up: what it does to the page's heap, how late they are, and what many viewers cost."""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from typing import Any

import httpx
import psutil
from playwright.async_api import Browser, Page
from tests.lap_client import LapClient
from tests.server.support import new_laps
from tests.web.stage import Stage, drive

from benchmarks.web.browser import devtools

RIGS = ("rig-4", "rig-5", "rig-6", "rig-7")
_WATCH = """() => {
  window.seen = [];
  new MutationObserver(() => {
    for (const foot of document.querySelectorAll(".rig footer")) {
      const key = foot.closest(".rig").getAttribute("aria-label") + foot.firstChild.textContent;
      const now = performance.timeOrigin + performance.now();
      if (!window.seen.some(([one]) => one === key)) window.seen.push([key, now]);
    }
  }).observe(document.querySelector("#rigs"), { childList: true, subtree: true });
}"""


async def latency(browser: Browser, stage: Stage, laps: int) -> dict[str, Any]:
    """From a lap's answer at the rig until it is on the page, ms; negative where the page was first."""
    page = await _wall(browser, stage)
    await page.evaluate(_WATCH)
    answered: dict[str, float] = {}
    async with LapClient(stage.broker, RIGS[0]) as rig:
        for lap in new_laps(laps):
            await drive(rig, [lap])
            answered[f"{lap.session.driver_name}, {RIGS[0]}Lap {lap.lap_number} · "] = time.time() * 1000
            await asyncio.sleep(0.15)
    await asyncio.sleep(0.5)
    seen = dict(await page.evaluate("window.seen"))
    await page.context.close()
    late = sorted(seen[key] - at for key, at in answered.items())
    return {"laps": len(late), "median_ms": round(statistics.median(late), 1), "worst_ms": round(late[-1], 1)}


async def an_hour(browser: Browser, stage: Stage, rounds: int) -> dict[str, Any]:
    """The heap of a page while four rigs drive `rounds` laps each, after each tenth of them; 45 laps are an hour."""
    page = await _wall(browser, stage)
    tools = await devtools(page)
    heap: list[float] = []
    nodes: list[int] = []
    per_part = max(1, rounds // 10)
    async with AsyncExitStack() as stack:
        rigs = [await stack.enter_async_context(LapClient(stage.broker, rig)) for rig in RIGS]
        stints = [new_laps(rounds) for _ in RIGS]
        for part in range(0, rounds, per_part):
            await asyncio.gather(
                *(drive(rig, stint[part : part + per_part]) for rig, stint in zip(rigs, stints, strict=True))
            )
            await asyncio.sleep(1)
            await tools.send("HeapProfiler.collectGarbage")
            used = await tools.send("Runtime.getHeapUsage")
            counters = await tools.send("Memory.getDOMCounters")
            heap.append(round(used["usedSize"] / 1e6, 2))
            nodes.append(counters["nodes"])
    await page.context.close()
    # The first parts fill the list of the last eight laps.
    settled = heap[len(heap) // 3 :]
    return {
        "laps": rounds * len(RIGS),
        "heap_mb": heap,
        "dom_nodes": nodes,
        "growth_mb": round(settled[-1] - settled[0], 2),
    }


async def viewers(stage: Stage, count: int, laps: int, opened: list[str]) -> dict[str, Any]:
    """What open pit walls cost the daemon, in CPU time a lap, and the web process, in memory: started anew for it, and
    once more with the pages and reports of laps that were opened meanwhile."""
    stage.web.stop()
    stage.web.start()
    daemon, web = psutil.Process(stage.daemon.pid), psutil.Process(stage.web.pid)
    alone = await _cpu_a_lap(stage, daemon, laps)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60)
        )
        readers = [asyncio.create_task(_view(client, stage.url), name=f"viewer {number}") for number in range(count)]
        await asyncio.sleep(2)
        watched = await _cpu_a_lap(stage, daemon, laps)
        memory = web.memory_info().rss
        for lap_id in opened:
            for page in ("view", "view?against=theoretical", "report"):
                (await client.get(f"{stage.url}/api/v1/laps/{lap_id}/{page}")).raise_for_status()
        after = web.memory_info().rss
        for reader in readers:
            reader.cancel()
        events = [one for one in await asyncio.gather(*readers, return_exceptions=True) if isinstance(one, int)]
    return {
        "viewers": count,
        "web_rss_mb": round(memory / 1e6, 1),
        "web_rss_mb_after_laps_were_opened": round(after / 1e6, 1),
        "daemon_cpu_ms_a_lap": {"alone": alone, "watched": watched},
        "fewest_events_of_a_viewer": min(events, default=0),
    }


async def _view(client: httpx.AsyncClient, url: str) -> int:
    """Read events until cancelled; how many came."""
    events = 0
    try:
        async with client.stream("GET", f"{url}/api/v1/events") as response:
            async for line in response.aiter_lines():
                events += line.startswith("event: rig")
    except asyncio.CancelledError:
        pass
    return events


async def _cpu_a_lap(stage: Stage, daemon: psutil.Process, laps: int) -> float:
    driven = new_laps(laps)
    before = daemon.cpu_times()
    async with LapClient(stage.broker, RIGS[1]) as rig:
        await drive(rig, driven)
    await asyncio.sleep(2)
    after = daemon.cpu_times()
    return round(1000 * (after.user + after.system - before.user - before.system) / laps, 1)


async def _wall(browser: Browser, stage: Stage) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto(stage.url)
    await page.locator(".rig").first.wait_for()
    return page
