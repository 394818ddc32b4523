"""What was measured of a lap, and of two laps against one another, as tables."""

from rich.table import Table

from racing_coach_analysis.track_map import Corner, TrackMap
from racing_coach_core.analysis_documents import (
    CornerMeasuresDocument,
    LapComparisonDocument,
    LapMeasuresDocument,
    SegmentDeltaDocument,
)
from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.commands.text import driver, loss, number, shown, speed, track
from racing_coach_server.telemetry.schemas import StoredLap


def title(lap: StoredLap) -> str:
    """Which lap it is."""
    return f"Lap {lap.lap_number} of {shown(driver(lap))}, {shown(track(lap))}, {shown(lap.session.car_name)}"


def analysis_table(lap: StoredLap, measures: LapMeasuresDocument, track_map: TrackMap) -> Table:
    """Corner by corner."""
    table = Table(
        title=f"{title(lap)}: {format_lap_time(measures.lap_time)}",
        caption="Places in metres from start/finish. - is what the lap's channels do not tell, or what was not done.",
    )
    table.add_column("corner", overflow="fold")
    for name in (
        "entry\nkm/h",
        "min\nkm/h",
        "exit\nkm/h",
        "brakes\nat m",
        "trail\nm",
        "gear",
        "throttle\nat m",
        "time\ns",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("left out", overflow="fold")
    corners = {corner.number: corner for corner in track_map.corners}
    for one in measures.corners:
        table.add_row(*_corner(one, corners.get(one.number)), style="dim" if one.excluded else None)
    return table


def _corner(one: CornerMeasuresDocument, corner: Corner | None) -> tuple[str, ...]:
    return (
        _name(one.number, corner),
        speed(one.cornering.entry_speed),
        speed(one.cornering.min_speed),
        speed(one.cornering.exit_speed),
        number(one.braking.onset_m),
        number(one.braking.trail_m),
        number(one.cornering.gear),
        number(one.traction.pick_up_m),
        number(one.time_s, 3),
        _words(one.excluded),
    )


def comparison_table(
    lap: StoredLap, reference: StoredLap | None, document: LapComparisonDocument, track_map: TrackMap
) -> Table:
    """Segment by segment."""
    against = (
        "the best of each of the driver's segments"
        if reference is None
        else f"{title(reference)} ({reference.lap_id}, {_words(document.rule)})"
    )
    table = Table(
        title=f"{title(lap)}: {format_lap_time(document.lap_time)}\n"
        f"against {against}: {format_lap_time(document.reference_lap_time)}",
        caption="Seconds lost; negative where the lap gained.",
    )
    table.add_column("segment", overflow="fold")
    for name in ("loss s", "entry s", "middle s", "exit s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("left out", overflow="fold")
    corners = {corner.number: corner for corner in track_map.corners}
    before: int | None = None
    for one in document.segments:
        table.add_row(_segment(one, corners, before), *_losses(one), style="dim" if one.excluded else None)
        before = one.segment.corner_number or before
    table.add_section()
    table.add_row(
        "lap", loss(document.delta_s), *(loss(_sum(document, part)) for part in ("entry_s", "middle_s", "exit_s"))
    )
    return table


def _sum(document: LapComparisonDocument, part: str) -> float:
    return float(sum(getattr(one, part) for one in document.segments))


def _losses(one: SegmentDeltaDocument) -> tuple[str, ...]:
    values = (one.loss_s, one.entry_s, one.middle_s, one.exit_s)
    return (*(loss(value) for value in values), _words(one.excluded))


def _segment(one: SegmentDeltaDocument, corners: dict[int, Corner], before: int | None) -> str:
    corner = one.segment.corner_number
    if corner is not None:
        return _name(corner, corners.get(corner))
    return "from start/finish" if before is None else f"straight after {before}"


def _name(corner_number: int, corner: Corner | None) -> str:
    name = shown(corner.name) if corner else ""
    return f"{corner_number} {name}".rstrip()


def _words(value: str | None) -> str:
    return (value or "").replace("_", " ")
