"""One lap through the windows of a map: everything adds up, and what is missing is None."""

import pytest
from tests.analysis.laps import changed, simulated, without

from racing_coach_analysis.corners import find_corners
from racing_coach_analysis.envelope import envelope_of
from racing_coach_analysis.measures import measure
from racing_coach_analysis.reasons import Reason
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import Corner, TrackMap, segments

LAP = simulated()
TRACE = trace(LAP)
TRACK = find_corners([TRACE])


def test_times_add_up():
    found = measure(TRACE, TRACK)
    assert sum(found.segment_times_s) == pytest.approx(TRACE.lap_time, abs=1e-9)
    assert sum(one.time_s for one in found.sectors) == pytest.approx(TRACE.lap_time, abs=1e-9)
    assert [one.number for one in found.corners] == [corner.number for corner in TRACK.corners]
    assert len(found.straights) + len(found.corners) == len(segments(TRACK))
    assert found.lap_time == TRACE.lap_time


def test_sectors_are_where_they_are_said_to_be():
    found = measure(TRACE, TRACK, sector_starts=(0.0, 0.5)).sectors
    assert [(one.number, one.start_pct, one.end_pct) for one in found] == [(1, 0.0, 0.5), (2, 0.5, 1.0)]
    assert found[0].time_s == pytest.approx(TRACE.time_at(0.5))


def test_the_apex_of_a_simulated_corner_is_the_middle_of_its_arc():
    from racing_coach_rig.sources.simulation.tracks import TRACKS

    found = [corner.cornering.apex_m for corner in measure(TRACE, TRACK).corners]
    assert found == pytest.approx(TRACKS["larchmoor"].line.apexes, abs=12)


def test_grip_used_needs_an_envelope():
    envelope = envelope_of([TRACE])
    assert measure(TRACE, TRACK).corners[0].grip_used is None
    assert 0.5 < measure(TRACE, TRACK, envelope=envelope).corners[0].grip_used <= 1.1


def test_a_corner_in_an_incident_says_so():
    pct = LAP.channels["lap_distance_pct"]
    at = TRACK.corners[4].apex_pct
    surface = 3.0 - 3.0 * ((pct > at) & (pct < at + 0.003))
    found = measure(trace(changed(LAP, track_surface=surface)), TRACK)
    assert found.corners[4].excluded is Reason.OFF_TRACK
    assert found.corners[0].excluded is None


def test_a_corner_that_the_line_crosses_is_measured_where_its_apex_is():
    crossing = TrackMap(
        (Corner(1, None, 0.98, 0.01, 0.03, None), Corner(2, None, 0.4, 0.45, 0.5, None)), None, "authored", 1
    )
    found = measure(TRACE, crossing)
    assert found.corners[0].time_s == pytest.approx(TRACE.time_at(0.03), abs=0.02)
    assert len(found.segment_times_s) == len(segments(crossing))


@pytest.mark.parametrize(
    "missing",
    [
        ("brake", "throttle", "steering_angle", "gear"),
        ("latitude", "longitude"),
        ("latitude", "yaw_rate", "lateral_acceleration"),
        ("speed", "longitudinal_acceleration"),
    ],
)
def test_missing_channels_are_missing_results_and_never_zero(missing):
    found = measure(trace(without(LAP, *missing)), TRACK).corners[0]
    values = {
        "brake": (found.braking.onset_m, found.braking.peak, found.braking.trail_m),
        "throttle": (found.traction.pick_up_m, found.traction.coast_s, found.traction.flat_out),
        "steering_angle": (found.cornering.reversals_per_s, found.cornering.steering_peak),
        "gear": (found.cornering.gear,),
        "yaw_rate": (found.cornering.balance,),
        "speed": (found.cornering.min_speed, found.cornering.apex_speed),
        "longitudinal_acceleration": (found.braking.deceleration,) if "speed" in missing else (None,),
        "lateral_acceleration": (found.cornering.lateral_peak, found.braking.trail_m, found.cornering.apex_m),
    }
    for name in missing:
        assert all(value is None for value in values.get(name, ()))
