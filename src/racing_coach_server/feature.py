"""What a feature is to the daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from racing_coach_server.following.follower import Follower
from racing_coach_server.kept import MakeKept
from racing_coach_server.messaging.router import AnyRoute


@dataclass(frozen=True, slots=True)
class Feature:
    """Messages that it answers, and events that it follows.

    Attributes:
        name: its key in the heartbeat's `features`, if it has followers.
        routes: for messages.
        followers: for what is to be done after a commit.
        kept: what it keeps of laps, in a given transaction; None if it keeps nothing of them.
    """

    name: str
    routes: Sequence[AnyRoute] = ()
    followers: Sequence[Follower[Any]] = ()
    kept: MakeKept | None = None
