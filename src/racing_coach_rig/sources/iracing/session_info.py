"""iRacing's session info: which track, which car, which session.

The session info is text that looks like YAML and is not always: driver names stand in it unquoted, in code
page 1252. pyirsdk knows how to mend it and does it here, for files as for the live simulator; a section
that it cannot read counts as absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import yaml  # type: ignore[import-untyped]  # pyirsdk needs it, its types are a package of their own

from racing_coach_core.frames import SessionFrame
from racing_coach_core.topics import to_segment
from racing_coach_rig.sources.labels import MAX_NAME, UNKNOWN, Labels, Named, named, named_driver, says_otherwise


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What the session info says, `unknown` where it says nothing.

    Attributes:
        subsession_id: iRacing's number of the online session, 0 offline.
        session_types: practice, qualifying, race and so on by `SessionNum`.
        driver_id: iRacing's number of the player, None where it says none.
        driver_name: the player's name.
        Others as in `SessionFrame`.
    """

    track_id: str = UNKNOWN
    track_name: str = UNKNOWN
    track_config_name: str | None = None
    track_type: str = "road course"
    car_id: str = UNKNOWN
    car_name: str = UNKNOWN
    car_class_id: str | None = None
    series_id: str | None = None
    subsession_id: int = 0
    session_types: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    driver_id: str | None = None
    driver_name: str | None = None

    def labelled(self, labels: Labels) -> "SessionInfo":
        """The same with another track, car or driver, where one is given: it counts more than the session info."""
        info = self
        if labels.track and says_otherwise(labels.track, Named(self.track_id, self.track_name)):
            track = named(labels.track)
            info = replace(info, track_id=track.id, track_name=track.name, track_config_name=None)
        if labels.car and says_otherwise(labels.car, Named(self.car_id, self.car_name)):
            car = named(labels.car)
            info = replace(info, car_id=car.id, car_name=car.name, car_class_id=None)
        if labels.driver:
            driver = named_driver(labels.driver)
            info = replace(info, driver_id=driver.id, driver_name=driver.name)
        return info

    def frame(self, session_id: UUID, session_num: int, timestamp: datetime) -> SessionFrame:
        """One of the sessions as the wire has it."""
        return SessionFrame(
            session_id=session_id,
            timestamp=timestamp,
            track_id=self.track_id,
            track_name=self.track_name,
            track_config_name=self.track_config_name,
            track_type=self.track_type,
            car_id=self.car_id,
            car_name=self.car_name,
            car_class_id=self.car_class_id,
            series_id=self.series_id,
            session_type=self.session_types.get(session_num),
            driver_id=self.driver_id,
            driver_name=self.driver_name,
        )


def read_session_info(ir: Any) -> SessionInfo:
    """The session info of a started `irsdk.IRSDK`, whose memory may be a file's."""
    weekend = _section(ir, "WeekendInfo")
    drivers = _section(ir, "DriverInfo")
    player = _player(drivers)
    track_name = _text(weekend, "TrackDisplayName", "TrackName")
    car_name = _text(player, "CarScreenName", "CarPath")
    return SessionInfo(
        track_id=_id(weekend, "TrackID", "TrackName") or UNKNOWN,
        track_name=track_name or UNKNOWN,
        track_config_name=_text(weekend, "TrackConfigName"),
        track_type=_text(weekend, "TrackType") or "road course",
        car_id=_id(player, "CarID", "CarPath") or UNKNOWN,
        car_name=car_name or UNKNOWN,
        car_class_id=_id(player, "CarClassID"),
        series_id=_id(weekend, "SeriesID"),
        subsession_id=_number(weekend, "SubSessionID"),
        session_types=MappingProxyType(_session_types(_section(ir, "SessionInfo"))),
        driver_id=_user_id(drivers.get("DriverUserID"), player.get("UserID")),
        driver_name=_text(player, "UserName"),
    )


def _section(ir: Any, name: str) -> dict[str, Any]:
    try:
        section = ir[name]
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        return {}
    return section if isinstance(section, dict) else {}


def _player(driver_info: dict[str, Any]) -> dict[str, Any]:
    """The player's entry among the drivers."""
    index = driver_info.get("DriverCarIdx")
    for driver in _entries(driver_info, "Drivers"):
        if driver.get("CarIdx") == index:
            return driver
    return {}


def _session_types(session_info: dict[str, Any]) -> dict[int, str]:
    types: dict[int, str] = {}
    for session in _entries(session_info, "Sessions"):
        session_type = _text(session, "SessionType")
        if session_type:
            types[_number(session, "SessionNum")] = session_type
    return types


def _entries(section: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = section.get(name)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _text(section: dict[str, Any], *names: str) -> str | None:
    """The first of some values that is not empty."""
    for name in names:
        value = section.get(name)
        # Only what is one value: a few lines of YAML can refer to each other so that their text has no end.
        text = str(value).replace("\x00", "").strip() if isinstance(value, str | int | float) else ""
        if text:
            return text[:MAX_NAME]
    return None


def _id(section: dict[str, Any], *names: str) -> str | None:
    text = _text(section, *names)
    return None if text is None else to_segment(text)


def _user_id(*values: object) -> str | None:
    """The first that is a user's number; 0 and less are nobody's."""
    return next((str(value) for value in values if isinstance(value, int) and value > 0), None)


def _number(section: dict[str, Any], name: str) -> int:
    value = section.get(name)
    return value if isinstance(value, int) else 0
