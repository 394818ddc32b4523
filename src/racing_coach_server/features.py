"""Every feature of the daemon. A new one is a folder and a line here."""

from collections.abc import Callable
from typing import Final

from racing_coach_server.analytics.comparison.followers import comparison
from racing_coach_server.analytics.lap_analysis.followers import lap_analysis
from racing_coach_server.coaching.followers import coaching
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.feature import Feature
from racing_coach_server.telemetry.handlers import telemetry

type MakeFeature = Callable[[Dependencies], Feature]

FEATURES: Final[tuple[MakeFeature, ...]] = (telemetry, lap_analysis, comparison, coaching)
