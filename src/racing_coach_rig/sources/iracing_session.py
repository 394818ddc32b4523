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
from racing_coach_rig.sources.result import MAX_NAME, UNKNOWN


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What the session info says, `unknown` where it says nothing.

    Attributes:
        subsession_id: iRacing's number of the online session, 0 offline.
        session_types: practice, qualifying, race and so on by `SessionNum`.
        driver: the player's name.
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
    driver: str | None = None

    def labelled(self, track: str | None, car: str | None) -> "SessionInfo":
        """The same with another track or car, where one is given: it counts more than the session info."""
        info = self
        if track:
            info = replace(info, track_id=to_segment(track), track_name=track[:MAX_NAME], track_config_name=None)
        if car:
            info = replace(info, car_id=to_segment(car), car_name=car[:MAX_NAME], car_class_id=None)
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
        )


def read_session_info(ir: Any) -> SessionInfo:
    """The session info of a started `irsdk.IRSDK`, whose memory may be a file's."""
    weekend = _section(ir, "WeekendInfo")
    driver = _player(_section(ir, "DriverInfo"))
    track_name = _text(weekend, "TrackDisplayName", "TrackName")
    car_name = _text(driver, "CarScreenName", "CarPath")
    return SessionInfo(
        track_id=_id(weekend, "TrackID", "TrackName") or UNKNOWN,
        track_name=track_name or UNKNOWN,
        track_config_name=_text(weekend, "TrackConfigName"),
        track_type=_text(weekend, "TrackType") or "road course",
        car_id=_id(driver, "CarID", "CarPath") or UNKNOWN,
        car_name=car_name or UNKNOWN,
        car_class_id=_id(driver, "CarClassID"),
        series_id=_id(weekend, "SeriesID"),
        subsession_id=_number(weekend, "SubSessionID"),
        session_types=MappingProxyType(_session_types(_section(ir, "SessionInfo"))),
        driver=_text(driver, "UserName"),
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
        text = "" if value is None else str(value).replace("\x00", "").strip()
        if text:
            return text[:MAX_NAME]
    return None


def _id(section: dict[str, Any], *names: str) -> str | None:
    text = _text(section, *names)
    return None if text is None else to_segment(text)


def _number(section: dict[str, Any], name: str) -> int:
    value = section.get(name)
    return value if isinstance(value, int) else 0
