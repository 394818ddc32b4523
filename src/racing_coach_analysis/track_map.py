"""What is where on a track: corners, numbered once and kept, and the segments that they cut the lap into."""

from dataclasses import dataclass
from typing import Final, Literal

type Direction = Literal["left", "right"]
type Kind = Literal["corner", "straight"]


@dataclass(frozen=True, slots=True)
class Corner:
    """One corner of a track.

    Attributes:
        number: from 1, in driving order from the line.
        name: what people call it, None when it has none.
        start_pct, apex_pct, end_pct: where it begins, where it is tightest and where it ends, as part of the lap, 0 to
            1; a corner that the line crosses has a `start_pct` above its `end_pct`.
        direction: which way it turns, None where a map does not say.
    """

    number: int
    name: str | None
    start_pct: float
    apex_pct: float
    end_pct: float
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class TrackMap:
    """The corners of one track and configuration.

    Attributes:
        corners: in driving order, not overlapping.
        length_m: of the lap, m, None when nobody has said.
        source: written by somebody, or found from laps.
        version: of the method that found them; of an authored map, its edition.
    """

    corners: tuple[Corner, ...]
    length_m: float | None
    source: Literal["authored", "found"]
    version: int


NO_CORNERS: Final = TrackMap((), None, "found", 0)
"""Of a track whose corners are not numbered yet."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the lap: a corner, or what lies between two.

    Attributes:
        index: from 0, in driving order.
        kind: corner or straight.
        corner_number: of the corner, or None. A corner that the line crosses is two segments.
        start_pct, end_pct: as part of the lap, `start_pct` is the smaller.
        apex_pct: of the corner where it lies within this segment, else None.
    """

    index: int
    kind: Kind
    corner_number: int | None
    start_pct: float
    end_pct: float
    apex_pct: float | None = None


def segments(track_map: TrackMap) -> tuple[Segment, ...]:
    """Cut a lap into corners and straights: in driving order, the first from 0, the last to 1, each from where the one
    before ends.
    """
    pieces: list[tuple[float, float, Corner]] = []
    for corner in track_map.corners:
        if corner.start_pct < corner.end_pct:
            pieces.append((corner.start_pct, corner.end_pct, corner))
        else:
            pieces += [(0.0, corner.end_pct, corner), (corner.start_pct, 1.0, corner)]
    found: list[Segment] = []
    reached = 0.0
    for start, end, corner in sorted(pieces, key=lambda piece: piece[:2]):
        begin = max(start, reached)
        if begin > reached:
            found.append(Segment(len(found), "straight", None, reached, begin))
        if end > begin:
            inside = begin <= corner.apex_pct <= end
            apex = corner.apex_pct if inside else None
            found.append(Segment(len(found), "corner", corner.number, begin, end, apex))
            reached = end
    if reached < 1.0:
        found.append(Segment(len(found), "straight", None, reached, 1.0))
    return tuple(found)
