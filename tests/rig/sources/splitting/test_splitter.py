"""The splitter finds every lap, and nothing else, however the frames come."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rig.sources.splitting.drives import DT, drives, even, feed_in_chunks, frames, wild

from racing_coach_rig.sources.splitting.splitter import (
    DriveFrames,
    Incomplete,
    LapSplitter,
    SplitResult,
    split,
)


@given(drives(), st.lists(st.integers(0, 2000), max_size=8))
def test_any_stream_of_complete_laps_is_split_into_those_laps(drive: Any, cuts: list[int]) -> None:
    """Every complete lap comes out with its frames, its number and its time, whatever the chunks."""
    stream, starts, crossings = drive
    result = feed_in_chunks(stream, cuts)
    assert [(lap.start, lap.stop) for lap in result.laps] == list(pairwise(starts))
    numbers = [lap.lap_number for lap in result.laps]
    assert numbers == list(range(8, 8 + len(starts) - 1))
    for lap, (began, ended) in zip(result.laps, pairwise(crossings), strict=True):
        # The frame on each side of the line may be driven at another lap's speed: less than a frame's error.
        assert lap.lap_time == pytest.approx(ended - began, abs=DT)
    assert [r.reason for r in result.incomplete] == [
        Incomplete.STARTED_MID_LAP,
        Incomplete.RECORDING_ENDED,
    ]


@given(wild(), st.lists(st.integers(0, 60), max_size=8), st.integers(1, 20))
def test_every_frame_ends_up_in_exactly_one_place(drive: DriveFrames, cuts: list[int], max_frames: int) -> None:
    """Laps and incomplete laps together are the stream without gap or overlap, whatever the chunks."""
    result = feed_in_chunks(drive, cuts, max_frames)
    parts = sorted((p.start, p.stop) for p in [*result.laps, *result.incomplete])
    edges = [0] + [stop for _, stop in parts]
    assert [start for start, _ in parts] == edges[:-1]
    assert edges[-1] == len(drive.lap_distance_pct)
    assert all(start < stop for start, stop in parts)
    assert result == split(drive, max_frames=max_frames)


@given(wild())
def test_no_two_laps_of_a_session_share_a_number(drive: DriveFrames) -> None:
    """The numbers rise within a session, even where the simulator counts badly."""
    laps = split(drive).laps
    for session in {lap.session for lap in laps}:
        numbers = [lap.lap_number for lap in laps if lap.session == session]
        assert numbers == sorted(set(numbers))


def test_lap_time_is_interpolated_between_the_frames() -> None:
    """The line is crossed between two frames, and the lap time knows where."""
    pct = (np.arange(300) * 0.0123 + 0.9) % 1.0
    result = split(frames(pct))
    assert [lap.lap_time for lap in result.laps] == pytest.approx([DT / 0.0123] * 3, rel=1e-6)


def test_a_recording_that_begins_at_the_line_holds_a_whole_first_lap() -> None:
    """Nothing of the first lap is missing when its first frame is the first behind the line."""
    result = split(frames(even(2, before=0)))
    assert [(lap.start, lap.stop) for lap in result.laps] == [(0, 100), (100, 200)]
    assert result.laps[0].lap_time == pytest.approx(100 * DT)
    assert [r.reason for r in result.incomplete] == [Incomplete.RECORDING_ENDED]


def test_a_recording_that_begins_just_behind_the_line_lacks_some_of_the_first_lap() -> None:
    """Three missing frames are enough to make the lap incomplete."""
    result = split(frames(even(2, before=0)[3:]))
    assert [lap.start for lap in result.laps] == [97]


def test_the_lap_counter_may_lag_behind_and_run_ahead() -> None:
    """The counter changes ticks before or seconds after the line; the lap has the number of most frames."""
    pct = even(3, per_lap=300)
    for shift in (-5, 5, 120):
        counter = np.roll(frames(pct).lap_number, shift)
        counter[:120], counter[-120:] = 5, 8
        result = split(frames(pct, lap_number=counter))
        assert [lap.lap_number for lap in result.laps] == [6, 7, 8]


def test_the_counter_of_a_race_start_goes_ahead_and_back() -> None:
    """Around the first crossing of a race iRacing counts 1, 2 and back to 1: it is lap 1."""
    pct = even(2, per_lap=600)
    counter = np.ones(len(pct), int)
    counter[30:90] = 2
    counter[630:] = 2
    counter[1230:] = 3
    result = split(frames(pct, lap_number=counter))
    assert [lap.lap_number for lap in result.laps] == [1, 2]


def test_a_counter_that_stands_still_does_not_make_two_laps_one() -> None:
    """Two laps with the same count get different numbers, or the second would be refused as a wrong copy."""
    result = split(frames(even(3), lap_number=np.full(360, 4)))
    assert [lap.lap_number for lap in result.laps] == [4, 5, 6]


def test_a_lap_through_the_pits_is_complete() -> None:
    """A pit stop belongs to a lap that runs from line to line; whether it counts, others decide."""
    pct = even(2)
    surface = np.full(len(pct), 3)
    surface[110:130], surface[130:140], surface[140:150] = 2, 1, 2
    assert len(split(frames(pct, track_surface=surface, on_pit_road=surface < 3)).laps) == 2


def test_an_out_lap_is_incomplete() -> None:
    """The first lap from the pit stall does not begin at the line."""
    pct = np.concatenate([np.full(100, 0.055), np.arange(0.055, 1, 0.01), even(1, before=0)])
    surface = np.full(len(pct), 3)
    surface[:105] = 1
    result = split(frames(pct, track_surface=surface))
    assert [lap.start for lap in result.laps] == [195]
    assert result.incomplete[0].reason is Incomplete.BEGAN_IN_PITS
    assert result.incomplete[0].frames == 195


def test_a_lap_too_long_to_be_sent_is_reported_and_not_kept() -> None:
    """Someone who parks on the track for an hour does not fill the memory."""
    splitter = LapSplitter(max_frames=150)
    splitter.feed(frames(even(1, after=1)))
    assert splitter.keep_from == 130
    parked = frames(np.full(200, 0.006), session_time=102.2 + np.arange(200) * DT)
    splitter.feed(parked)
    assert splitter.keep_from == splitter.position == 331
    rest = even(1, before=0)[1:]
    result = splitter.feed(frames(rest, session_time=105.6 + np.arange(len(rest)) * DT))
    assert [r.reason for r in result.incomplete] == [Incomplete.TOO_LONG]


def test_frames_before_the_first_crossing_need_not_be_kept() -> None:
    """What can never become a complete lap is not held in memory."""
    splitter = LapSplitter()
    splitter.feed(frames(np.arange(0.2, 0.9, 0.01)))
    assert splitter.keep_from == splitter.position


def test_no_frames_are_no_laps() -> None:
    """An empty recording is not an error."""
    assert split(frames([])) == SplitResult()
