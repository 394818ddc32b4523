"""A subscription that several daemons share: its name, and how one of them leaves so that nothing is stranded."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_server.messaging.link import Link

log = structlog.stdlib.get_logger(__name__)

_QUIET_S: Final = 0.3
"""After so long with nothing unacknowledged the broker has nothing more for us: it sends as soon as it may."""
_LOOK_S: Final = 0.02


def filters_of(group: str | None, filters: Sequence[str]) -> list[str]:
    """What is subscribed to, by a member of a group or by a daemon that takes everything."""
    return [f"$share/{group}/{name}" if group else name for name in filters]


async def leave(link: Link, filters: Sequence[str], *, timeout_s: float) -> None:
    """Leave a group while messages come: get no new ones, and see those done that the broker holds for us.

    Others get what comes from now on. What is not done in time, or lost with the link, the rigs send again.
    """
    log.info("leaving the shared group", unacknowledged=link.incoming.unacknowledged)
    try:
        async with asyncio.timeout(timeout_s):
            await link.incoming.unsubscribe(filters)
            await _until_quiet(link)
    except (ConnectionLostError, TimeoutError) as error:
        log.warning(
            "left the shared group with messages unacknowledged, rigs send them again",
            unacknowledged=link.incoming.unacknowledged,
            reason=str(error) or "it took too long",
        )


async def _until_quiet(link: Link) -> None:
    loop = asyncio.get_running_loop()
    quiet_since = loop.time()
    while loop.time() - quiet_since < _QUIET_S:
        if not link.alive:
            raise ConnectionLostError("the link was lost")
        if link.incoming.unacknowledged:
            quiet_since = loop.time()
        await asyncio.sleep(_LOOK_S)
