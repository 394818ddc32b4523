"""Takes the pictures of the pages that README and docs show: `make screenshots`."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page
from rich.console import Console
from tests.lap_client import LapClient
from tests.web.stage import EARLY_BRAKER, LAPS, Stage, drive, hold_against

from benchmarks.web.browser import chromium, stage
from racing_coach_demo.habits import simulator_of

IMAGES = Path(__file__).parents[2] / "docs" / "images"
THIRD_RIG = "rig-3"


@dataclass(frozen=True)
class Picture:
    """One picture: of which page, what is pressed on it, and how large."""

    name: str
    path: str
    ready: str
    keys: str = ""
    dark: bool = False
    size: tuple[int, int] = (1280, 800)


def pictures(running: Stage) -> list[Picture]:
    """All of them."""
    lap = f"/lap/{running.laps[EARLY_BRAKER][-1]}"
    return [
        Picture("web-pit-wall", "/", ".rig .said", dark=True, size=(1440, 486)),
        Picture("web-lap", lap, ".plot canvas", "c", dark=True),
        Picture("web-lap-light", lap, ".plot canvas", size=(1280, 1000)),
        Picture("web-lap-phone", lap, ".plot canvas", "c", dark=True, size=(360, 740)),
        Picture("web-laps", "/laps", "tbody tr", "j j", size=(1280, 640)),
        Picture("web-progress", "/progress", ".plot canvas", size=(1280, 900)),
    ]


async def take(browser: Browser, running: Stage, picture: Picture) -> Path:
    """Take one, and make it small."""
    width, height = picture.size
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if picture.dark else "light", locale="en-GB"
    )
    page = await context.new_page()
    await page.goto(running.url + picture.path)
    await page.locator(picture.ready).first.wait_for()
    await _press(page, picture.keys)
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "page.png"
        await page.screenshot(path=taken, animations="disabled")
        await context.close()
        return _made_small(taken, IMAGES / f"{picture.name}.png")


async def _press(page: Page, keys: str) -> None:
    for key in keys.split():
        await page.keyboard.press(key)
    await page.wait_for_timeout(1500)  # what came last is no longer marked as new


def _made_small(taken: Path, target: Path) -> Path:
    """With a palette: the pages have few colours."""
    with Image.open(taken) as image:
        image.convert("RGB").quantize(colors=192, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            target, optimize=True
        )
    return target


async def _drive_a_third(running: Stage) -> None:
    """A driver who is late on the throttle."""
    laps = list(simulator_of(3, seed=1).laps(LAPS))
    await hold_against(running, list(simulator_of(1, seed=1).laps(LAPS))[-1], laps[0].session)
    async with LapClient(running.broker, THIRD_RIG) as rig:
        await drive(rig, laps)
    running.laps[THIRD_RIG] = [lap.lap_id for lap in laps]


async def _take_all(running: Stage, console: Console) -> None:
    await _drive_a_third(running)
    async with chromium() as browser:
        for picture in pictures(running):
            path = await take(browser, running, picture)
            console.print(f"{path.stat().st_size / 1000:6.0f} kB  {path.relative_to(IMAGES.parent.parent)}")


def main() -> None:
    """Take all."""
    with stage() as running:
        asyncio.run(_take_all(running, Console()))


if __name__ == "__main__":
    main()
