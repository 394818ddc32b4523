"""What browsers at the pit wall are sent, piece by piece."""

from contextlib import aclosing
from datetime import UTC, datetime

from tests.server.web.live.test_wall import rig

from racing_coach_core.messages import RigStatus
from racing_coach_server.web.live.feed import Feed

PIECE = 1 << 16


def driving(feed: Feed, rigs: range) -> None:
    """Rigs come, each with an event."""
    for number in rigs:
        name = f"rig-{number}"
        feed.wall.put_status(name, RigStatus(online=True, timestamp=datetime.now(UTC)))
        feed.wall.put_rigs({name: rig(name)}, {})


async def test_whoever_is_slow_has_no_more_than_a_piece_waiting() -> None:
    """Of the whole wall, and of all events that were missed meanwhile; put together, nothing of them is missing."""
    feed = Feed()
    driving(feed, range(200))
    async with aclosing(feed.events(None)) as events:
        pieces = [await anext(events), await anext(events)]
        driving(feed, range(200, 400))
        while b"rig-399" not in pieces[-1]:
            pieces.append(await anext(events))
            assert len(pieces[-1]) <= PIECE
    text = b"".join(pieces).decode()
    kinds = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]

    assert len(text) > 3 * PIECE
    assert len(pieces) < 50
    assert kinds == ["snapshot", *["rig"] * 200]
    assert feed.viewers == 0
