"""Folders are watched whatever is put into them, and whatever becomes of them."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.laps import lap_json, to_bytes
from tests.rig.sources.iracing.ibt_writer import drive, ibt_bytes, laps_of
from tests.waiting import eventually

from racing_coach_rig.commands import running as run_module
from racing_coach_rig.commands.feed import Feed
from racing_coach_rig.commands.running import run
from racing_coach_rig.commands.watch import watch
from racing_coach_rig.config import OutboxSettings, RigSettings
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.publisher import Publisher


@pytest.fixture
def settings(tmp_path: Path) -> RigSettings:
    """Of a rig whose broker is down."""
    return RigSettings.model_validate(
        {"rig": "rig-1", "mqtt": {"port": 1}, "outbox": {"path": tmp_path / "outbox.sqlite3"}}
    )


@pytest.fixture
def outbox(settings: RigSettings) -> Iterator[Outbox]:
    with Outbox(OutboxSettings(path=settings.outbox.path)) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "telemetry"
    path.mkdir()
    return path


def write_lap(folder: Path, number: int) -> None:
    (folder / f"{number}.json").write_bytes(to_bytes(lap_json(lap_number=number)))


def lap_numbers(outbox: Outbox) -> list[int]:
    return sorted(entry.lap_number for entry in outbox.entries())


@asynccontextmanager
async def watching(settings: RigSettings, outbox: Outbox, folder: Path) -> AsyncIterator[None]:
    feed = Feed(settings, outbox, Publisher(settings, outbox))
    task = asyncio.create_task(watch(feed, [folder]), name="watch")
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_damaged_file_is_read_once_and_stops_no_other(
    settings: RigSettings, outbox: Outbox, folder: Path
) -> None:
    """It is remembered until it changes, over the end of the program too; mended, it gives its laps."""
    records = drive(laps_of(1))
    records["SessionTime"][0] = np.nan
    bad = folder / "0.ibt"  # read before the others
    bad.write_bytes(ibt_bytes(records))
    write_lap(folder, 3)
    with capture_logs() as logs:
        async with watching(settings, outbox, folder):
            await eventually(lambda: lap_numbers(outbox) == [3])
        async with watching(settings, outbox, folder):
            write_lap(folder, 4)
            await eventually(lambda: lap_numbers(outbox) == [3, 4])
    assert len([log for log in logs if log["event"].startswith("a file gave no lap")]) == 1
    async with watching(settings, outbox, folder):
        bad.write_bytes(ibt_bytes(drive(laps_of(1))))
        await eventually(lambda: lap_numbers(outbox) == [2, 3, 4])


async def test_a_folder_that_is_made_again_is_watched_again(
    settings: RigSettings, outbox: Outbox, folder: Path
) -> None:
    """The system watches the folder that was removed, not the one that has its name now."""
    async with watching(settings, outbox, folder):
        write_lap(folder, 1)
        await eventually(lambda: lap_numbers(outbox) == [1])
        shutil.rmtree(folder)
        await asyncio.sleep(1.5)
        folder.mkdir()
        write_lap(folder, 2)
        await eventually(lambda: lap_numbers(outbox) == [1, 2])
        write_lap(folder, 3)
        await eventually(lambda: lap_numbers(outbox) == [1, 2, 3])


async def test_a_source_that_fails_is_begun_again(
    settings: RigSettings, outbox: Outbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on disk goes on being sent, and the source may do better the next time."""
    began: list[float] = []

    async def unreliable(feed: Feed, folders: list[Path]) -> None:
        began.append(time.monotonic())
        if len(began) == 1:
            raise ZeroDivisionError
        await watch(feed, folders)

    monkeypatch.setattr(run_module, "watch_folders", unreliable)
    write_lap(folder, 1)
    task = asyncio.create_task(run(settings, outbox, watch=[folder], live=False, simulate=None), name="run")
    await eventually(lambda: lap_numbers(outbox) == [1])
    assert not task.done()
    assert len(began) == 2
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
