"""Frames as the wire has them."""

from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError
from tests.laps import frame_json, to_bytes

from racing_coach_core.frames import TelemetryFrame

FLOAT32_MAX = float(np.finfo(np.float32).max)


def accepts(model: type[BaseModel], document: object) -> bool:
    try:
        model.model_validate_json(to_bytes(document))
    except ValidationError:
        return False
    return True


def frame(**fields: Any) -> TelemetryFrame:
    return TelemetryFrame.model_validate_json(to_bytes(frame_json(**fields)))
