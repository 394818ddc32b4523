"""The page of a lap as one file: for keeping, and for who has no way to this server."""

from racing_coach_core.lap_times import format_lap_time
from racing_coach_core.topics import to_segment
from racing_coach_core.web_views import LapView
from racing_coach_server.web.inlining import self_contained


def report_of(view: LapView) -> str:
    """The file's text."""
    lap = view.lap
    title = f"{lap.driver_name}, {lap.track_name}, {format_lap_time(lap.lap_time)} - Racing Coach"
    return self_contained("lap.html", view.model_dump_json(), title)


def report_name(view: LapView) -> str:
    """What the file may be called: every system takes it, and it sorts by track."""
    lap = view.lap
    parts = (lap.track_name, lap.car_name, lap.driver_name, format_lap_time(lap.lap_time).replace(":", "."))
    return f"{'_'.join(to_segment(part) for part in parts)}.html"
