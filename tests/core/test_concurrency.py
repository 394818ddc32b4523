"""Waiting for whichever comes first."""

import asyncio

import pytest

from racing_coach_core.concurrency import begin, first_of, put_an_end_to, uninterrupted


async def soon() -> str:
    return "soon"


async def never(ended: list[str]) -> str:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        ended.append("cleaned up")
    raise AssertionError


async def fails() -> str:
    await asyncio.sleep(0)
    raise ValueError("failed")


async def test_the_first_result_counts_and_the_others_have_ended() -> None:
    """What the call began is over when it returns, its cleaning up included."""
    ended: list[str] = []

    assert await first_of(never(ended), soon()) == "soon"
    assert ended == ["cleaned up"]


async def test_what_the_first_raises_is_raised() -> None:
    """A failure is as good an end as a result."""
    ended: list[str] = []

    with pytest.raises(ValueError, match="failed"):
        await first_of(never(ended), fails())
    assert ended == ["cleaned up"]


async def test_of_several_at_once_the_first_named_counts() -> None:
    """No matter of luck."""
    one: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    two: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    two.set_result(2)
    one.set_result(1)

    assert await first_of(one, two) == 1


async def test_a_future_of_somebody_else_goes_on() -> None:
    """Tasks and futures that are handed in are left as they are, also when the wait is cancelled."""
    ended: list[str] = []
    theirs = asyncio.create_task(never(ended), name="theirs")
    assert await first_of(theirs, soon()) == "soon"
    waiting = asyncio.create_task(first_of(theirs, never(ended)), name="waiting")
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert ended == ["cleaned up"]
    assert not theirs.done()
    theirs.cancel()
    await asyncio.wait([theirs])


async def test_it_waits_no_longer_than_it_is_told() -> None:
    """A time-out ends what was begun."""
    ended: list[str] = []

    with pytest.raises(TimeoutError):
        await first_of(never(ended), timeout_s=0.01)
    assert ended == ["cleaned up"]


async def test_tasks_have_names() -> None:
    """A look at all tasks says what each is there for."""

    async def look() -> set[str]:
        return {task.get_name() for task in asyncio.all_tasks()}

    assert any("look" in name for name in await first_of(look()))


async def test_what_is_begun_runs_at_once() -> None:
    """Up to its first wait, under its name; it goes on as any task does, and raises to whoever waits for it."""
    steps: list[str] = []
    gate = asyncio.Event()

    async def work() -> str:
        steps.append("began")
        await gate.wait()
        raise ValueError("went wrong")

    task = begin(work(), name="work")
    assert steps == ["began"]
    assert task.get_name() == "work"
    assert not task.done()
    gate.set()
    with pytest.raises(ValueError, match="went wrong"):
        await task


async def test_what_is_not_to_be_interrupted_ends_first() -> None:
    """However often its caller is cancelled; then it is told of that."""
    may_end, ended = asyncio.Event(), list[str]()

    async def work() -> None:
        await may_end.wait()
        ended.append("whole")

    caller = asyncio.create_task(uninterrupted(work(), name="work"), name="caller")
    for _ in range(3):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended == ["whole"]


async def test_how_uninterrupted_work_ends_is_told() -> None:
    """Its result, or its error: that one also to a caller who was cancelled meanwhile."""
    assert await uninterrupted(soon(), name="work") == "soon"
    caller = asyncio.create_task(uninterrupted(fails(), name="work"), name="caller")
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(ValueError, match="failed"):
        await caller


async def test_what_is_put_an_end_to_has_ended() -> None:
    """What still runs is cancelled and cleans up; what is done is left as it is, and nobody asks for its error."""
    ended: list[str] = []
    running = asyncio.create_task(never(ended), name="running")
    done = asyncio.create_task(soon(), name="done")
    failed = asyncio.create_task(fails(), name="failed")
    await asyncio.wait({done, failed})

    await put_an_end_to(running, done, failed)

    assert ended == ["cleaned up"]
    assert running.cancelled()
    assert done.result() == "soon"
