"""A message as a handler is given it."""

import hashlib
from datetime import UTC, datetime

import pytest

from racing_coach_server.messaging.messages import _HASHED_HERE, Message


def message(size: int) -> Message:
    return Message("topic", {}, bytes(size), None, None, None, datetime.now(UTC))


@pytest.mark.parametrize(("size", "waits"), [(0, False), (_HASHED_HERE, False), (_HASHED_HERE + 1, True)])
async def test_only_a_large_payload_is_hashed_on_a_thread(size: int, waits: bool) -> None:
    """A lap as our rig sends it is hashed before a thread would have been woken."""
    one = message(size)
    hashing = one.hash()

    try:
        hashing.send(None)
    except StopIteration:
        has_waited = False
    else:
        has_waited = True
        hashing.close()

    assert has_waited == waits
    assert one.payload_sha256 == hashlib.sha256(bytes(size)).hexdigest()
