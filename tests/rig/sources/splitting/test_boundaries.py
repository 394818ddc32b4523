"""Where a lap ends, and where none can go on."""

from typing import Any

import numpy as np
import pytest
from tests.rig.sources.splitting.drives import DT, even, frames

from racing_coach_rig.sources.splitting.splitter import (
    Incomplete,
    split,
)


def test_a_car_that_stands_on_the_line_crosses_it_once() -> None:
    """Jitter around start/finish is no lap, and the lap still ends where the car comes round again."""
    jitter = np.array([0.9999, 0.0001] * 50 + [0.0, 1.0] * 10)
    pct = np.concatenate([even(1, after=1), jitter, even(1, before=0, after=20)])
    result = split(frames(pct))
    assert [(lap.start, lap.stop) for lap in result.laps] == [(30, 130), (130, 351)]


def test_a_car_that_reverses_over_the_line_and_comes_back_has_not_done_a_lap() -> None:
    """After a spin on the line the lap goes on from the first crossing."""
    back_and_forth = np.array([0.01, 0.005, 0.0, 0.99, 0.98, 0.97, 0.98, 0.99, 0.0])
    pct = np.concatenate([even(1, after=1), back_and_forth, even(1, before=0, after=20)])
    result = split(frames(pct))
    assert [(lap.start, lap.stop) for lap in result.laps] == [(30, 130), (130, 240)]


def test_a_car_that_first_reverses_over_the_line_begins_its_lap_when_it_comes_forward() -> None:
    """On the grid behind the line, back, and forward again: that crossing begins the lap."""
    pct = np.concatenate([[0.03, 0.02, 0.01, 0.0, 0.99, 0.98, 0.99], even(2, before=0, after=5)])
    result = split(frames(pct))
    assert [(lap.start, lap.stop) for lap in result.laps] == [(7, 107), (107, 207)]


@pytest.mark.parametrize(
    ("at", "to"), [(0.6, 0.055), (0.97, 0.1), (0.3, 0.9)], ids=["back", "over the line", "forward"]
)
def test_a_reset_ends_the_lap_without_completing_it(at: float, to: float) -> None:
    """A car that is put somewhere else has not driven there; its next whole lap counts."""
    way = np.concatenate([even(1, after=0), np.arange(0, at, 0.01), to + np.arange(0, 1.2, 0.01)])
    result = split(frames(way % 1.0))
    assert result.laps[0].stop == 130
    reasons = [r.reason for r in result.incomplete]
    assert reasons[:3] == [Incomplete.STARTED_MID_LAP, Incomplete.MOVED, Incomplete.MOVED]


def test_a_tow_to_a_stall_right_behind_the_line_is_no_lap() -> None:
    """Pits at the line: the position hardly jumps, but the car is in the stall without the pit road."""
    pct = np.concatenate([even(1, after=0), np.arange(0, 0.98, 0.01), np.full(50, 0.012)])
    surface = np.full(len(pct), 3)
    surface[-50:] = 1
    result = split(frames(pct, track_surface=surface))
    assert [lap.stop for lap in result.laps] == [130]
    assert [r.reason for r in result.incomplete] == [
        Incomplete.STARTED_MID_LAP,
        Incomplete.MOVED,
        Incomplete.BEGAN_IN_PITS,
    ]


@pytest.mark.parametrize(
    "column",
    [
        {"lap_distance_pct": -1.0},
        {"lap_distance_pct": np.nan},
        {"track_surface": -1},
        {"is_driving": False},
    ],
    ids=["pct", "nan", "surface", "is_driving"],
)
def test_frames_out_of_the_car_are_no_part_of_a_lap(column: dict[str, float]) -> None:
    """Whoever leaves the car ends the lap; the frames in between are reported as such."""
    pct = np.concatenate([even(1), np.full(40, 0.3), even(1)])
    values: dict[str, Any] = {
        "track_surface": np.full(len(pct), 3),
        "is_driving": np.full(len(pct), True),
        "lap_distance_pct": pct.copy(),
    }
    (name, value), *_ = column.items()
    values[name][160:200] = value
    result = split(frames(pct, **values))
    assert [(lap.start, lap.stop) for lap in result.laps] == [(30, 130), (230, 330)]
    assert [(r.start, r.stop, r.reason) for r in result.incomplete][1:3] == [
        (130, 160, Incomplete.NOT_DRIVING),
        (160, 200, Incomplete.NOT_DRIVING),
    ]


def test_nobody_in_the_car_crosses_no_line() -> None:
    """A replay moves the car's position over the line; that neither ends nor begins a lap."""
    pct = even(2)
    result = split(frames(pct, is_driving=np.zeros(len(pct), bool)))
    assert result.laps == []
    assert [(r.frames, r.reason) for r in result.incomplete] == [(260, Incomplete.NOT_DRIVING)]


def test_a_pause_of_the_recording_ends_the_lap() -> None:
    """More than a second without a frame is a hole, even where the position fits."""
    pct = even(3)
    times = 100 + np.arange(len(pct)) * DT
    times[180:] += 1.5
    result = split(frames(pct, session_time=times))
    assert [lap.start for lap in result.laps] == [30, 230]
    assert Incomplete.MISSING_FRAMES in [r.reason for r in result.incomplete]


def test_a_clock_that_runs_backwards_ends_the_lap() -> None:
    """Frames out of order are not put into one lap."""
    pct = even(3)
    times = 100 + np.arange(len(pct)) * DT
    times[180:] -= 50
    assert [lap.start for lap in split(frames(pct, session_time=times)).laps] == [30, 230]


def test_another_session_begins_its_own_laps_and_numbers() -> None:
    """From practice to race: the lap across is incomplete, and the numbers start over."""
    pct = even(5)
    session = np.where(np.arange(len(pct)) < 260, 0, 1)
    counter = np.where(session == 0, frames(pct).lap_number, frames(pct).lap_number - 7)
    result = split(frames(pct, session=session, lap_number=counter))
    assert [(lap.session, lap.lap_number) for lap in result.laps] == [(0, 6), (0, 7), (1, 2), (1, 3)]
    assert Incomplete.SESSION_CHANGED in [r.reason for r in result.incomplete]
