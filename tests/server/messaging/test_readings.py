"""What was being read at a death is remembered, and refused after three."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from racing_coach_server.messaging.messages import Message
from racing_coach_server.messaging.readings import DeadlyMessageError, Readings, waiting


def message(payload: bytes) -> Message:
    return Message("rigs/rig-1/laps", {"rig": "rig-1"}, payload, None, None, None, datetime.now(UTC))


async def die_while_reading(folder: Path, *payloads: bytes) -> None:
    """A daemon's life that ends in the middle."""
    readings = Readings(folder)
    readings.look()
    for payload in payloads:
        await readings.reading(message(payload)).__aenter__()


def alive(folder: Path | None) -> Readings:
    readings = Readings(folder)
    readings.look()
    return readings


async def test_what_is_read_to_an_end_is_forgotten(tmp_path: Path) -> None:
    """Also if it was being read at a death before."""
    await die_while_reading(tmp_path, b"a")
    for _ in range(3):
        async with alive(tmp_path).reading(message(b"a")):
            pass
    assert list(tmp_path.iterdir()) == []


async def test_three_deaths_are_enough(tmp_path: Path) -> None:
    """The next try is refused; another message that was there at two of them is not."""
    await die_while_reading(tmp_path, b"a", b"b")
    await die_while_reading(tmp_path, b"b")
    await die_while_reading(tmp_path, b"a")
    await die_while_reading(tmp_path, b"a")
    readings = alive(tmp_path)
    with pytest.raises(DeadlyMessageError, match="died 3 times"):
        async with readings.reading(message(b"a")):
            raise AssertionError
    async with readings.reading(message(b"b")):
        pass


async def test_a_death_while_it_waits_does_not_count(tmp_path: Path) -> None:
    """A message that was remembered, and not being read, is not to blame for the next death."""
    await die_while_reading(tmp_path, b"a")
    for _ in range(3):
        alive(tmp_path)
    async with alive(tmp_path).reading(message(b"a")):
        pass


async def test_nor_does_one_while_it_waits_for_memory(tmp_path: Path) -> None:
    """Others are being read then; once it goes on, it is as before."""
    readings = alive(tmp_path)
    async with readings.reading(message(b"a")):
        (mark,) = tmp_path.iterdir()
        with waiting():
            assert list(tmp_path.iterdir()) == []
        assert list(tmp_path.iterdir()) == [mark]
    with waiting():  # of no message
        assert list(tmp_path.iterdir()) == []


async def test_messages_are_read_one_at_a_time_after_a_death(tmp_path: Path) -> None:
    """Until the one that was being read has been read to an end; then several again."""
    await die_while_reading(tmp_path, b"a")
    readings = alive(tmp_path)
    at_once = most = 0

    async def read(payload: bytes) -> None:
        nonlocal at_once, most
        async with readings.reading(message(payload)):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    await asyncio.gather(*(read(payload) for payload in (b"b", b"c", b"a")))
    assert most == 1
    await asyncio.gather(*(read(payload) for payload in (b"b", b"c", b"a")))
    assert most == 3


async def test_it_is_remembered_for_a_week(tmp_path: Path) -> None:
    """A message that never comes again is not to be kept in mind for ever."""
    await die_while_reading(tmp_path, b"a")
    alive(tmp_path)
    (count,) = tmp_path.iterdir()
    long_ago = time.time() - 8 * 86_400
    os.utime(count, (long_ago, long_ago))
    alive(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_without_a_folder_messages_are_read_all_the_same(tmp_path: Path) -> None:
    """None is given, or it cannot be made, which is said."""
    (tmp_path / "file").touch()
    with capture_logs() as logs:
        readings = alive(tmp_path / "file" / "folder")
    assert [line["log_level"] for line in logs] == ["warning"]
    for each in (readings, alive(None)):
        async with each.reading(message(b"a")):
            pass
