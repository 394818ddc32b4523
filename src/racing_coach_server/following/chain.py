"""What followers make of an event, and of what follows from it, done anew in one transaction."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.following.follower import Follower
from racing_coach_server.following.locks import lock
from racing_coach_server.messaging.messages import Event


class Chain:
    """Followers, each of which may follow what another one tells.

    It does not ask whether anything is due, and publishes nothing.
    """

    def __init__(self, followers: Sequence[Follower[Any]]) -> None:
        self._by_event: defaultdict[type[Event], list[Follower[Any]]] = defaultdict(list)
        for follower in followers:
            self._by_event[follower.follows].append(follower)

    async def follow(self, session: AsyncSession, event: Event) -> Sequence[Event]:
        """Have all followers do their work for an event, one by one, each under the lock that a daemon takes for it.

        Waits where a daemon is just doing the same. Flushes; the caller commits.

        Returns:
            The events that follow for anything else than this event's key, in the order in which they were told.
        """
        others: list[Event] = []
        told: deque[Event] = deque([event])
        while told:
            one = told.popleft()
            if one.key != event.key:
                others.append(one)
                continue
            for follower in self._by_event[type(one)]:
                await lock(session, follower.name, one.key)
                told += (await follower.follow(session, one)).events
        return others
