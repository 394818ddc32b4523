"""What one follower has still to do, as far as memory knows: bounded, in order, and found again if it is forgotten."""

import asyncio
import uuid

import pytest
from tests.server.following.toy_events import LapSeen

from racing_coach_server.following.backlog import Backlog


def events(count: int) -> list[LapSeen]:
    return [LapSeen(uuid.uuid4()) for _ in range(count)]


async def took(backlog: Backlog[LapSeen]) -> LapSeen | None:
    async with asyncio.timeout(1):
        return await backlog.take()


async def test_it_begins_with_a_catch_up() -> None:
    """Nobody knows yet what is to be done."""
    assert await took(Backlog(memory=10, catch_up_s=3600)) is None


async def test_what_is_told_comes_first_and_in_order() -> None:
    """Before what a catch-up found, and before the next catch-up."""
    told, found = events(2), events(2)
    backlog = Backlog[LapSeen](memory=10, catch_up_s=3600)
    backlog.caught_up(found, 2, more=False)
    for event in told:
        backlog.tell(event)

    assert [await took(backlog) for _ in range(4)] == [*told, *found]
    with pytest.raises(TimeoutError):
        await took(backlog)


async def test_what_there_is_no_room_for_is_looked_for() -> None:
    """The oldest is forgotten, and a catch-up is due behind what is still known."""
    backlog = Backlog[LapSeen](memory=2, catch_up_s=3600)
    backlog.caught_up([], 0, more=False)
    told = events(3)
    for event in told:
        backlog.tell(event)

    assert [await took(backlog) for _ in range(3)] == [*told[1:], None]


async def test_senders_take_turns() -> None:
    """One that tells of many keeps another's from being done for no longer than one of its own takes."""
    backlog = Backlog[LapSeen](memory=10, catch_up_s=3600)
    flood = [LapSeen(uuid.uuid4(), "rig-9") for _ in range(4)]
    for event in flood:
        backlog.tell(event)
    assert await took(backlog) == flood[0]
    mine = [LapSeen(uuid.uuid4(), "rig-1") for _ in range(2)]
    for event in mine:
        backlog.tell(event)

    assert [await took(backlog) for _ in range(5)] == [flood[1], mine[0], flood[2], mine[1], flood[3]]


async def test_who_tells_the_most_is_forgotten_first() -> None:
    """What others told of stays in memory."""
    backlog = Backlog[LapSeen](memory=3, catch_up_s=3600)
    backlog.caught_up([], 0, more=False)
    mine = LapSeen(uuid.uuid4(), "rig-1")
    backlog.tell(mine)
    flood = [LapSeen(uuid.uuid4(), "rig-9") for _ in range(4)]
    for event in flood:
        backlog.tell(event)

    assert [await took(backlog) for _ in range(4)] == [mine, *flood[2:], None]


async def test_a_call_wakes_who_waits() -> None:
    """A catch-up sooner than the interval."""
    backlog = Backlog[LapSeen](memory=2, catch_up_s=3600)
    backlog.caught_up([], 0, more=False)
    waiting = asyncio.create_task(took(backlog), name="waiting")
    await asyncio.sleep(0)
    assert not waiting.done()

    backlog.call()

    assert await waiting is None


async def test_the_interval_calls_too() -> None:
    """What nobody told is found all the same."""
    backlog = Backlog[LapSeen](memory=2, catch_up_s=0.05)
    backlog.caught_up([], 0, more=False)

    assert await took(backlog) is None


@pytest.mark.parametrize("progress", [True, False])
async def test_more_is_asked_for_at_once_only_after_progress(progress: bool) -> None:
    """What others have in hand is found again and again: that alone is no reason to ask."""
    backlog = Backlog[LapSeen](memory=2, catch_up_s=3600)
    (event,) = events(1)
    backlog.caught_up([event], 5, more=True)
    assert await took(backlog) == event

    backlog.settled(progress=progress)

    assert backlog.behind == 4
    if progress:
        assert await took(backlog) is None
    else:
        with pytest.raises(TimeoutError):
            await took(backlog)


async def test_behind_counts_what_is_told_and_never_below_nothing() -> None:
    """A count of the database's may be older than what was settled since."""
    backlog = Backlog[LapSeen](memory=2, catch_up_s=3600)
    for event in events(3):
        backlog.tell(event)
    assert backlog.behind == 3

    backlog.caught_up([], 0, more=False)
    backlog.settled(progress=True)

    assert backlog.behind == 0
