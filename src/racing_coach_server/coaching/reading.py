"""The coach's word on a lap, read back from what is kept of it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError

from racing_coach_core.coaching import Coaching

log = structlog.get_logger(__name__)


def word_of(lap_id: UUID, message: Mapping[str, Any] | None) -> Coaching | None:
    """What the coach said of a lap.

    None where it said nothing, and where this version cannot read what another one said, as after a return to an older
    release: the log then says so, and whoever reads many laps goes on with the others.
    """
    if message is None:
        return None
    try:
        return Coaching.model_validate(message)
    except ValidationError as error:
        _warn(lap_id, str(error).splitlines()[0])
        return None


@lru_cache(maxsize=1_000)  # A pit wall asks for the same laps at each of its changes.
def _warn(lap_id: UUID, reason: str) -> None:
    log.warning(
        "the coach's word on a lap cannot be read by this version",
        lap_id=str(lap_id),
        reason=reason,
        remedy=f"racing-coach analyze --lap {lap_id}",
    )
