"""The splitter finds every lap, and nothing else, however the frames come."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing_coach_rig.sources.splitter import (
    DriveFrames,
    Incomplete,
    LapSplitter,
    SplitResult,
    split,
)

DT = 1 / 60


TYPES: dict[str, type] = {
    "session_time": np.float64,
    "lap_number": np.int32,
    "lap_distance_pct": np.float32,
    "track_surface": np.int32,
    "on_pit_road": np.bool_,
    "is_driving": np.bool_,
    "session": np.int64,
}


def frames(pct: Any, **columns: Any) -> DriveFrames:
    wraps = np.array([before - after > 0.5 for before, after in pairwise(pct)], int)
    values: dict[str, Any] = {
        "session_time": 100 + np.arange(len(pct)) * DT,
        "lap_number": 5 + np.concatenate([[0], np.cumsum(wraps)])[: len(pct)],
        "lap_distance_pct": pct,
        **columns,
    }
    return DriveFrames(**{name: None if v is None else np.asarray(v, TYPES[name]) for name, v in values.items()})


def part(drive: DriveFrames, start: int, stop: int) -> DriveFrames:
    columns = {n: getattr(drive, n) for n in DriveFrames.__slots__}
    return DriveFrames(**{n: None if v is None else v[start:stop] for n, v in columns.items()})


def feed_in_chunks(drive: DriveFrames, cuts: list[int], max_frames: int = 120_000) -> SplitResult:
    total = len(drive.lap_distance_pct)
    splitter = LapSplitter(max_frames=max_frames)
    result = SplitResult()
    edges = [0, *sorted(min(c, total) for c in cuts), total]
    for start, stop in pairwise(edges):
        kept = splitter.keep_from
        found = splitter.feed(part(drive, start, stop))
        assert all(lap.start >= kept for lap in found.laps), "a lap's frames were given up before"
        result.laps.extend(found.laps)
        result.incomplete.extend(found.incomplete)
    rest = splitter.finish()
    return SplitResult(result.laps + rest.laps, result.incomplete + rest.incomplete)


def even(count: int, per_lap: int = 100, before: int = 30, after: int = 30) -> np.ndarray:
    return (np.arange(-before, count * per_lap + after) + 0.5) / per_lap % 1.0


@st.composite
def drives(draw: st.DrawFn) -> tuple[DriveFrames, list[int], list[float]]:
    """A drive over several laps; the frame at which each crossing is, and the true time of it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    durations = np.array(draw(st.lists(st.floats(0.7, 5.0), min_size=1, max_size=6)))
    head = draw(st.floats(0.05, 0.9))
    tail = draw(st.floats(0.05, 0.9))
    crossings = 100 + head + np.concatenate([[0], np.cumsum(durations)])
    # Even speed within each lap, so that interpolated crossings are exact; the stretches before and behind too.
    times_at = np.concatenate([[100], crossings, [crossings[-1] + tail]])
    distance_at = np.concatenate([[1 - head / 4], np.arange(1, len(crossings) + 1), [len(crossings) + tail / 4]])
    times = np.arange(100, times_at[-1], DT)
    jitter = rng.uniform(0, DT / 20)
    distance = np.interp(times + jitter, times_at, distance_at)
    lap = 7 + np.floor(np.interp(times + rng.uniform(-0.05, 0.05), times_at, distance_at)).astype(int)
    drive = frames(distance % 1.0, session_time=times + jitter, lap_number=lap)
    starts = [int(i) + 1 for i in np.flatnonzero(np.diff(np.floor(distance)) > 0)]
    return drive, starts, crossings.tolist()


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


@st.composite
def wild(draw: st.DrawFn) -> DriveFrames:
    """Anything a simulator could say, and more."""
    n = draw(st.integers(0, 60))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=n, max_size=n))

    pct = column(
        st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.3, 0.33, 0.5, 0.98, 0.99, 0.999, 1.0, -1.0, np.nan, np.inf])
    )
    return frames(
        pct,
        session_time=np.cumsum(column(st.sampled_from([0.0, DT, DT, DT, 2.0, -1.0]))),
        lap_number=column(st.integers(-1, 3)),
        track_surface=draw(st.none() | st.just(column(st.integers(-1, 3)))),
        on_pit_road=draw(st.none() | st.just(column(st.booleans()))),
        is_driving=draw(st.none() | st.just(column(st.booleans()))),
        session=draw(st.none() | st.just(column(st.integers(0, 1)))),
    )


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
