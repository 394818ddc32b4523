"""Laps as people name them: by their id, or the first part of it."""

import re
from typing import Final
from uuid import UUID

from racing_coach_server.telemetry.exceptions import InvalidLapIdError

FEWEST_DIGITS: Final = 6
"""Of a part that may name a lap."""

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
