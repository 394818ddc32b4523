"""Laps as people name them: by their id, or the first part of it."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from racing_coach_server.telemetry.exceptions import InvalidLapIdError

FEWEST_DIGITS: Final = 6
"""Of a part that may name a lap."""

SHORT_DIGITS: Final = 8
"""Of a part that stands for a lap in a list."""

_DIGITS: Final = 32
_PART: Final = re.compile(rf"[0-9a-fA-F]{{{FEWEST_DIGITS},{_DIGITS}}}", re.ASCII)


def id_range(text: str) -> tuple[UUID, UUID]:
    """The lowest and the highest id that begin so.

    >>> id_range("0a1b-2c3d")
    (UUID('0a1b2c3d-0000-0000-0000-000000000000'), UUID('0a1b2c3d-ffff-ffff-ffff-ffffffffffff'))

    Raises:
        InvalidLapIdError: no id does.
    """
    digits = text.strip().replace("-", "")
    if not _PART.fullmatch(digits):
        raise InvalidLapIdError(text)
    return UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))


def shortest(lap_id: UUID, others: Iterable[UUID | None]) -> str:
    """The first part of an id that none of others begins with, written as in the id, of 8 digits at least.

    >>> one, other = UUID("0a1b2c3d-4e5f-0000-0000-000000000000"), UUID("0a1b2c3d-4e60-0000-0000-000000000000")
    >>> shortest(one, [None]), shortest(one, [other])
    ('0a1b2c3d', '0a1b2c3d-4e5')

    Args:
        lap_id: the id.
        others: the stored ids next to it in their order; None where there is none.
    """
    written = str(lap_id)
    taken = [str(other) for other in others if other is not None]
    lengths = range(SHORT_DIGITS, len(written))
    parts = (written[:length] for length in lengths)
    return next((part for part in parts if not any(other.startswith(part) for other in taken)), written)
