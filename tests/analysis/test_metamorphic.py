"""What must not change what is found: the lap itself, the order of two laps, the rate of sampling, where the line is."""

import functools

import numpy as np
import pytest
from tests.analysis.laps import on_another_line, simulated

from racing_coach_analysis.comparison import compare
from racing_coach_analysis.corners import find_corners
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.measures import measure
from racing_coach_analysis.trace import trace
from racing_coach_rig.sources.simulation.driver import DRIVERS

TRACKS = ["larchmoor", "port-calder", "heronsgate"]


@functools.cache
def pair(track):
    """A quick lap and a slow one, on another line."""
    quick = simulated(track, number=2)
    return quick, on_another_line(simulated(track, driver=DRIVERS["Mara Okafor"], number=2), track, seed=3)


def resampled(lap, hertz):
    """The lap as another recorder would have it: values between samples in between, gears held."""
    time = lap.channels["session_time"]
    clock = np.arange(time[0], time[-1], 1 / hertz)
    held = np.searchsorted(time, clock, side="right") - 1
    stepped = {"gear", "track_surface", "on_pit_road", "session_flags", "lap_number", "track_wetness"}
    return LapData.of(
        {
            name: values[held] if name in stepped else np.interp(clock, time, values)
            for name, values in lap.channels.items()
        },
        lap.lap_time,
    )


def losses(this, reference, track_map):
    against = trace(reference)
    found = compare(trace(this, reference=against), against, track_map)
    return np.array([one.loss_s for one in found.segments])


@pytest.mark.parametrize("track", TRACKS)
def test_a_lap_with_itself_is_zero_everywhere(track):
    for lap in pair(track):
        itself = trace(lap)
        found = compare(itself, itself, find_corners([itself]))
        assert not found.delta_s.any()
        assert not any((one.loss_s, one.entry_s, one.middle_s, one.exit_s) != (0, 0, 0, 0) for one in found.segments)
        again = trace(lap, reference=itself)
        assert np.abs(again.time_s - itself.time_s).max() < 1e-4


@pytest.mark.parametrize("track", TRACKS)
def test_swapped_laps_change_the_sign(track):
    quick, slow = (trace(lap, length_m=4000.0) for lap in pair(track))
    track_map = find_corners([quick])
    there, back = compare(slow, quick, track_map), compare(quick, slow, track_map)
    assert there.delta_s == pytest.approx(-back.delta_s, abs=0)
    for one, other in zip(there.segments, back.segments, strict=True):
        assert (one.loss_s, one.entry_s, one.middle_s, one.exit_s) == (
            -other.loss_s,
            -other.entry_s,
            -other.middle_s,
            -other.exit_s,
        )


@pytest.mark.parametrize("hertz", [30.0, 120.0])
@pytest.mark.parametrize("track", TRACKS)
def test_another_rate_of_sampling_changes_nothing(track, hertz):
    quick, slow = pair(track)
    track_map = find_corners([trace(quick)])
    other = find_corners([trace(resampled(quick, hertz))])
    assert [corner.direction for corner in other.corners] == [corner.direction for corner in track_map.corners]
    before = losses(slow, quick, track_map)
    after = losses(resampled(slow, hertz), resampled(quick, hertz), track_map)
    assert after == pytest.approx(before, abs=0.003)


@pytest.mark.parametrize("hertz", [30.0, 120.0])
def test_another_rate_of_sampling_moves_no_measure(hertz):
    _, slow = pair("larchmoor")
    itself = trace(slow)
    track_map = find_corners([itself])
    before = measure(itself, track_map).corners
    after = measure(trace(resampled(slow, hertz), length_m=itself.length_m), track_map).corners
    for one, other in zip(before, after, strict=True):
        assert other.braking.onset_m == pytest.approx(one.braking.onset_m, abs=1.5)
        assert other.braking.peak == pytest.approx(one.braking.peak, abs=0.06)
        assert other.cornering.min_speed == pytest.approx(one.cornering.min_speed, abs=0.1)
        assert other.cornering.apex_m == pytest.approx(one.cornering.apex_m, abs=1.5)
        assert other.traction.pick_up_m == pytest.approx(one.traction.pick_up_m, abs=1.5)


def with_the_line_at(first, second, pct):
    """A lap from another start line: the end of one lap and the beginning of the next, told from there."""
    head, tail = first.channels["lap_distance_pct"] >= pct, second.channels["lap_distance_pct"] < pct
    channels = {
        name: np.concatenate((first.channels[name][head], second.channels[name][tail])) for name in first.channels
    }
    channels["lap_distance_pct"] = (channels["lap_distance_pct"] - pct) % 1.0
    channels["lap_distance"] = channels["lap_distance_pct"] * first.channels["lap_distance"].max()
    return LapData.of(channels)


@pytest.mark.parametrize("pct", [0.2, 0.33, 0.49, 0.71])
def test_another_start_line_moves_no_loss(pct):
    """Each corner's loss is that which it has with the line where it was, under the number it has from there."""
    drivers = DRIVERS["Ines Aubrac"], DRIVERS["Mara Okafor"]
    laps = [[simulated(driver=driver, number=number) for number in (2, 3)] for driver in drivers]
    moved = [with_the_line_at(first, second, pct) for first, second in laps]
    old = find_corners([trace(laps[0][0]), trace(laps[0][1])])
    new = find_corners([trace(moved[0])])
    line = sum(corner.apex_pct < pct for corner in old.corners)
    assert [c.direction for c in new.corners] == [c.direction for c in (*old.corners[line:], *old.corners[:line])]
    turned = [(corner.apex_pct + pct) % 1.0 for corner in new.corners]
    assert turned == pytest.approx([c.apex_pct for c in (*old.corners[line:], *old.corners[:line])], abs=5 / 3696)

    quick, slow = (trace(lap) for lap in moved)
    slow_laps, quick_laps = ([trace(lap) for lap in laps[which]] for which in (1, 0))
    for segment in compare(slow, quick, new).segments:
        if segment.segment.apex_pct is None or segment.segment.end_pct == 1.0 or segment.segment.start_pct == 0.0:
            continue
        start, end = (segment.segment.start_pct + pct), (segment.segment.end_pct + pct)
        lap = int(start >= 1.0)
        if int(end > 1.0) != lap:
            continue
        told = [one[lap].time_at(end - lap) - one[lap].time_at(start - lap) for one in (slow_laps, quick_laps)]
        assert segment.loss_s == pytest.approx(told[0] - told[1], abs=0.003)
