"""How often a password may be guessed: by one address, and by all together."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

_OF_ONE: Final = 5.0
_OF_ONE_EVERY_S: Final = 12.0
_OF_ALL: Final = 60.0
_OF_ALL_EVERY_S: Final = 1.0
_REMEMBERED: Final = 4096
"""Addresses; the one unseen for longest is forgotten first."""


@dataclass(slots=True)
class _Left:
    """Tries that are left, and when that was so."""

    tries: float
    at: float

    def refill(self, now: float, most: float, every_s: float) -> None:
        self.tries = min(most, self.tries + (now - self.at) / every_s)
        self.at = now


class Tries:
    """Counts wrong passwords: five in a row from one address, then one in twelve seconds; sixty from all, then one a
    second. Who has signed in from an address before is not held up by what others try.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all = _Left(_OF_ALL, clock())
        self._ones: OrderedDict[str, _Left] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long until this address may try; 0 for now."""
        now, who = self._clock(), network_of(address)
        waits = [0.0]
        if (one := self._ones.get(who)) is not None:
            one.refill(now, _OF_ONE, _OF_ONE_EVERY_S)
            waits.append((1 - one.tries) * _OF_ONE_EVERY_S)
        if who not in self._known:
            self._all.refill(now, _OF_ALL, _OF_ALL_EVERY_S)
            waits.append((1 - self._all.tries) * _OF_ALL_EVERY_S)
        return max(waits)

    def failed(self, address: str) -> None:
        """It was the wrong password."""
        now, who = self._clock(), network_of(address)
        one = self._ones.setdefault(who, _Left(_OF_ONE, now))
        one.refill(now, _OF_ONE, _OF_ONE_EVERY_S)
        self._all.refill(now, _OF_ALL, _OF_ALL_EVERY_S)
        one.tries -= 1
        self._all.tries = max(0.0, self._all.tries - 1)
        self._ones.move_to_end(who)
        while len(self._ones) > _REMEMBERED:
            self._ones.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """It was the right one: the address is known from now on. What it guessed before still counts."""
        who = network_of(address)
        self._known[who] = None
        self._known.move_to_end(who)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def network_of(address: str) -> str:
    """Who an address belongs to: of IPv6 everybody has 2^64.

    >>> network_of("192.0.2.7"), network_of("2001:db8:1:2:3:4:5:6"), network_of("2001:db8:1:2::9")
    ('192.0.2.7', '2001:db8:1:2::', '2001:db8:1:2::')
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
