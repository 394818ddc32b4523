"""The pit wall: live, through outages, and with names that are no names."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from playwright.async_api import Locator, Page, expect
from tests.daemon import DaemonProcess
from tests.databases import Databases
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.support import new_laps
from tests.servers import MosquittoProcess
from tests.web.browsing import Tabs, overflow
from tests.web.stage import EARLY_BRAKER, Stage, drive, named
from tests.web_process import WebProcess

from racing_coach_core.lap import Lap

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOT_A_NAME = '<script>alert("driver")</script><img src=x onerror=alert(1)>'


@dataclass(frozen=True)
class Wall:
    """Pages with a broker and a daemon of their own, to be killed."""

    server: MosquittoProcess
    daemon: DaemonProcess
    web: WebProcess

    @property
    def broker(self) -> Broker:
        return self.server.broker

    def mend(self) -> None:
        """Start what a test has left killed."""
        for process in (self.server, self.daemon, self.web):
            if not process.is_running:
                process.start()


@pytest.fixture(scope="module")
def shared_wall(need_mosquitto: None, databases: Databases) -> Iterator[Wall]:
    """A pit wall of a database of its own, and all that it lives by."""
    with (
        MosquittoProcess() as server,
        databases.migrated() as url,
        DaemonProcess(server.broker, url, settings={"HEALTH__INTERVAL_S": 0.5}) as daemon,
        WebProcess(server.broker, url) as web,
    ):
        yield Wall(server, daemon, web)


@pytest.fixture
def wall(shared_wall: Wall) -> Wall:
    """That pit wall, all of it running. Each test has a rig of its own."""
    shared_wall.mend()
    return shared_wall


def card(page: Page, rig: str) -> Locator:
    """The card of a rig."""
    return page.get_by_role("article", name=rig)


async def shows(page: Page, rig: str, lap: Lap) -> None:
    """Wait until a lap is the last one on its rig's card."""
    await expect(card(page, rig).locator("footer")).to_contain_text(f"Lap {lap.lap_number} · ")


async def publish(broker: Broker, rig: str, laps: Sequence[Lap]) -> None:
    """Drive laps on a rig."""
    async with LapClient(broker, rig) as client:
        await drive(client, laps)


async def test_a_lap_is_there_while_the_rig_publishes(tabs: Tabs, wall: Wall) -> None:
    """Each lap by itself, with driver, time and how fast it was answered; a rejected one with the reason."""
    page = await tabs.open(wall.web.url, dark=True)
    laps = new_laps(3)
    async with LapClient(wall.broker, "rig-1") as rig:
        for lap in laps:
            await drive(rig, [lap])
            await shows(page, "rig-1", lap)
        there = card(page, "rig-1")
        await expect(there.locator("h2")).to_have_text(laps[0].session.driver_name or "")
        await expect(there.locator("footer")).to_contain_text("stored in")
        await expect(there.locator(".dot")).to_have_attribute("aria-label", "online")
        await rig.send(b"no lap")
    await expect(page.locator("#rejected li")).to_have_count(1)
    await expect(page.locator("#daemons")).to_contain_text("healthy")
    await tabs.picture(page, "pit-wall-dark", whole=True)


async def test_a_driver_is_only_text(tabs: Tabs, wall: Wall) -> None:
    """A driver whose name is a script is shown by it, letter for letter, and nothing is run."""
    page = await tabs.open(wall.web.url)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await publish(wall.broker, "rig-2", named(new_laps(1), NOT_A_NAME))
    await expect(card(page, "rig-2").locator("h2")).to_have_text(NOT_A_NAME)
    await card(page, "rig-2").locator(".now-time").click()
    await expect(page.locator("h1")).to_have_text(NOT_A_NAME)
    assert await page.locator("img").count() == 0
    assert dialogs == []


async def test_broker_and_daemon_are_killed_and_come_back(tabs: Tabs, wall: Wall) -> None:
    """The wall says calmly what is away, keeps what it knows, and goes on by itself."""
    page = await tabs.open(wall.web.url)
    laps = new_laps(2)
    await publish(wall.broker, "rig-3", laps[:1])
    await shows(page, "rig-3", laps[0])
    await asyncio.to_thread(wall.daemon.kill)
    await expect(page.locator(".notice")).to_contain_text("No daemon is running")
    await asyncio.to_thread(wall.server.kill)
    await expect(page.locator(".notice")).to_contain_text("The broker is away")
    await expect(card(page, "rig-3")).to_be_visible()
    await tabs.picture(page, "pit-wall-outage-light", whole=True)
    await asyncio.to_thread(wall.mend)
    await publish(wall.broker, "rig-3", laps[1:])
    await shows(page, "rig-3", laps[1])
    await expect(page.locator(".notice")).to_have_count(0)


async def test_the_page_catches_up_after_the_server_was_away(tabs: Tabs, wall: Wall) -> None:
    """What was stored while the pages' own server was killed is on the wall when that is back."""
    page = await tabs.open(wall.web.url)
    laps = new_laps(4)
    await publish(wall.broker, "rig-4", laps[:1])
    await shows(page, "rig-4", laps[0])
    await asyncio.to_thread(wall.web.kill)
    await expect(page.locator("#live")).to_contain_text("Not live since")
    await publish(wall.broker, "rig-4", laps[1:])
    await asyncio.to_thread(wall.mend)
    await expect(page.locator("#live")).to_have_text("Live")
    await shows(page, "rig-4", laps[-1])
    await expect(card(page, "rig-4").locator(".laps-before li")).to_have_count(3)


async def test_the_page_catches_up_after_its_own_sleep(tabs: Tabs, wall: Wall) -> None:
    """A laptop that was closed: the stream is dead without a word, and the page finds out when it wakes."""
    page = await tabs.open(wall.web.url)
    laps = new_laps(2)
    await publish(wall.broker, "rig-5", laps[:1])
    await shows(page, "rig-5", laps[0])
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    await page.context.set_offline(True)
    await publish(wall.broker, "rig-5", laps[1:])
    await page.context.set_offline(False)
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await shows(page, "rig-5", laps[1])
    await expect(page.locator("#live")).to_have_text("Live")


async def test_what_the_coach_said_on_a_phone(tabs: Tabs, stage: Stage) -> None:
    """360 pixels wide nothing is cut off, and a touch on the lap opens it."""
    page = await tabs.open(stage.url, phone=True, dark=True)
    await expect(page.locator(".rig .said").last).to_contain_text("Turn 9: brake")
    assert await overflow(page) <= 0
    await tabs.picture(page, "pit-wall-phone-dark", whole=True)
    await page.locator(".now-time").last.tap()
    await page.wait_for_url(f"**/lap/{stage.laps[EARLY_BRAKER][-1]}")
