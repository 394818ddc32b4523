"""Every table of every feature, so that migrations see them all. A new feature adds its import here."""

from racing_coach_server.database.base import Base
from racing_coach_server.telemetry import models as _telemetry

__all__ = ["metadata"]

metadata = Base.metadata
_FEATURES = (_telemetry,)
