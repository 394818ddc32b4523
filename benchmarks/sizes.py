"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Laps of each kind.

    Attributes:
        ceiling_laps: in each of the rounds between which everything else is measured.
        laps: of a sustained rate.
        latency_laps: of each latency.
        baseline_laps: the obvious way takes a second for each.
        growth_laps: of the rate before and after.
        growth_frames: stored between the two.
    """

    ceiling_laps: int
    laps: int
    latency_laps: int
    baseline_laps: int
    growth_laps: int
    growth_frames: int


FULL = Sizes(ceiling_laps=100, laps=400, latency_laps=400, baseline_laps=10, growth_laps=200, growth_frames=20_000_000)
QUICK = Sizes(ceiling_laps=25, laps=50, latency_laps=50, baseline_laps=2, growth_laps=50, growth_frames=5_000_000)
