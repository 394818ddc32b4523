"""Losses are where they were planted, and add up."""

import numpy as np
import pytest
from tests.analysis.laps import changed, part, simulated
from tests.analysis.shapes import constant, driven, points, stadium

from racing_coach_analysis.comparison import compare, parts
from racing_coach_analysis.corners import find_corners
from racing_coach_analysis.reasons import Reason
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import Corner, Segment, TrackMap
from racing_coach_rig.sources.simulation.driver import DRIVERS

LENGTH, BEND = stadium()
TRACK = TrackMap(
    (Corner(1, None, 0.15, 0.25, 0.33, "left"), Corner(2, None, 0.65, 0.75, 0.9, "left")), LENGTH, "authored", 1
)
REFERENCE = trace(driven(LENGTH, BEND, speed=constant(40.0), hertz=240), length_m=LENGTH)


def slower_between(low, high):
    """Half the speed on one stretch, which costs its length over 40 m/s."""
    speed = points((low - 0.01, 40), (low, 20), (high, 20), (high + 0.01, 40))
    return trace(driven(LENGTH, BEND, speed=speed, hertz=240), length_m=LENGTH)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
def test_a_loss_is_that_of_the_segment_it_happened_in(number):
    segment = compare(REFERENCE, REFERENCE, TRACK).segments[number].segment
    middle = (segment.start_pct + segment.end_pct) / 2 * LENGTH
    found = compare(slower_between(middle - 10, middle + 10), REFERENCE, TRACK)
    losses = [one.loss_s for one in found.segments]
    assert losses[number] == pytest.approx(20 / 40, abs=0.005)
    assert np.abs(np.delete(losses, number)).max() < 0.005
    assert found.total_s == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(("pct", "name"), [(0.19, "entry_s"), (0.25, "middle_s"), (0.31, "exit_s")])
def test_a_loss_is_that_of_its_part_of_the_corner(pct, name):
    found = compare(slower_between(pct * LENGTH - 5, pct * LENGTH + 5), REFERENCE, TRACK).segments[1]
    in_parts = {part: getattr(found, part) for part in ("entry_s", "middle_s", "exit_s")}
    assert in_parts.pop(name) == pytest.approx(10 / 40, abs=0.005)
    assert max(map(abs, in_parts.values())) < 0.005


def test_parts_of_a_corner_are_around_its_apex_and_those_of_a_straight_are_thirds():
    assert parts(Segment(0, "corner", 1, 0.1, 0.4, 0.25)) == pytest.approx((0.2, 0.3))
    assert parts(Segment(0, "straight", None, 0.1, 0.4)) == pytest.approx((0.2, 0.3))


def test_delta_is_how_much_later_the_lap_is_at_each_place():
    found = compare(slower_between(600, 620), REFERENCE, TRACK)
    place = found.pct * LENGTH
    assert np.abs(found.delta_s[place < 590]).max() < 0.002
    assert found.delta_s[place > 630] == pytest.approx(0.5, abs=0.005)


def test_what_lies_in_an_incident_says_nothing():
    lap = driven(LENGTH, BEND, speed=constant(40.0))
    pct = lap.channels["lap_distance_pct"]
    off = trace(changed(lap, track_surface=np.where((pct > 0.7) & (pct < 0.71), 0, 3)), length_m=LENGTH)
    excluded = [one.excluded for one in compare(off, REFERENCE, TRACK).segments]
    assert excluded == [None, None, None, Reason.OFF_TRACK, None]
    assert [one.excluded for one in compare(REFERENCE, off, TRACK).segments] == excluded


def test_delta_is_not_told_in_a_gap():
    lap = driven(LENGTH, BEND, speed=constant(40.0))
    pct = lap.channels["lap_distance_pct"]
    gap = trace(part(lap, (pct < 0.5) | (pct > 0.53)), length_m=LENGTH)
    found = compare(gap, REFERENCE, TRACK)
    assert np.isnan(found.delta_s[np.searchsorted(found.pct, 0.51)])
    assert np.isfinite(found.delta_s[found.pct > 0.54]).all()
    assert sum(one.loss_s for one in found.segments) == pytest.approx(found.total_s, abs=1e-9)


def test_segments_add_up_to_the_difference_of_the_lap_times():
    laps = [trace(simulated(driver=driver)) for driver in DRIVERS.values()]
    track_map = find_corners(laps)
    for lap in laps[1:]:
        found = compare(lap, laps[0], track_map)
        assert sum(one.loss_s for one in found.segments) == pytest.approx(lap.lap_time - laps[0].lap_time, abs=1e-9)
        assert found.total_s == lap.lap_time - laps[0].lap_time
        for one in found.segments:
            assert one.entry_s + one.middle_s + one.exit_s == pytest.approx(one.loss_s, abs=1e-12)


def test_grids_of_different_lengths_compare():
    short = trace(simulated(driver=DRIVERS["Bill Hartley"]), length_m=3600.0)
    reference = trace(simulated(), length_m=3695.6)
    found = compare(short, reference, find_corners([reference]))
    assert sum(one.loss_s for one in found.segments) == pytest.approx(found.total_s, abs=1e-9)
    assert len(found.delta_s) == len(reference.pct)
