"""Tracks are closed, smooth, and of one geometry."""

import math

import numpy as np
import pytest
from tests.rig.sources.simulation.stints import KART

from racing_coach_rig.sources.simulator import (
    TRACKS,
    Corner,
    Track,
)

SQUARE = tuple(Corner(*corner, 20) for corner in ((100, 0), (100, -100), (0, -100), (0, 0)))


def track_of(corners: tuple[Corner, ...], **options: float) -> Track:
    return Track("test", "Test", "", latitude=45.0, longitude=7.0, altitude=0.0, corners=corners, **options)


class TestTrack:
    @pytest.mark.parametrize("name", TRACKS)
    def test_closes(self, name: str) -> None:
        """A track ends where and in the direction in which it begins, with one full turn made."""
        line = TRACKS[name].line
        assert math.hypot(line.east[-1] - line.east[0], line.north[-1] - line.north[0]) < 1e-9
        assert abs(line.heading[-1] - line.heading[0]) == pytest.approx(2 * math.pi, abs=1e-9)
        assert line.curvature[-1] == line.curvature[0]
        assert line.altitude[-1] == pytest.approx(line.altitude[0], abs=1e-9)

    @pytest.mark.parametrize("name", TRACKS)
    def test_geometry_agrees(self, name: str) -> None:
        """Position, heading and curvature are those of one curve, and distance is measured along it."""
        line = TRACKS[name].line
        steps = np.diff(line.east) + 1j * np.diff(line.north)
        np.testing.assert_allclose(np.abs(steps), line.step, rtol=2e-3)
        middle = (line.heading[1:] + line.heading[:-1]) / 2
        assert np.abs(np.angle(steps * np.exp(-1j * middle))).max() < 2e-3
        turned = np.concatenate([[0.0], np.cumsum((line.curvature[1:] + line.curvature[:-1]) / 2)]) * line.step
        np.testing.assert_allclose(turned, line.heading - line.heading[0], atol=5e-3)

    def test_slope_is_that_of_altitude(self) -> None:
        """The grade is the derivative of the altitude."""
        line = TRACKS["larchmoor"].line
        np.testing.assert_allclose(np.gradient(line.altitude, line.step)[1:-1], line.grade[1:-1], atol=1e-5)

    @pytest.mark.parametrize("name", sorted(set(TRACKS) - {KART}))
    def test_is_of_a_real_tracks_size(self, name: str) -> None:
        """The tracks are as long as real ones."""
        assert 2500 < TRACKS[name].line.length < 5000

    def test_rounds_corners(self) -> None:
        """Four right angles rounded by arcs make a lap of four straights and a full circle."""
        line = track_of(SQUARE, easing=0.5).line
        assert line.length == pytest.approx(4 * 60 + 2 * math.pi * 20, rel=1e-3)
        assert line.curvature.min() == pytest.approx(-1 / 20, rel=1e-2)
        assert len(line.apexes) == 4

    def test_refuses_corners_that_overlap(self) -> None:
        """A straight too short for the arcs at its ends is named."""
        corners = (SQUARE[0], SQUARE[1]._replace(radius=85), *(c._replace(east=-100) for c in SQUARE[2:]))
        with pytest.raises(ValueError, match="the straight to corner 2 is too short"):
            _ = track_of(corners).line

    def test_is_worked_out_once_and_not_to_be_changed(self) -> None:
        """All simulators of a track share one line, so nobody can write to it."""
        line = TRACKS[KART].line
        assert TRACKS[KART].line is line
        with pytest.raises(ValueError, match="read-only"):
            line.curvature[0] = 1.0
