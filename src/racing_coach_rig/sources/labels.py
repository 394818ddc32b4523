"""What the rig and its driver say of a drive, and counts more than what a source says of itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from racing_coach_core.topics import to_segment

UNKNOWN: Final = "unknown"
"""Name and id of a track or car that nobody says."""

MAX_NAME: Final = 256
"""The longest name a `SessionFrame` takes."""

MAX_ID: Final = 64
"""The longest identifier a `SessionFrame` takes."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Each is None where the source's own word counts.

    Attributes:
        track, car: names; their ids are made of them.
        recorded_at: wall clock of the first frame; without an offset it is UTC.
        driver: a name, which is the driver's id too.
        rig: the rig's name. It is part of the session ids that are made of files, so that a file that two rigs have is
            a session of each: a session has one rig.
    """

    track: str | None = None
    car: str | None = None
    recorded_at: datetime | None = None
    driver: str | None = None
    rig: str = ""


NO_LABELS: Final = Labels()


class Named(NamedTuple):
    """A thing with an id and a name, as a `SessionFrame` takes them."""

    id: str
    name: str


def named(name: str) -> Named:
    """A track or car of which only the name is known. The id of a car has to fit into a topic."""
    return Named(to_segment(name), name[:MAX_NAME])


def says_otherwise(label: str | None, own: Named) -> bool:
    """Whether a label says another track or car than the source's own.

    One that repeats the source's name or id says nothing new, and must not cost what else the source knows.
    """
    return label is not None and label not in own and to_segment(label) != own.id


def named_driver(name: str) -> Named:
    """A driver of whom only the name is known. The name itself is the id: two names must never become one."""
    return Named(name[:MAX_ID], name[:MAX_NAME])
