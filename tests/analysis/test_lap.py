"""Columns of any kind become channels; what is not known is not there."""

import numpy as np
import pytest

from racing_coach_analysis.lap import LapData


def test_flags_integers_and_nones_become_numbers():
    lap = LapData.of({"on_pit_road": [True, False], "gear": [3, 4], "speed": [None, 2.0]})
    assert lap.channels["on_pit_road"].tolist() == [1.0, 0.0]
    assert lap.channels["gear"].tolist() == [3.0, 4.0]
    assert np.isnan(lap.channels["speed"][0])
    assert lap.frames == 2


def test_a_channel_without_any_value_is_not_there():
    assert LapData.of({"speed": [1.0, 2.0], "yaw_rate": [np.nan, np.nan]}).channels.keys() == {"speed"}


def test_what_no_sensor_can_tell_is_missing():
    lap = LapData.of({"speed": [-1.0, 1e9, np.inf, 50.0], "latitude": [0.0, 91.0, -np.inf, 45.0]})
    assert np.isnan(lap.channels["speed"]).tolist() == [True, True, True, False]
    assert np.isnan(lap.channels["latitude"]).tolist() == [False, True, True, False]


@pytest.mark.parametrize("lap_time", [float("nan"), float("inf"), 0.0, -1.0, None])
def test_a_lap_time_that_is_none_is_unknown(lap_time):
    assert LapData.of({"speed": [1.0]}, lap_time).lap_time is None


def test_columns_of_different_lengths_are_no_lap():
    with pytest.raises(ValueError, match="differ in length"):
        LapData.of({"speed": [1.0, 2.0], "brake": [0.0]})


def test_a_column_of_columns_is_no_channel():
    with pytest.raises(ValueError, match="2 dimensions"):
        LapData.of({"speed": [[1.0], [2.0]]})
