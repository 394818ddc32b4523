"""A lap file in one of the wire's encodings: JSON as existing clients send it, or Arrow; also compressed."""

from pathlib import Path

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import PayloadError
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.bounded import read_bounded
from racing_coach_rig.sources.result import SourceResult

# A file is ours, and uncompressed JSON may be larger on disk than the rig sends it as Arrow.
_LIMITS = PayloadLimits(wire_bytes=PayloadLimits().decoded_bytes)


def read_lap_file(path: Path) -> SourceResult:
    """Read one lap.

    Raises:
        SourceError: not a lap; says what is wrong where.
    """
    try:
        lap = decode_lap(read_bounded(path, _LIMITS.wire_bytes), limits=_LIMITS).lap
    except PayloadError as error:
        raise SourceError(path, str(error)) from error
    return SourceResult(laps=[lap], sessions=[lap.session])
