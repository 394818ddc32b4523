"""How long to wait before the next try."""

import random
from typing import Final

FIRST_S: Final = 0.2
CAP_S: Final = 30.0


class Backoff:
    """Capped exponential backoff with jitter, so that many clients do not come back at once.

    Each wait is drawn from the upper half of the current step: `step/2 .. step`.
    """

    def __init__(self, first_s: float = FIRST_S, cap_s: float = CAP_S) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait now; the step doubles with every call."""
        step = min(self._cap_s, self._first_s * 2 ** min(self._tries, 32))
        self._tries += 1
        return random.uniform(step / 2, step)  # noqa: S311 (jitter, no secret)

    def reset(self) -> None:
        """Start over, after something worked."""
        self._tries = 0
