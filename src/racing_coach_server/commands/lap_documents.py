"""Stored laps as documents."""

from typing import Any, Final

from racing_coach_core.stored_documents import LapDocument
from racing_coach_server.telemetry.schemas import StoredLap

_OF_THE_LAP: Final = LapDocument.model_fields.keys() & StoredLap.__dataclass_fields__.keys()


def lap_document(lap: StoredLap) -> LapDocument:
    """A lap without its frames."""
    return LapDocument(**lap_values(lap))


def lap_values(lap: StoredLap) -> dict[str, Any]:
    """What a document has of a lap, by its names."""
    session = lap.session.model_dump(include={*LapDocument.model_fields})
    return session | {name: getattr(lap, name) for name in _OF_THE_LAP} | {"driver": lap.driver}
