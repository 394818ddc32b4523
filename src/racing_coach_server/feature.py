"""What a feature is to the daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from racing_coach_server.following.follower import Follower
from racing_coach_server.messaging.router import AnyRoute


@dataclass(frozen=True, slots=True)
class Feature:
    """Messages that it answers, and events that it follows.

    Attributes:
        name: its key in the heartbeat's `features`, if it has followers.
        routes: for messages.
        followers: for what is to be done after a commit.
    """

    name: str
    routes: Sequence[AnyRoute] = ()
    followers: Sequence[Follower[Any]] = ()
