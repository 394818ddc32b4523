"""How every decoder ends: a lap of its head and its canonical columns."""

from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa

from racing_coach_core.arrow_types import Column
from racing_coach_core.exceptions import InvalidLapError
from racing_coach_core.frames import SessionFrame
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.validation import check_frames, check_order


def checked_lap(
    lap_id: UUID | None,
    session: SessionFrame,
    lap_time: float | None,
    frames: pa.RecordBatch,
    made_of: Sequence[Column] = (),
) -> Lap:
    """A lap, if its frames are one.

    Args:
        lap_id: as the payload has it; without one it follows from session and lap number.
        session: the driving session.
        lap_time: seconds, None when unknown.
        frames: canonical columns (`LAP_SCHEMA`).
        made_of: the same columns as `canonical_columns` returned them, where they come of it: they have every
            required value.

    Raises:
        InvalidLapError: the frames break a rule of a lap.
    """
    if errors := check_order(frames) if made_of else check_frames(frames):
        raise InvalidLapError(errors)
    number = frames.column("lap_number")[0].as_py()
    return Lap(lap_id or lap_id_for(session.session_id, number), session, lap_time, frames, made_of)
