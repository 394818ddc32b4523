"""JSON laps decoded, and what is said of those that cannot be."""

import pytest
from pydantic import ValidationError
from tests.laps import to_bytes

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import InvalidLapError, PayloadError
from racing_coach_core.lap import Lap
from racing_coach_core.messages import LapUploadRequest


def decode(document: object, **limits: int) -> Lap:
    payload = document if isinstance(document, bytes) else to_bytes(document)
    return decode_lap(payload, limits=PayloadLimits(**limits)).lap


def reference(payload: bytes) -> LapUploadRequest | None:
    """What the pydantic models, which are the contract, make of a payload."""
    try:
        return LapUploadRequest.model_validate_json(payload)
    except ValidationError:
        return None


def refusal(document: object, **limits: int) -> PayloadError:
    with pytest.raises(PayloadError) as raised:
        decode(document, **limits)
    return raised.value


def invalid(document: object) -> list[str]:
    """The errors of a document that is JSON and no lap, in which the reference sees none either."""
    error = refusal(document)
    assert isinstance(error, InvalidLapError)
    assert reference(document if isinstance(document, bytes) else to_bytes(document)) is None
    return [str(detail) for detail in error.errors]
