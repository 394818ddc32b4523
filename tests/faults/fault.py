"""What goes wrong: each kind of fault by its name, from the modules that make them."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.settings import KEEPALIVE_S
from tests.faults.world import World

type Strike = Callable[[World, random.Random], Awaitable[None]]

LONGER_THAN_KEEPALIVE_S = 1.5 * KEEPALIVE_S + 1
"""After this the broker has given up on a client."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and which parts of the world it has for itself meanwhile.

    It begins, lasts, and is over when `strike` returns.
    """

    strike: Strike
    needs: frozenset[str]


FAULTS: dict[str, Fault] = {}
"""Every kind, once `schedule` is imported."""


def fault(name: str, *needs: str) -> Callable[[Strike], Strike]:
    def register(strike: Strike) -> Strike:
        FAULTS[name] = Fault(strike, frozenset(needs))
        return strike

    return register
