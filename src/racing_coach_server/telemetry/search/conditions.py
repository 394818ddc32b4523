"""What a filter says, as conditions on the rows of laps."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.search.schemas import LapFilter, LapSort

type Conditions = list[ColumnElement[bool]]


def conditions(which: LapFilter, sort: LapSort) -> Conditions:
    """Conditions on `LapRecord`."""
    driven_or_received = LapRecord.driven_at if sort is LapSort.DRIVEN else LapRecord.received_at
    found = [column == value for column, value in _equal(which) if value is not None]
    if which.since is not None:
        found.append(driven_or_received >= which.since)
    if which.until is not None:
        found.append(driven_or_received < which.until)
    return found


def _equal(which: LapFilter) -> Iterator[tuple[InstrumentedAttribute[object], object]]:
    yield LapRecord.track_id, which.track_id
    yield LapRecord.track_config_name, which.track_config_name
    yield LapRecord.car_id, which.car_id
    yield LapRecord.driver, which.driver
    yield LapRecord.rig_id, which.rig_id
    yield LapRecord.track_session_id, which.session_id
    yield LapRecord.is_valid, which.is_valid
