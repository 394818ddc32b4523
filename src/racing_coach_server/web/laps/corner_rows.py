"""The corner by corner table: what was measured of both laps, and what it cost."""

from collections.abc import Sequence
from itertools import pairwise

from racing_coach_analysis.comparison import SegmentDelta
from racing_coach_analysis.track_map import Corner, TrackMap, segments
from racing_coach_core.analysis_documents import CornerMeasuresDocument, LapMeasuresDocument
from racing_coach_core.web_views import ViewCorner, ViewSegment
from racing_coach_server.analytics.lap_analysis.models import LapAnalysisRecord


def view_segments(track_map: TrackMap) -> list[ViewSegment]:
    """The segments of a track, with the names of its corners."""
    corners = {corner.number: corner for corner in track_map.corners}
    found = []
    for one in segments(track_map):
        corner = None if one.corner_number is None else corners.get(one.corner_number)
        found.append(
            ViewSegment(
                index=one.index,
                kind=one.kind,
                number=one.corner_number,
                name=None if corner is None else corner.name,
                direction=None if corner is None else corner.direction,
                start_pct=one.start_pct,
                end_pct=one.end_pct,
                apex_pct=one.apex_pct,
            )
        )
    return found


def corner_rows(
    track_map: TrackMap, lap: LapAnalysisRecord, reference: LapAnalysisRecord | None, deltas: Sequence[SegmentDelta]
) -> list[ViewCorner]:
    """One row a corner, in driving order."""
    this = _measures(lap)
    # By another map a corner of the same number may be another corner.
    that = _measures(reference) if reference is not None and reference.track_map_id == lap.track_map_id else {}
    return [
        ViewCorner(
            number=corner.number,
            name=corner.name,
            direction=corner.direction,
            start_pct=corner.start_pct,
            apex_pct=corner.apex_pct,
            end_pct=corner.end_pct,
            lap=this.get(corner.number),
            reference=that.get(corner.number),
            **_losses(corner, deltas),
        )
        for corner in track_map.corners
    ]


def _measures(record: LapAnalysisRecord) -> dict[int, CornerMeasuresDocument]:
    if record.analysis is None:
        return {}
    return {one.number: one for one in LapMeasuresDocument.model_validate(record.analysis).corners}


def _losses(corner: Corner, deltas: Sequence[SegmentDelta]) -> dict[str, float | str | None]:
    """What a corner and the straight after it cost; a corner that the line crosses is two segments."""
    own = [one for one in deltas if one.segment.corner_number == corner.number]
    if not own:
        return dict.fromkeys(("loss_s", "entry_s", "middle_s", "exit_s", "straight_s", "excluded"))
    after = [
        straight.loss_s
        for one, straight in pairwise(deltas)
        if one.segment.corner_number == corner.number and straight.segment.kind == "straight"
    ]
    excluded = next((one.excluded for one in own if one.excluded is not None), None)
    return {
        "loss_s": sum(one.loss_s for one in own),
        "entry_s": sum(one.entry_s for one in own),
        "middle_s": sum(one.middle_s for one in own),
        "exit_s": sum(one.exit_s for one in own),
        "straight_s": sum(after) if after else None,
        "excluded": None if excluded is None else excluded.value,
    }
