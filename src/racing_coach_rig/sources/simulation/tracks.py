"""Tracks to drive on: places that do not exist. The last is for tests: its laps take seconds."""

from typing import Final

from racing_coach_rig.sources.simulation.track import Corner, Track

TRACKS: Final[dict[str, Track]] = {
    track.id: track
    for track in (
        Track(
            id="larchmoor",
            name="Larchmoor Park",
            config="Grand Prix",
            latitude=47.2431,
            longitude=14.8127,
            altitude=676.0,
            relief=14.0,
            start=0.62,
            easing=24.0,
            corners=(
                Corner(485, 0, 85),
                Corner(430, -235, 130),
                Corner(690, -430, 62),
                Corner(550, -595, 70),
                Corner(285, -405, 120),
                Corner(95, -550, 105),
                Corner(-165, -485, 260),
                Corner(-360, -655, 110),
                Corner(-620, -550, 60),
                Corner(-515, -285, 140),
                Corner(-715, -105, 70),
                Corner(-655, 45, 75),
            ),
        ),
        Track(
            id="port-calder",
            name="Port Calder",
            config="Harbour Circuit",
            latitude=41.3702,
            longitude=2.1811,
            altitude=6.0,
            relief=2.0,
            start=0.4,
            corners=(
                Corner(430, 0, 32),
                Corner(410, 180, 30),
                Corner(600, 230, 38),
                Corner(560, 420, 34),
                Corner(250, 360, 160),
                Corner(-20, 470, 28),
                Corner(-60, 300, 30),
                Corner(-330, 330, 90),
                Corner(-560, 200, 24),
                Corner(-470, 90, 60),
                Corner(-560, -90, 26),
                Corner(-300, -30, 220),
            ),
        ),
        Track(
            id="heronsgate",
            name="Heronsgate",
            config="Full Circuit",
            latitude=52.5418,
            longitude=-1.0763,
            altitude=121.0,
            relief=9.0,
            start=0.55,
            easing=24.0,
            corners=(
                Corner(-700, 0, 150),
                Corner(-900, -330, 210),
                Corner(-640, -620, 90),
                Corner(-760, -860, 80),
                Corner(-420, -980, 180),
                Corner(-150, -720, 240),
                Corner(260, -900, 130),
                Corner(420, -560, 150),
                Corner(820, -640, 75),
                Corner(900, -330, 120),
                Corner(620, 0, 170),
            ),
        ),
        Track(
            id="pennywell",
            name="Pennywell",
            config="Kart Track",
            latitude=53.7192,
            longitude=-1.6318,
            altitude=88.0,
            relief=0.5,
            easing=5.0,
            corners=(
                Corner(46, 0, 13),
                Corner(40, -38, 15),
                Corner(8, -26, 17),
                Corner(-22, -42, 13),
                Corner(-42, -2, 14),
            ),
        ),
    )
}
"""The tracks, by id."""
