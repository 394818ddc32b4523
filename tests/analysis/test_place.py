"""Frames are put in order of place; what moves backwards or has no place is left out."""

import numpy as np
import pytest

from racing_coach_analysis.lap import LapData
from racing_coach_analysis.place import samples_of
from racing_coach_analysis.reasons import NotALapError, Reason


def lap(pct, time=None, **channels):
    pct = np.asarray(pct, dtype=float)
    time = np.arange(len(pct)) / 60 if time is None else time
    return LapData.of({"lap_distance_pct": pct, "session_time": time, **channels})


WHOLE = np.linspace(0.001, 0.999, 500)


def test_frames_before_and_behind_the_line_keep_their_place():
    samples = samples_of(lap(np.concatenate(([0.998, 0.9995], WHOLE, [0.0005, 0.002]))))
    assert samples.pct[:2] == pytest.approx([-0.002, -0.0005])
    assert samples.pct[-2:] == pytest.approx([1.0005, 1.002])
    assert np.all(np.diff(samples.pct) > 0)


def test_a_frame_that_moves_backwards_is_left_out():
    pct = WHOLE.copy()
    pct[200:205] = pct[195]
    samples = samples_of(lap(pct))
    assert not set(range(200, 205)) & set(samples.index.tolist())
    assert samples.furthest_pct[202] == pct[199]


def test_a_glitch_does_not_hide_what_follows():
    pct = WHOLE.copy()
    pct[100], pct[300] = 0.4, 0.01
    samples = samples_of(lap(pct))
    assert len(samples.pct) == len(pct) - 2


def test_frames_without_place_or_time_are_left_out():
    pct, time = WHOLE.copy(), np.arange(500) / 60
    pct[50], time[60] = np.nan, np.nan
    assert not {50, 60} & set(samples_of(lap(pct, time)).index.tolist())


def test_a_clock_that_steps_back_is_not_followed():
    time = np.arange(500) / 60
    time[250] -= 1.0
    assert 250 not in samples_of(lap(WHOLE, time)).index


@pytest.mark.parametrize(
    ("pct", "detail"),
    [
        (np.linspace(0.2, 0.999, 500), "begins at 20.0%"),
        (np.linspace(0.001, 0.7, 500), "ends at 70.0%"),
        (np.linspace(0.999, 0.001, 500), "backwards"),
        (np.full(500, 0.4), "begins at 40.0%"),
        (np.zeros(500), "ends at 0.0%"),
        (np.concatenate((np.linspace(0.001, 0.4, 200), np.linspace(0.5, 0.999, 200))), "has no frames"),
        (np.array([0.001, 0.5, 0.999]), "only 3 frames"),
    ],
)
def test_what_is_not_a_whole_lap_says_how(pct, detail):
    with pytest.raises(NotALapError, match=detail) as caught:
        samples_of(lap(pct))
    assert caught.value.reason is Reason.NOT_A_WHOLE_LAP


def test_a_car_that_stands_still_is_called_so():
    with pytest.raises(NotALapError) as caught:
        samples_of(lap(np.full(500, 0.4), speed=np.zeros(500)))
    assert caught.value.reason is Reason.STANDSTILL


@pytest.mark.parametrize("name", ["lap_distance_pct", "session_time"])
def test_without_a_place_or_a_clock_there_is_no_lap(name):
    whole = lap(WHOLE)
    with pytest.raises(NotALapError) as caught:
        samples_of(LapData({key: values for key, values in whole.channels.items() if key != name}))
    assert caught.value.reason is Reason.MISSING_CHANNELS


def test_the_clock_of_the_lap_serves_where_that_of_the_session_is_missing():
    whole = lap(WHOLE)
    other = LapData({"lap_distance_pct": whole.channels["lap_distance_pct"], "current_lap_time": np.arange(500) / 60})
    assert samples_of(other).time_s == pytest.approx(samples_of(whole).time_s)
