"""A lap that is on disk, with another track or car."""

import uuid
from typing import Any, Final

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.identity import lap_id_for
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.labels import named

RELABELLED_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:racing-coach:relabelled")


def relabelled(payload: bytes, *, track: str | None, car: str | None) -> Lap:
    """The lap of a payload with another track or car.

    It belongs to another session then: the daemon refuses a known session with another track or car, and the lap may
    have been sent as it was. Laps of one session that get the same labels are of one session again.

    Args:
        payload: as it would be published.
        track: its name, of which the id is made; None where what the lap says is right.
        car: the same.

    Raises:
        PayloadError: the payload is no lap.
    """
    lap = decode_lap(payload).lap
    session = lap.session
    said: dict[str, Any] = {}
    if track is not None:
        said |= dict(zip(("track_id", "track_name"), named(track), strict=True)) | {"track_config_name": None}
    if car is not None:
        said |= dict(zip(("car_id", "car_name"), named(car), strict=True)) | {"car_class_id": None}
    changed = session.model_copy(update=said)
    name = f"{session.session_id} {changed.track_id} {changed.car_id}"
    changed = changed.model_copy(update={"session_id": uuid.uuid5(RELABELLED_NAMESPACE, name)})
    return Lap(lap_id_for(changed.session_id, lap.lap_number), changed, lap.lap_time, lap.frames)
