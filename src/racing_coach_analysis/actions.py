"""What a driver did in one passage, for several laps at once: where the brake and the throttle moved, how fast the car
went round. One row a lap; metres along the lap; NaN where it did not happen or is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from racing_coach_analysis.arrays import Flags, Floats, Indices
from racing_coach_analysis.passages import Passage

PRESSED: Final = 0.06
"""A pedal is pressed from here on."""

_ON_THROTTLE: Final = (0.15, 0.3, 0.6, 0.9)
_BEGUN: Final = _ON_THROTTLE[0]
_LIFTED: Final = 0.6
_SHARP: Final = 0.08
"""Throttle given back from one place of the grid to the next that the foot, and not a kerb, did."""

_NEAR_M: Final = 12.0
"""Throttle that both laps give back within this of each other was given back at the same place."""

_OFF: Final = 0.1
_STRETCHED: Final = 0.97


@dataclass(frozen=True, slots=True)
class Actions:
    """Attributes are arrays with a value for every lap.

    Attributes:
        lift_m: where the throttle was let go before the corner, or the passage's beginning where that was before it.
        onset_m, release_m: first and last place of the brake.
        pressure: mean of the brake over the first 45 % of its way, without its rise.
        slowest_mps: the lowest speed.
        slowest_m: where that is.
        pick_up_m: where the throttle came back: the mean of the places where it passed 15, 30, 60 and 90 %.
        on_m: where the throttle passed 15 %.
        dips: how much throttle was given back on the way out and along the straight, in full travels of the pedal.
        dip_m: where it was first given back.
        rolling_m: way on neither pedal before the brake (of a corner without braking: before the throttle).
        gear: mean gear from the slowest place until 60 m later.
        short_m: way under full throttle in a lower gear than the reference there, at more speed than that at which the
            reference changes up from it (here, or where it does not use that gear here, anywhere).
        short_at_m: where that begins.
        bend: mean curvature around the slowest place of the reference, rad/m.
    """

    lift_m: Floats
    onset_m: Floats
    release_m: Floats
    pressure: Floats
    slowest_mps: Floats
    slowest_m: Floats
    pick_up_m: Floats
    on_m: Floats
    dips: Floats
    dip_m: Floats
    rolling_m: Floats
    gear: Floats
    short_m: Floats
    short_at_m: Floats
    bend: Floats


def actions(
    channels: Mapping[str, Floats], passage: Passage, step_m: float, fastest_in_gear: Floats | None = None
) -> Actions:
    """Read the actions in a passage off laps on one grid.

    Args:
        channels: by name a row for each lap, the first that of the reference; `speed`, `throttle` and `brake` at least.
        passage: where to look.
        step_m: of the grid.
        fastest_in_gear: the highest speed that the reference has in each gear, by gear.
    """
    view = slice(passage.start, passage.reach + 1)
    here = {name: rows[:, view] for name, rows in channels.items()}
    speed, throttle, brake = here["speed"], here["throttle"], here["brake"]
    origin = passage.start * step_m
    place: Floats = origin + step_m * np.arange(speed.shape[1], dtype=np.float64)
    slowest_ref = passage.slowest - passage.start
    near = min(slowest_ref + max(round(80 / step_m), 2), speed.shape[1])
    # Not before the reference slows down: the car may still come out of a slower corner there.
    peak = passage.peak - passage.start
    slowest = peak + np.argmin(np.where(np.isfinite(speed[:, peak:near]), speed[:, peak:near], np.inf), axis=1)
    columns = np.arange(speed.shape[1])

    entering = columns <= slowest[:, None] + round(30 / step_m)
    pressed = (brake > PRESSED) & entering
    onset = _rising(brake, PRESSED, pressed, place)
    released = _last(pressed)
    release_m = np.where(released >= 0, place[released] + _past(brake, released, PRESSED) * step_m, np.nan)
    braked = released >= 0
    first = np.where(braked, np.argmax(pressed, axis=1), slowest)
    lifted = _last((throttle > _LIFTED) & (columns < np.maximum(first, 1)[:, None]))
    # Whoever never presses it here let it go before: that is known to be no later than where the passage begins.
    lift_m = np.where(lifted >= 0, place[lifted] + step_m / 2, place[0])

    zone = (columns >= first[:, None] + round(8 / step_m)) & (
        columns <= (first + 0.45 * (np.maximum(released, first) - first))[:, None]
    )
    pressure = np.where(braked, _mean(brake, zone | (columns == first[:, None])), np.nan)
    rolling = (throttle < _OFF) & (brake < PRESSED) & (columns > lifted[:, None]) & (columns < first[:, None])

    behind = np.where(braked, np.maximum(released, np.minimum(slowest, released + round(60 / step_m)) - 2), slowest - 2)
    out = columns >= np.maximum(behind, 0)[:, None]
    pick_up_m = _levels(throttle, out, place)
    dips, dip_m = _dips(throttle, out, place)
    gear, short_m, short_at_m = _gears(here, slowest, place, fastest_in_gear)
    around = slice(max(slowest_ref - round(12 / step_m), 0), slowest_ref + round(12 / step_m) + 1)
    bend = np.abs(here["curvature"][:, around].mean(axis=1)) if "curvature" in here else np.full(len(speed), np.nan)
    rows = np.arange(len(speed))
    return Actions(
        lift_m=lift_m,
        onset_m=onset,
        release_m=release_m,
        pressure=pressure,
        slowest_mps=speed[rows, slowest],
        slowest_m=place[slowest],
        pick_up_m=pick_up_m,
        on_m=_rising(throttle, _BEGUN, (throttle > _BEGUN) & out, place),
        dips=dips,
        dip_m=dip_m,
        rolling_m=rolling.sum(axis=1).astype(np.float64) * step_m,
        gear=gear,
        short_m=short_m,
        short_at_m=short_at_m,
        bend=bend,
    )


def _rising(values: Floats, level: float, where: Flags, place: Floats) -> Floats:
    """The place at which values first pass a level, in between the two places of the grid."""
    first = np.argmax(where, axis=1)
    rows = np.arange(len(values))
    before = values[rows, np.maximum(first - 1, 0)]
    after = values[rows, first]
    share = np.where(after > before, np.clip((level - before) / np.maximum(after - before, 1e-9), 0, 1), 1.0)
    step = place[1] - place[0] if len(place) > 1 else 0.0
    return np.where(where.any(axis=1), place[first] - np.where(first > 0, 1 - share, 0.0) * step, np.nan)


def _past(values: Floats, last: Indices, level: float) -> Floats:
    """How far beyond the last place above a level the values fall below it, in steps."""
    rows = np.arange(len(values))
    now = values[rows, last]
    after = values[rows, np.minimum(last + 1, values.shape[1] - 1)]
    return np.where(now > after, np.clip((now - level) / np.maximum(now - after, 1e-9), 0, 1), 0.0)


def _last(where: Flags) -> Indices:
    """Index of the last flag set in every row, -1 where none is."""
    index = where.shape[1] - 1 - np.argmax(where[:, ::-1], axis=1)
    return np.where(where.any(axis=1), index, -1)


def _mean(values: Floats, where: Flags) -> Floats:
    count = where.sum(axis=1)
    total = np.where(where, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _levels(throttle: Floats, out: Flags, place: Floats) -> Floats:
    """Mean of the places where the throttle passes each level, without levels that one of the laps never reaches."""
    passed = [_rising(throttle, level, (throttle > level) & out, place) for level in _ON_THROTTLE]
    usable = [places for places in passed if np.isfinite(places).all()]
    return np.mean(usable, axis=0) if usable else np.full(len(throttle), np.nan)


def _dips(throttle: Floats, out: Flags, place: Floats) -> tuple[Floats, Floats]:
    """Throttle that was given back and taken again within the passage, and where that began: where it fell below what
    the reference gives back there itself.
    """
    begun = np.cumsum((throttle > _ON_THROTTLE[1]) & out, axis=1) > 0
    fall = np.where(begun[:, :-1] & begun[:, 1:], np.maximum(throttle[:, :-1] - throttle[:, 1:], 0.0), 0.0)
    # What is not taken again is the lift for the next corner: the highest throttle of the rest bounds what counts.
    later = np.maximum.accumulate(throttle[:, ::-1], axis=1)[:, ::-1]
    taken_again = np.where(later[:, 1:] >= throttle[:, :-1] - 0.15, fall, 0.0)
    dips = taken_again.sum(axis=1)
    sharp = taken_again > _SHARP
    if not sharp.any():
        return dips, np.full(len(dips), np.nan)
    step = place[1] - place[0] if len(place) > 1 else 1.0
    own = sharp & (throttle[:, 1:] < _lowest_near(throttle[0], max(round(_NEAR_M / step), 1))[1:] - _SHARP)
    at = np.where(own.any(axis=1), np.argmax(own, axis=1), np.argmax(sharp, axis=1))
    return dips, np.where(sharp.any(axis=1), place[at], np.nan)


def _lowest_near(values: Floats, reach: int) -> Floats:
    """The lowest value within so many steps to either side of each."""
    padded = np.pad(values, reach, mode="edge")
    lowest: Floats = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    return lowest


def fastest_in_gears(gear: Floats, speed: Floats, throttle: Floats) -> Floats:
    """The highest speed under full throttle in each gear, by gear, infinite for gears never used so: who changes down
    under braking is faster in a gear for a moment than the engine pulls in it.
    """
    fastest = np.full(16, np.inf)
    known = np.isfinite(gear) & np.isfinite(speed) & (gear > 0) & (throttle > _ON_THROTTLE[-1])
    gear, speed = gear[known], speed[known]
    for number in np.unique(gear.astype(np.intp)):
        fastest[number] = speed[gear.astype(np.intp) == number].max()
    return fastest


def _gears(
    here: dict[str, Floats], slowest: Indices, place: Floats, fastest: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Mean gear at the exit, way in too low a gear, and where that begins. Between two gears a box is in neutral for a
    moment, which is no gear.
    """
    gear, throttle, speed = here.get("gear"), here["throttle"], here["speed"]
    if gear is None or fastest is None:
        nothing = np.full(len(throttle), np.nan)
        return nothing, nothing, nothing
    step = place[1] - place[0] if len(place) > 1 else 1.0
    columns = np.arange(gear.shape[1])
    out = columns >= slowest[:, None]
    known = np.isfinite(gear) & (gear > 0)
    zone = out & known & (columns <= slowest[:, None] + round(60 / step))
    short = known & (gear < gear[0]) & (throttle > _ON_THROTTLE[-1]) & out
    if not short.any():
        return _mean(gear, zone), np.zeros(len(gear)), np.full(len(gear), np.nan)
    number = np.clip(np.where(known, gear, 0.0), 0, len(fastest) - 1).astype(np.intp)
    changed_up = fastest_in_gears(*(rows[0, slowest[0] :] for rows in (gear, speed, throttle)))
    stretched = short & (speed > _STRETCHED * np.minimum(fastest, changed_up)[number])
    # It began where the reference changed up: the first place of the run that the first stretched place is in.
    begun = np.maximum.accumulate(np.where(short, 0, columns + 1), axis=1)
    first = np.argmax(stretched, axis=1)
    at = np.where(stretched.any(axis=1), place[np.minimum(begun[np.arange(len(gear)), first], len(place) - 1)], np.nan)
    return _mean(gear, zone), stretched.sum(axis=1) * step, at
