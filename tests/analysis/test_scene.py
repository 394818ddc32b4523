"""A passage as the laps drove it."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.coaching import stints

from racing_coach_analysis.beside import Laps
from racing_coach_analysis.scene import scene


@pytest.fixture(scope="module")
def laps():
    return stints.clean(stints.world("larchmoor", "Ines Aubrac"), 3, np.random.default_rng(8))


def slower(lap, begin, end, share):
    """A lap that is slower by a share between two places of its grid."""
    speed = lap.channels["speed"].copy()
    speed[begin:end] *= 1 - share
    took = np.diff(lap.time_s) / np.where((np.arange(lap.steps) >= begin) & (np.arange(lap.steps) < end), 1 - share, 1)
    return replace(
        lap,
        channels={**lap.channels, "speed": speed},
        time_s=np.concatenate([[0.0], np.cumsum(took)]),
        lap_time=float(took.sum()),
    )


def test_what_is_missing_before_a_corner_was_not_lost_in_it(laps):
    passage = Laps(laps[0], laps[0], []).passages[2]
    brought = slower(laps[0], passage.peak - 5, passage.end, 0.06)
    lost = slower(laps[0], passage.slowest - 6, passage.end, 0.06)
    for this, came in ((brought, True), (lost, False)):
        looked = scene(Laps(this, laps[0], []), passage)
        assert looked is not None
        assert looked.came_slower() is came


def test_a_passage_in_which_nothing_was_lost_is_not_looked_into(laps):
    both = Laps(laps[0], laps[0], [])
    assert [scene(both, passage) for passage in both.passages] == [None] * len(both.passages)
