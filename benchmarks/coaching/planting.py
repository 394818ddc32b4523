"""Plants a fault into a lap, with its truth: place, cause and cost.

The cost is the lap's time with the fault minus its time without, with the same chance in both.
"""

from dataclasses import dataclass
from typing import Final

from benchmarks.coaching import faults
from benchmarks.coaching.noise import Part
from benchmarks.coaching.place import Landmarks, PlaceLap


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault in a lap.

    Attributes:
        kind: what was done, in the words of this module.
        cause: the advice that answers it, in the words of the coaching message.
        at_m: where to act: the braking point, the apex, the place of the throttle.
        corner_m: a place within the corner that the fault belongs to, the slowest.
        cost_s: by how much the lap is slower for it.
        action_s: by how much it is slower than with that action as on the laps that it is compared with: for the fault
            and for the chance in the same action, which no telemetry can tell from it.
    """

    kind: str
    cause: str
    at_m: float
    corner_m: float
    cost_s: float
    action_s: float


KINDS: Final[dict[str, tuple[faults.Plant, str]]] = {
    "brake_early": (faults.brake_early, "brake_later"),
    "brake_soft": (faults.brake_soft, "brake_harder"),
    "brake_held": (faults.brake_held, "release_brake_earlier"),
    "brake_late": (faults.brake_late, "brake_earlier"),
    "apex_slow": (faults.apex_slow, "carry_more_speed"),
    "throttle_late": (faults.throttle_late, "throttle_earlier"),
    "throttle_jerky": (faults.throttle_jerky, "throttle_smoother"),
    "lift": (faults.lift, "throttle_smoother"),
    "coasting": (faults.coasting, "less_coasting"),
    "gear_high": (faults.gear_high, "lower_gear"),
    "gear_low": (faults.gear_low, "higher_gear"),
    "line_tight": (faults.line_tight, "wider_line"),
}


ACTIONS: Final[dict[str, tuple[Part, ...]]] = {
    "brake_early": ("braking",),
    "brake_soft": ("braking",),
    "brake_held": ("apex",),
    "brake_late": ("braking", "apex", "pick_up"),
    "apex_slow": ("apex",),
    "throttle_late": ("pick_up",),
    "throttle_jerky": (),
    "lift": (),
    "coasting": ("braking",),
    "gear_high": (),
    "gear_low": (),
    "line_tight": ("apex",),
}
"""What chance does to the action that a fault is in: who brakes 20 m early, and 3 m more by
chance, brakes 23 m early."""


def plant(lap: PlaceLap, corner: Landmarks, kind: str, size: float) -> tuple[PlaceLap, Planted] | None:
    """Drive a lap again with a fault at a corner; `None` where the fault does not fit."""
    maker, cause = KINDS[kind]
    made = maker(lap, corner, size)
    if made is None:
        return None
    changed, at = made
    cost = changed.lap_time - lap.lap_time
    return changed, Planted(kind, cause, float(lap.place[at]), float(lap.place[corner.slowest]), cost, cost)
