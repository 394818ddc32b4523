"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Laps of each kind.

    Attributes:
        ceiling_laps: of each round of COPY alone.
        laps: of a sustained rate, all its rounds together. With six in flight a lap is 50 to 60 ms under way. So long
            does a round begin and end without six, which is much of one of half a second.
        rounds: of a sustained rate; before and after each comes one of COPY alone.
        latency_laps: of each latency.
        baseline_laps: the obvious way takes a second for each.
        layout_rounds: laps stored in each form of the frame table.
        growth_laps: of each of the two rates, all their rounds together.
        growth_frames: stored for one of them.
        coaching_laps: of each round with the coach at work, and of each without.
        coaching_rounds: with the coach; there is one more without.
        analysed_laps: stored, and then analysed one after the other.
        startup_rounds: each starts every command once.
    """

    ceiling_laps: int
    laps: int
    rounds: int
    latency_laps: int
    baseline_laps: int
    layout_rounds: int
    growth_laps: int
    growth_frames: int
    coaching_laps: int
    coaching_rounds: int
    analysed_laps: int
    startup_rounds: int


FULL = Sizes(
    ceiling_laps=20,
    laps=800,
    rounds=8,
    latency_laps=400,
    baseline_laps=10,
    layout_rounds=28,
    growth_laps=500,
    growth_frames=20_000_000,
    coaching_laps=200,
    coaching_rounds=5,
    analysed_laps=1_000,
    startup_rounds=15,
)
QUICK = Sizes(
    ceiling_laps=12,
    laps=50,
    rounds=2,
    latency_laps=20,
    baseline_laps=2,
    layout_rounds=12,
    growth_laps=100,
    growth_frames=5_000_000,
    coaching_laps=40,
    coaching_rounds=1,
    analysed_laps=100,
    startup_rounds=3,
)
