"""Corners are those of the track, whatever line is driven."""

import functools
import itertools
import math

import numpy as np
import pytest
from tests.analysis.laps import changed, on_another_line, simulated, without
from tests.analysis.shapes import constant, driven, points, stadium

from racing_coach_analysis.corners import find_corners, number_corners
from racing_coach_analysis.reasons import NotALapError, Reason
from racing_coach_analysis.trace import trace
from racing_coach_rig.sources.simulation.driver import DRIVERS
from racing_coach_rig.sources.simulation.tracks import TRACKS

LAPS_TOGETHER = 5

CORNERS = {"larchmoor": 12, "port-calder": 11, "heronsgate": 11}
"""How many each has that turn by 13 degrees; the last bend of Port Calder turns by 10.6."""


@functools.cache
def on_lines(track, count, first=0):
    base = simulated(track)
    reference = trace(base)
    return [trace(on_another_line(base, track, seed=seed), reference=reference) for seed in range(first, first + count)]


def signature(track_map):
    return tuple((corner.number, corner.direction) for corner in track_map.corners)


def test_a_stadium_has_two_left_turns_with_the_apex_in_the_middle():
    length, bend = stadium(straight=400, radius=60)
    found = find_corners([trace(driven(length, bend, speed=constant(40.0)), length_m=length)])
    assert signature(found) == ((1, "left"), (2, "left"))
    assert [corner.apex_pct for corner in found.corners] == pytest.approx([0.25, 0.75], abs=0.001)
    first = found.corners[0]
    assert first.start_pct * length == pytest.approx(200, abs=15)
    assert first.end_pct * length == pytest.approx(200 + 60 * math.pi, abs=15)
    assert (found.source, found.length_m) == ("found", length)


@pytest.mark.parametrize("track", CORNERS)
def test_a_simulated_track_has_its_corners(track):
    found = find_corners(on_lines(track, LAPS_TOGETHER))
    line = TRACKS[track].line
    truth = line.apexes[: CORNERS[track]]
    assert [corner.number for corner in found.corners] == list(range(1, CORNERS[track] + 1))
    assert np.array([corner.apex_pct for corner in found.corners]) * line.length == pytest.approx(truth, abs=5.0)
    heading = [float(line.at(line.curvature, np.array([apex]))[0]) for apex in truth]
    assert [corner.direction for corner in found.corners] == ["left" if bend > 0 else "right" for bend in heading]


@pytest.mark.parametrize("track", CORNERS)
def test_numbers_and_apexes_stay_over_differing_lines(track):
    """Every five of these laps give the same map. The full number of laps is driven by the evaluation."""
    laps = on_lines(track, 40, first=100)
    maps = [find_corners(laps[start : start + LAPS_TOGETHER]) for start in range(0, len(laps), LAPS_TOGETHER)]
    assert len({signature(one) for one in maps}) == 1
    apexes = np.array([[corner.apex_pct for corner in one.corners] for one in maps]) * TRACKS[track].line.length
    assert np.abs(apexes - np.median(apexes, axis=0)).max() < 5.0


def test_numbers_stay_whoever_drives():
    maps = [find_corners([trace(simulated(driver=driver, number=2))]) for driver in DRIVERS.values()]
    assert len({signature(one) for one in maps}) == 1


def test_the_order_of_the_laps_changes_nothing():
    laps = on_lines("larchmoor", LAPS_TOGETHER)
    maps = {find_corners(order) for order in itertools.islice(itertools.permutations(laps), 0, 120, 17)}
    assert len(maps) == 1


@pytest.mark.parametrize("missing", [("latitude",), ("latitude", "yaw_rate")])
def test_corners_come_from_other_channels_too(missing):
    base = simulated()
    full, partial = find_corners([trace(base)]), find_corners([trace(without(base, *missing))])
    assert signature(partial) == signature(full)
    apexes = [[corner.apex_pct for corner in one.corners] for one in (full, partial)]
    assert np.abs(np.diff(apexes, axis=0)).max() * full.length_m < 5.0


def test_a_corner_that_the_line_crosses_is_one():
    length, bend = stadium()
    shift = length / 4

    def moved(place):
        return bend((place + shift) % length)

    found = find_corners([trace(driven(length, moved, speed=constant(40.0)), length_m=length)])
    assert signature(found) == ((1, "left"), (2, "left"))
    last = found.corners[-1] if found.corners[-1].apex_pct > 0.9 else found.corners[0]
    assert min(last.apex_pct, 1 - last.apex_pct) * length < 2.0
    assert last.start_pct > last.end_pct


def bends(*pieces):
    """A curvature profile of pieces: how long each is, m, and its curvature; smooth over some metres as roads are."""
    ends = np.cumsum([length for length, _ in pieces])
    values = [value for _, value in pieces]

    def profile(place):
        return sum(
            (value - before) / (1 + np.exp(-(place - end) / 4.0))
            for end, before, value in zip(ends[:-1], values[:-1], values[1:], strict=True)
        ) + np.full(len(place), values[0])

    return float(ends[-1]), profile


def test_a_bend_that_relaxes_is_two_corners_and_one_that_does_not_is_one():
    closing = math.radians(180)
    relaxing = bends((300, 0), (60, 1 / 60), (50, 1 / 400), (60, 1 / 60), (300, 0), (200, closing / 200), (300, 0))
    steady = bends((300, 0), (60, 1 / 60), (50, 1 / 80), (60, 1 / 60), (300, 0), (200, closing / 200), (300, 0))
    counts = [
        len(find_corners([trace(driven(length, bend, speed=constant(30.0)), length_m=length)]).corners)
        for length, bend in (relaxing, steady)
    ]
    assert counts == [3, 2]


def test_a_chicane_is_two_corners_and_a_kink_taken_flat_out_is_one():
    length, bend = bends(
        (300, 0), (50, 1 / 60), (50, -1 / 60), (300, 0), (130, -1 / 400), (400, 0), (200, math.pi / 200), (300, 0)
    )
    found = find_corners([trace(driven(length, bend, speed=constant(60.0), throttle=constant(1.0)), length_m=length)])
    assert [corner.direction for corner in found.corners] == ["left", "right", "right", "left"]


def test_a_bend_that_turns_little_is_none():
    length, bend = bends((300, 0), (80, 1 / 500), (300, 0), (200, math.pi / 200), (300, 0))
    assert len(find_corners([trace(driven(length, bend, speed=constant(60.0)), length_m=length)]).corners) == 1


def test_a_corner_starts_before_its_braking():
    length, bend = stadium()
    brake = points((140.0, 0.0), (140.5, 0.8), (195.0, 0.8), (200.0, 0.0))
    found = find_corners([trace(driven(length, bend, speed=constant(40.0), brake=brake), length_m=length)])
    assert found.corners[0].start_pct * length == pytest.approx(110, abs=2)


def test_no_channel_that_tells_curvature_is_a_reason():
    lap = without(simulated(), "latitude", "yaw_rate", "lateral_acceleration")
    for laps in ([trace(lap)], []):
        with pytest.raises(NotALapError) as caught:
            find_corners(laps)
        assert caught.value.reason is Reason.MISSING_CHANNELS


def test_laps_with_something_left_out_give_way_to_whole_ones():
    base = simulated()
    surface = np.full(base.frames, 3.0)
    surface[1000:1100] = 0
    odd = changed(on_another_line(base, "larchmoor", seed=1, spread_m=6.0), track_surface=surface)
    assert find_corners([trace(base), trace(odd)]) == find_corners([trace(base)])


def test_corners_are_numbered_when_enough_laps_agree():
    """Four laps are too few; five that hardly differ do; with many, one more lap is not looked at on its own."""
    base = simulated()
    reference = trace(base)
    close, wild = (
        [
            trace(on_another_line(base, "larchmoor", seed=seed, spread_m=spread), reference=reference)
            for seed in range(5)
        ]
        for spread in (0.1, 4.0)
    )
    assert number_corners(close[:4]) is None
    found = number_corners(close)
    assert found is not None
    assert signature(found) == signature(find_corners(close))
    assert number_corners(wild) is None
    assert number_corners(wild * 12) == find_corners(wild * 12)
    assert number_corners([*close * 4, close[0]]) is None
    assert number_corners(close * 5) is not None
