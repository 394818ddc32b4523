"""Track maps as the analysis has them, and as files and tables have them."""

from racing_coach_analysis.track_map import Corner, TrackMap
from racing_coach_core.track_maps import CornerDocument, TrackMapDocument
from racing_coach_server.analytics.track_maps.models import TrackMapRecord


def as_document(record: TrackMapRecord) -> TrackMapDocument:
    """A stored map as the file that can be imported again."""
    return TrackMapDocument.model_validate(
        {
            "track_id": record.track_id,
            "track_config_name": record.track_config_name or None,
            "length_m": record.length_m,
            "source": record.source,
            "corners": record.corners,
        }
    )


def as_track_map(record: TrackMapRecord) -> TrackMap:
    """A stored map as the analysis measures by it."""
    corners = (CornerDocument.model_validate(corner) for corner in record.corners)
    return TrackMap(
        corners=tuple(Corner(c.number, c.name, c.start, c.apex, c.end, c.direction) for c in corners),
        length_m=record.length_m,
        source="authored" if record.source == "authored" else "found",
        version=record.revision,
    )


def found_map(track_id: str, track_config_name: str | None, found: TrackMap) -> TrackMapDocument:
    """A map that the analysis found, to be kept."""
    return TrackMapDocument(
        track_id=track_id,
        track_config_name=track_config_name,
        length_m=found.length_m,
        source="found",
        corners=[
            CornerDocument(
                number=corner.number,
                name=corner.name,
                start=corner.start_pct,
                apex=corner.apex_pct,
                end=corner.end_pct,
                direction=corner.direction,
            )
            for corner in found.corners
        ],
    )
