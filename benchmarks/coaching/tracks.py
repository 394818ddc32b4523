"""The tracks of the evaluation: the simulator's own, and as many more as are wanted, each from a seed.

A track that was looked at while thresholds were chosen is a `tune` track. The others are `report` tracks: only what is
found on them is reported.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from racing_coach_rig.sources.simulation.track import Corner, Track
from racing_coach_rig.sources.simulation.tracks import TRACKS

TUNE: Final = (
    *("larchmoor", "seed-11", "seed-12", "seed-13", "seed-14", "port-calder", "heronsgate"),
    *(f"seed-{seed}" for seed in range(21, 31)),
    *(f"seed-{seed}" for seed in range(41, 53)),
    *(f"seed-{seed}" for seed in range(61, 85)),
    *(f"seed-{seed}" for seed in range(101, 131)),
)
REPORT: Final = tuple(f"seed-{seed}" for seed in range(85, 97))
"""Ids of tracks. A number after `seed-` is what the track is made from. What was reported once is for tuning
afterwards: whoever has seen how well it went has chosen by it what to do next.
"""

_SMALLEST_GAP_M: Final = 25.0
_TRIES: Final = 400


def track(name: str) -> Track:
    """A track by id: one of the simulator's, or `seed-N`."""
    return TRACKS[name] if name in TRACKS else _random_track(int(name.removeprefix("seed-")))


def _random_track(seed: int) -> Track:
    """A closed polygon with corners of every kind: hairpins, sweepers, chicanes, and kinks that are taken flat out.

    Polygons that cannot be rounded (a straight too short for its arcs) are thrown away and drawn again.
    """
    chance = np.random.default_rng([711, seed])
    for _ in range(_TRIES):
        drawn = Track(
            id=f"seed-{seed}",
            name=f"Random {seed}",
            config="Full",
            latitude=float(chance.uniform(-50, 60)),
            longitude=float(chance.uniform(-120, 150)),
            altitude=float(chance.uniform(0, 600)),
            relief=float(chance.uniform(1, 15)),
            start=float(chance.uniform(0.3, 0.7)),
            easing=float(chance.uniform(9, 16)),
            corners=tuple(_corners(chance)),
        )
        if _drivable(drawn):
            return drawn
    raise ValueError(f"seed {seed}: no drivable track in {_TRIES} tries")


def _corners(chance: np.random.Generator) -> Sequence[Corner]:
    """Where the straights meet: points on a bumpy ring, some of them replaced by a chicane, some straights bent."""
    count = int(chance.integers(7, 11))
    ring = chance.uniform(520, 760)
    angle = np.sort((np.arange(count) + chance.uniform(-0.28, 0.28, count)) * 2 * math.pi / count)
    reach = ring * chance.uniform(0.55, 1.25, count)
    points = [complex(r * math.cos(a), 0.8 * r * math.sin(a)) for a, r in zip(angle, reach, strict=True)]
    special = {int(place): kind for place, kind in zip(chance.permutation(count)[:3], "ckk", strict=True)}
    corners: list[Corner] = []
    for number, here in enumerate(points):
        onward = points[(number + 1) % count] - here
        corners.append(_corner(here, chance.uniform(22, 120)))
        side = 1j * onward / abs(onward)
        if special.get(number) == "c" and abs(onward) > 420:
            corners.append(_corner(here + 0.55 * onward, chance.uniform(25, 45)))
            corners.append(_corner(here + 0.66 * onward + 38 * side, chance.uniform(25, 45)))
        elif special.get(number) == "k" and abs(onward) > 300:
            corners.append(_corner(here + 0.5 * onward + chance.uniform(25, 50) * side, chance.uniform(500, 900)))
    return corners


def _corner(point: complex, radius: float) -> Corner:
    return Corner(round(point.real, 1), round(point.imag, 1), round(radius, 1))


def _drivable(drawn: Track) -> bool:
    """Whether the arcs fit, no bend turns back on itself, and the road nowhere comes close to itself."""
    points = np.array([complex(corner.east, corner.north) for corner in drawn.corners])
    arriving = points - np.roll(points, 1)
    turn = np.angle(np.roll(arriving, -1) / arriving)
    tangent = np.array([corner.radius for corner in drawn.corners]) * np.tan(np.abs(turn) / 2)
    straight = np.abs(arriving) - tangent - np.roll(tangent, 1)
    room_for_line = straight[0] > 150
    if straight.min() < _SMALLEST_GAP_M or np.abs(turn).max() > math.radians(150) or not room_for_line:
        return False
    line = drawn.line
    return abs(abs(line.heading[-1] - line.heading[0]) - 2 * math.pi) < 0.1 and 2200 < line.length < 6500
