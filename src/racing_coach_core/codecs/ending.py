"""How every decoder ends: a lap of its head and its canonical columns."""

from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa

from racing_coach_core.arrow_types import Column
from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_core.exceptions import InvalidLapError
from racing_coach_core.frames import SessionFrame
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_core.validation import check_frames, check_order


def checked_lap(lap_id: UUID | None, session: SessionFrame, lap_time: float | None, frames: pa.RecordBatch) -> Lap:
    """A lap, if its frames are one.

    Args:
        lap_id: as the payload has it; without one it follows from session and lap number.
        session: the driving session.
        lap_time: seconds, None when unknown.
        frames: canonical columns (`LAP_SCHEMA`).

    Raises:
        InvalidLapError: the frames break a rule of a lap.
    """
    if errors := check_frames(frames):
        raise InvalidLapError(errors)
    return Lap(lap_id or _id_of(session, frames), session, lap_time, frames)


def checked_lap_of(
    lap_id: UUID | None, session: SessionFrame, lap_time: float | None, columns: Sequence[Column]
) -> Lap:
    """The same of what `canonical_columns` returned, which has every required value."""
    frames = pa.RecordBatch.from_arrays(columns, schema=LAP_SCHEMA)
    if errors := check_order(frames):
        raise InvalidLapError(errors)
    return Lap.of_columns(lap_id or _id_of(session, frames), session, lap_time, frames, columns)


def _id_of(session: SessionFrame, frames: pa.RecordBatch) -> UUID:
    return lap_id_for(session.session_id, frames.column("lap_number")[0].as_py())
