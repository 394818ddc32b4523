"""Whatever comes in: a result, or a reason. No other exception, no warning of numpy's."""

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.laps import changed, part, simulated, without

from racing_coach_analysis.comparison import compare
from racing_coach_analysis.corners import find_corners
from racing_coach_analysis.envelope import envelope_of
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.measures import measure
from racing_coach_analysis.reasons import NotALapError, Reason
from racing_coach_analysis.trace import trace

LAP = simulated("pennywell")
FRAMES = LAP.frames
REFERENCE = trace(LAP)
TRACK = find_corners([REFERENCE])
ENVELOPE = envelope_of([REFERENCE])
NEEDED = {"lap_distance_pct", "session_time"}
OTHERS = sorted(
    {"speed", "throttle", "brake", "steering_angle", "lateral_acceleration", "longitudinal_acceleration", "yaw_rate"}
    | {
        "latitude",
        "longitude",
        "lap_distance",
        "gear",
        "rpm",
        "track_surface",
        "on_pit_road",
        "velocity_x",
        "velocity_y",
    }
)


def analysed(lap):
    """All that the library does with a lap; the reason where it is none."""
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        try:
            for reference in (None, REFERENCE):
                found = trace(lap, reference=reference)
                numbers = measure(found, TRACK, envelope=ENVELOPE)
                deltas = [compare(found, REFERENCE, TRACK), compare(REFERENCE, found, TRACK)]
                envelope_of([found])
        except NotALapError as error:
            return error.reason
        with contextlib.suppress(NotALapError):
            find_corners([found])
    assert sum(numbers.segment_times_s) == pytest.approx(found.lap_time)
    for one in deltas:
        assert sum(each.loss_s for each in one.segments) == pytest.approx(one.total_s, abs=1e-9)
    return None


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(OTHERS)))
def test_any_channels_missing(missing):
    reason = analysed(without(LAP, *missing))
    tells_length = {"speed", "lap_distance"} - missing or not {"latitude", "longitude"} & missing
    assert reason is (None if tells_length else Reason.MISSING_CHANNELS)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.sets(st.sampled_from([*OTHERS, *NEEDED]), min_size=1))
def test_holes_anywhere(seed, share, names):
    chance = np.random.default_rng(seed)
    holed = {name: np.where(chance.random(FRAMES) < share, np.nan, LAP.channels[name]) for name in names}
    analysed(changed(LAP, **holed))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-300, 300),
    st.sets(st.sampled_from([*OTHERS, *NEEDED]), min_size=1),
    st.booleans(),
)
def test_nonsense_anywhere(seed, power, names, few):
    chance = np.random.default_rng(seed)
    where = chance.random(FRAMES) < (0.02 if few else 1.0)
    with np.errstate(all="ignore"):
        noise = {name: chance.standard_normal(FRAMES) * 10.0**power for name in names}
    analysed(changed(LAP, **{name: np.where(where, noise[name], LAP.channels[name]) for name in names}))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_frames_in_any_order(data):
    rows = data.draw(st.lists(st.integers(0, FRAMES - 1), max_size=60))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, FRAMES), st.integers(0, FRAMES))))
    analysed(part(LAP, np.array(rows, dtype=np.intp)))
    analysed(part(LAP, slice(start, stop)))
    analysed(part(LAP, np.concatenate((np.arange(start), np.arange(stop, FRAMES)))))


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 29])
def test_a_few_frames_are_not_a_whole_lap(frames):
    few = part(LAP, np.linspace(0, FRAMES - 1, frames).astype(np.intp))
    assert analysed(few) in {Reason.NOT_A_WHOLE_LAP, Reason.MISSING_CHANNELS}


def test_sixty_thousand_frames():
    at = np.linspace(0, FRAMES - 1, 60_000)
    many = {name: np.interp(at, np.arange(FRAMES), values) for name, values in LAP.channels.items()}
    assert analysed(LapData.of(many, LAP.lap_time)) is None


def test_a_car_at_a_standstill():
    still = changed(LAP, speed=np.zeros(FRAMES), lap_distance_pct=np.full(FRAMES, 0.3))
    assert analysed(still) is Reason.STANDSTILL


def test_a_lap_driven_backwards():
    backwards = changed(LAP, lap_distance_pct=LAP.channels["lap_distance_pct"][::-1])
    assert analysed(backwards) is Reason.NOT_A_WHOLE_LAP


@pytest.mark.parametrize("pct", [0.0, 0.3, 1.0])
def test_lap_distance_stuck(pct):
    assert analysed(changed(LAP, lap_distance_pct=np.full(FRAMES, pct))) is Reason.NOT_A_WHOLE_LAP


def test_a_clock_that_stands_still():
    assert analysed(changed(LAP, session_time=np.zeros(FRAMES))) is Reason.NOT_A_WHOLE_LAP


def test_nothing_known_of_anything():
    assert analysed(LapData.of({name: np.full(FRAMES, np.nan) for name in LAP.channels})) is Reason.MISSING_CHANNELS
    assert analysed(LapData.of({})) is Reason.MISSING_CHANNELS


def test_coordinates_of_another_place():
    assert analysed(changed(LAP, latitude=np.zeros(FRAMES), longitude=np.zeros(FRAMES))) is None


def test_a_lap_of_another_track():
    """Nobody should compare them; if somebody does, times still add up and nothing breaks."""
    assert analysed(simulated("port-calder")) is None
