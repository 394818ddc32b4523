"""The last events, for all who look."""

import asyncio

from racing_coach_server.web.live.ring import Ring


def numbers(ring: Ring, after: int) -> list[int] | None:
    events = ring.since(after)
    return None if events is None else [event.number for event in events]


async def test_who_was_away_gets_what_is_held() -> None:
    """In order, without a gap; and is told where something is not held any more."""
    ring = Ring(limit=1_000)
    for number in range(100):
        ring.add("rig", str(number))

    held = numbers(ring, 95)
    oldest = next(number for number in range(100) if numbers(ring, number) is not None)

    assert held == [96, 97, 98, 99, 100]
    assert numbers(ring, 100) == []
    assert 0 < oldest < 95
    assert numbers(ring, oldest) == [*range(oldest + 1, 101)]
    assert numbers(ring, oldest - 1) is None
    assert numbers(ring, 101) is None


async def test_an_event_larger_than_all_that_is_held_is_not_held() -> None:
    """Memory is bounded whatever comes; who looks gets all anew."""
    ring = Ring(limit=100)
    ring.add("snapshot", "x" * 1_000)

    assert numbers(ring, 0) is None
    assert numbers(ring, 1) == []


async def test_ids_are_of_one_process() -> None:
    """An id of another one, or of nobody, is no place."""
    ring, other = Ring(), Ring()
    ring.add("rig", "{}")

    assert ring.number_of(ring.id_of(1)) == 1
    assert [ring.number_of(text) for text in (None, "", "1", other.id_of(1), f"{ring.name}-x", f"{ring.name}-²")] == [
        None
    ] * 6
    assert ring.number_of(f"{ring.name}-{'9' * 5_000}") is None


async def test_all_who_wait_are_woken() -> None:
    """By an event after theirs, or by the end."""
    ring = Ring()
    waiting = [asyncio.create_task(ring.more(0)) for _ in range(3)]
    await asyncio.sleep(0)
    ring.add("rig", "{}")
    await asyncio.gather(*waiting)

    last = asyncio.create_task(ring.more(1))
    await asyncio.sleep(0)
    assert not last.done()
    ring.close()
    await last
