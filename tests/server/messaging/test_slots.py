"""Slots for messages, and who comes second to them."""

import asyncio

from racing_coach_server.messaging.slots import Slots


async def has_room(slots: Slots) -> bool:
    try:
        async with asyncio.timeout(0.01):
            await slots.room()
    except TimeoutError:
        return False
    return True


async def test_there_is_room_while_a_slot_is_free() -> None:
    """Not while all are taken."""
    slots = Slots(2)
    assert await has_room(slots)
    await slots.take()
    assert await has_room(slots)
    await slots.take()
    assert not await has_room(slots)
    slots.give()
    assert await has_room(slots)


async def test_a_third_of_the_slots_is_for_messages_alone() -> None:
    """Where there are many, something else would be begun in every moment in which not all are taken."""
    slots = Slots(6)
    for _ in range(4):
        await slots.take()
        assert await has_room(slots)
    await slots.take()
    assert not await has_room(slots)
    slots.give()
    assert await has_room(slots)


async def test_a_message_that_waits_comes_first() -> None:
    """A slot that is given back is the message's, and there is no room before it is done."""
    slots = Slots(1)
    await slots.take()
    waiting = asyncio.create_task(slots.take(), name="waiting")
    await asyncio.sleep(0)

    slots.give()
    assert not await has_room(slots)

    await waiting
    assert not await has_room(slots)
    slots.give()
    assert await has_room(slots)


async def test_a_message_that_gives_up_leaves_no_trace() -> None:
    """Cancelled while it waits, also in the moment in which it got the slot."""
    slots = Slots(1)
    await slots.take()
    for give_first in (False, True):
        waiting = asyncio.create_task(slots.take(), name="waiting")
        await asyncio.sleep(0)
        if give_first:
            slots.give()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert await has_room(slots) is give_first
