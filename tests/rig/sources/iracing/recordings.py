"""Recordings in files, and what makes their laps the same."""

from pathlib import Path
from typing import Any

from tests.rig.sources.iracing.ibt_writer import ibt_bytes

from racing_coach_core.content import content_sha256
from racing_coach_core.lap import Lap


def write(path: Path, records: Any, **kwargs: Any) -> Path:
    path.write_bytes(ibt_bytes(records, **kwargs))
    return path


def identity(lap: Lap) -> tuple[Any, ...]:
    return lap.lap_id, lap.session, content_sha256(lap.lap_time, lap.frames)
