"""A stored analysis as programs get it."""

from racing_coach_analysis.track_map import TrackMap
from racing_coach_core.analysis_documents import LapAnalysisDocument
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord


def lap_analysis_document(record: LapAnalysisRecord, track_map: TrackMap | None) -> LapAnalysisDocument:
    """The analysis of a lap, and the map that it was measured by."""
    own = {name: getattr(record, name, None) for name in LapAnalysisDocument.model_fields}
    return LapAnalysisDocument.model_validate(
        own
        | {
            "track_config_name": record.track_config_name or None,
            "track_map_revision": None if track_map is None else track_map.version,
            "measures": record.analysis,
        }
    )
