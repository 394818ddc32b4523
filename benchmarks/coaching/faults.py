"""Faults of drivers: each is a change that is known exactly in place, cause and cost.

Sizes are drawn; a fault that does not fit a corner (no straight to lift on, no gear above) is not planted there.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from benchmarks.coaching.physics import driven_with, moved, ramp, throttled
from benchmarks.coaching.place import FULL, Floats, Landmarks, PlaceLap

from racing_coach_rig.sources.simulation.car import CAR

type Plant = Callable[[PlaceLap, Landmarks, float], tuple[PlaceLap, int] | None]
"""Changes a lap at one corner, by a size from 0 (small) to 1 (large). Also returns where to act, as an index."""


def _between(low: float, high: float, size: float) -> float:
    return low + (high - low) * size


def brake_early(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Brakes as hard as usual 10 to 30 m before the usual place, and lets go more gently."""
    early = _between(10, 30, size)
    onset, release = lap.place[[corner.onset, corner.release]].tolist()
    easing = max(1.6 * early, 0.45 * (release - onset))
    start, back = onset - early, release + 12
    if start - 25 < lap.place[corner.previous_full]:
        return None
    points = [(start - 25, 0.0), (start - 8, early), (max(back - easing, start), early), (back, 0.0)]
    changed = moved(lap, ramp(lap.place, points))
    return _never_quicker(lap, changed), corner.onset


def brake_soft(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Brakes with 20 to 40 % less pressure, so for longer, down to the same speed."""
    less = _between(0.2, 0.4, size)
    squares, step = lap.speed**2, lap.step
    onset, release = corner.onset, corner.release
    if lap.place[release] - lap.place[onset] < 45:
        return None
    # The usual braking, drawn on backwards as hard as it begins, is what the softer braking is a share of.
    hardest = float(np.median(lap.brake[onset:release])) * lap.full_brake
    usual = squares.copy()
    usual[:onset] = squares[onset] + 2 * hardest * step * np.arange(onset, 0, -1)
    softer = squares[release] + (1 - less) * (usual - squares[release])
    softer[release:] = np.inf
    softer[: max(onset - 150, 0)] = np.inf
    speed = np.sqrt(np.minimum(squares, softer))
    touched = softer < squares - 1e-9
    if not touched.any():
        return None
    brake = np.where(touched, np.maximum((1 - less) * np.maximum(lap.brake, 0.0), 0.0), lap.brake)
    first = int(np.argmax(touched))
    early = slice(first, onset + 12)
    full = float((1 - less) * np.median(lap.brake[onset + 8 : release - 8]))
    brake[early] = np.minimum(full, full * (np.arange(len(brake[early])) + 1) * step / 10)
    throttle = np.where(touched, 0.0, lap.throttle)
    return replace(lap, speed=speed, brake=brake, throttle=throttle), corner.onset


def brake_held(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Stays on the brake for 12 to 25 m more than usual, deep into the corner, and is slower through it."""
    longer = round(_between(12, 25, size) / lap.step)
    release, end = corner.release, corner.release + longer
    level = _between(0.12, 0.25, size)
    if end > corner.full - 10:
        return None
    brake, throttle = lap.brake.copy(), lap.throttle.copy()
    begin = release - int(np.argmax(lap.brake[release : corner.onset : -1] >= level))
    brake[begin:end] = np.maximum(brake[begin:end], np.minimum(level, level * (end - np.arange(begin, end)) / 5))
    throttle[release:end] = 0.0
    push = (brake - lap.brake) * lap.full_brake
    pushed = driven_with(replace(lap, throttle=throttle, brake=np.where(brake > lap.brake, 0.0, lap.brake)), push)
    return replace(pushed, brake=brake), release


def apex_slow(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Takes the corner 2.5 to 7 % slower than usual, with the same marks for the pedals."""
    slower = _between(0.025, 0.07, size)
    begin = (corner.onset + 2 * corner.release) // 3 if corner.release - corner.onset > 30 else corner.onset
    begin, end = (corner.onset + begin) // 2, max(corner.slowest, corner.pick_up)
    reached = min(0.67, max(corner.release - begin, 1) / (end - begin))
    changed = driven_with(lap, np.zeros_like(lap.place), _slower_by(lap, slower, begin, end, reached))
    more = np.maximum(lap.acceleration - changed.acceleration, 0.0) / lap.full_brake
    zone = (np.arange(len(more)) >= begin) & (np.arange(len(more)) < corner.release)
    return replace(changed, brake=np.clip(np.where(zone, changed.brake + more, changed.brake), 0, 1)), corner.slowest


def brake_late(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Brakes 8 to 18 m too late, arrives too fast, runs wide, scrubs off speed and is late on the throttle."""
    late = _between(8, 18, size)
    onset, release, slowest = lap.place[[corner.onset, corner.release, corner.slowest]].tolist()
    back = max(slowest, release + 5) + 15
    changed = moved(lap, -late * ramp(lap.place, [(onset - 20, 0.0), (onset, 1.0), (release, 1.0), (back, 0.0)]))
    begin, end = corner.slowest, max(corner.slowest + 25, corner.pick_up + round(late / lap.step))
    if end > corner.full + 40 or end >= corner.next_onset:
        return None
    fixed = _slower_by(lap, _between(0.04, 0.08, size), begin, end, reached=0.5)
    throttle = changed.throttle.copy()
    zone = slice(corner.release, min(corner.full + 60, corner.next_onset))
    throttle[zone] = np.minimum(throttle[zone], np.interp(changed.place[zone] - late - 6, changed.place, throttle))
    changed = throttled(changed, throttle, fixed)
    outwards = -np.sign(lap.curvature[corner.slowest]) * _between(0.8, 1.5, size)
    wide = ramp(
        lap.place, [(slowest - 30, 0.0), (slowest + 30, outwards), (slowest + 60, outwards), (slowest + 150, 0.0)]
    )
    return replace(changed, offset=changed.offset + wide), corner.onset


def throttle_late(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Comes to the throttle 10 to 30 m after the usual place."""
    late = _between(10, 30, size)
    throttle = lap.throttle.copy()
    zone = slice(corner.pick_up - 8, min(corner.full + round(late / lap.step) + 10, corner.next_onset))
    throttle[zone] = np.interp(lap.place[zone] - late, lap.place, lap.throttle)
    throttle[corner.pick_up - 8 : corner.pick_up] = lap.throttle[corner.pick_up - 8 : corner.pick_up]
    return throttled(lap, np.minimum(throttle, lap.throttle)), corner.pick_up


def throttle_jerky(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Lets the throttle go two or three times on the way out of a corner."""
    count = 2 + round(size)
    starts = [corner.pick_up + 10 + round(28 * dip / lap.step) for dip in range(count)]
    if starts[-1] + 40 > corner.next_onset:
        return None
    throttle = lap.throttle.copy()
    for start in starts:
        there = float(lap.place[start])
        dip = ramp(lap.place, [(there, 0.0), (there + 5, 1.0), (there + 10, 1.0), (there + 16, 0.0)])
        throttle *= 1 - _between(0.6, 0.95, size) * dip
    return throttled(lap, throttle), starts[0]


def lift(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Lifts on the straight after a corner, for 35 to 80 m."""
    long = _between(35, 80, size)
    start = corner.full + round(70 / lap.step)
    if start + round((long + 90) / lap.step) > corner.next_onset:
        return None
    start += round(0.3 * (corner.next_onset - start - long / lap.step - 80))
    if lap.throttle[start : start + round((long + 20) / lap.step)].min() < FULL:
        return None
    there = float(lap.place[start])
    dip = ramp(lap.place, [(there, 0.0), (there + 6, 1.0), (there + long, 1.0), (there + long + 12, 0.0)])
    return throttled(lap, lap.throttle * (1 - _between(0.5, 1.0, size) * dip)), start


def gear_high(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Takes the corner and its exit one gear too high: the engine gives 12 to 25 % less."""
    gear = int(lap.gear[corner.slowest])
    begin, shift = corner.release, _next_shift(lap, corner)
    if gear + 1 > len(lap.gearing) or shift is None or shift + 30 > corner.next_onset:
        return None
    zone = slice(begin, shift)
    if np.any(lap.gear[zone] != gear) or lap.place[shift] - lap.place[corner.full] < 5:
        return None
    gears, revs = lap.gear.copy(), lap.rpm.copy()
    gears[zone] = gear + 1
    revs[zone] = lap.rpm[zone] * lap.gearing[gear] / lap.gearing[gear - 1]
    push = np.zeros_like(lap.place)
    push[zone] = _between(0.12, 0.25, size) * lap.engine[zone]
    changed = driven_with(lap, push)
    return replace(changed, gear=gears, rpm=revs), corner.slowest


def gear_low(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Stays in a gear for 50 to 110 m after the engine has reached its limit, where it gives next to nothing."""
    shift = _next_shift(lap, corner)
    long = round(_between(50, 110, size) / lap.step)
    if shift is None or shift < corner.full or shift + long + 60 > corner.next_onset:
        return None
    zone = slice(shift, shift + long)
    gears, revs = lap.gear.copy(), lap.rpm.copy()
    gears[zone] = lap.gear[shift - 1]
    revs[zone] = lap.redline
    push = np.zeros_like(lap.place)
    push[zone] = 0.75 * lap.engine[zone]
    return replace(driven_with(lap, push), gear=gears, rpm=revs), shift


def _next_shift(lap: PlaceLap, corner: Landmarks) -> int | None:
    """Where the driver changes up for the first time after the slowest place of a corner."""
    ups = np.flatnonzero(np.diff(lap.gear[corner.slowest : corner.next_onset]) > 0)
    return corner.slowest + int(ups[0]) + 1 if len(ups) else None


def coasting(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Is off the throttle 40 to 90 m before the brake, on neither pedal."""
    early = round(_between(40, 90, size) / lap.step)
    lifted = _lift_before(lap, corner.onset) - early
    if lifted < corner.previous_full + 20:
        return None
    squares = lap.speed**2
    rolling = squares.copy()
    for point in range(lifted, corner.release):
        slowed = CAR.drag * rolling[point] + CAR.rolling + CAR.engine_braking
        rolling[point + 1] = rolling[point] - 2 * lap.step * slowed
    below = rolling < squares - 1e-9
    below[: lifted + 1] = False
    below[corner.release :] = False
    joined = int(np.argmin(below[lifted + 1 :])) + lifted + 1
    throttle, brake = lap.throttle.copy(), lap.brake.copy()
    throttle[lifted:joined] = 0.0
    brake[lifted:joined] = 0.0
    speed = lap.speed.copy()
    speed[lifted:joined] = np.sqrt(np.minimum(rolling, squares)[lifted:joined])
    return replace(lap, speed=speed, throttle=throttle, brake=brake), lifted


def _lift_before(lap: PlaceLap, onset: int) -> int:
    """Where the throttle is let go before a braking point."""
    pressed = np.flatnonzero(lap.throttle[:onset] > 0.5)
    return int(pressed[-1]) if len(pressed) else onset


def line_tight(lap: PlaceLap, corner: Landmarks, size: float) -> tuple[PlaceLap, int] | None:
    """Misses the apex by up to 2 m: a bend 8 to 16 % tighter than it need be at the same lateral acceleration."""
    apex = float(lap.place[corner.slowest])
    bend = float(lap.curvature[corner.slowest])
    width = float(np.clip(0.9 / max(abs(bend), 1e-6), 35, 90))
    amount = _between(0.08, 0.16, size) * bend * 2 * (width / np.pi) ** 2
    begin, end = (corner.onset + corner.release) // 2, max(corner.slowest + 15, corner.pick_up)
    if abs(amount) > 2 or abs(bend) < 0.004 or begin + 10 > corner.slowest:
        return None
    bump = np.cos(np.pi * np.clip((lap.place - apex) / width, -1, 1) / 2) ** 2
    changed = replace(lap, offset=lap.offset - amount * bump)
    middle = slice(corner.slowest - 6, corner.slowest + 7)
    tighter = float(np.median(changed.path_curvature[middle] / lap.path_curvature[middle]))
    slower = 1 - 1 / math.sqrt(max(tighter, 1.0))
    return driven_with(changed, np.zeros_like(lap.place), _slower_by(lap, slower, begin, end)), corner.slowest


def _slower_by(lap: PlaceLap, share: float, begin: int, end: int, reached: float = 0.67) -> Floats:
    """A deficit that grows from `begin` until a share of the way to `end` has been driven, and stays until there."""
    fixed = np.full_like(lap.place, np.nan)
    places = lap.place[begin:end]
    there = float(places[0] + reached * (places[-1] - places[0]))
    growing = ramp(places, [(float(places[0]), 0.0), (there, 1.0), (float(places[-1]), 1.0)])
    fixed[begin:end] = 1 - (1 - share * growing) ** 2
    return fixed


def _never_quicker(lap: PlaceLap, changed: PlaceLap) -> PlaceLap:
    return replace(changed, speed=np.minimum(lap.speed, changed.speed))
