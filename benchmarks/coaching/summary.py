"""Figures of a run, and which of them miss their targets."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from benchmarks.coaching.numbering import Numbering
from benchmarks.coaching.outcomes import Clean, Outcome

SILENCE: Final = "(silence)"


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and what it must be: at least `low`, at most `high`."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def met(self) -> bool:
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)


def fault_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Shares, of the stints with a fault. What is not told at all counts as a wrong place and a wrong cause."""
    told = [one for one in outcomes if one.right_place and one.said == one.cause]
    return {
        "stints": len(outcomes),
        "right_place": _share(outcomes, lambda one: one.right_place),
        "right_cause": _share(outcomes, lambda one: one.said == one.cause),
        "silent": _share(outcomes, lambda one: one.said is None),
        "right_place_of_advice": _share([one for one in outcomes if one.said], lambda one: one.right_place),
        "right_cause_of_advice": _share([one for one in outcomes if one.said], lambda one: one.said == one.cause),
        "cost_within": _share(told, lambda one: _within(one, one.action_s)),
        "fault_cost_within": _share(told, lambda one: _within(one, one.cost_s)),
        "cost_error_median_s": float(np.median([abs(_error(one)) for one in told])) if told else float("nan"),
        "cost_bias_s": float(np.mean([_error(one) for one in told])) if told else float("nan"),
        "covered": _share(told, _covered),
        "mean_cost_s": float(np.mean([one.cost_s for one in outcomes])) if outcomes else float("nan"),
    }


def _share[T](of: Sequence[T], holds: Callable[[T], bool]) -> float:
    return sum(map(holds, of)) / len(of) if of else float("nan")


def _error(one: Outcome) -> float:
    assert one.gain_s is not None
    return one.gain_s - one.action_s


def _within(one: Outcome, cost_s: float) -> bool:
    return one.gain_s is not None and abs(one.gain_s - cost_s) <= max(0.020, 0.15 * cost_s)


def _covered(one: Outcome) -> bool:
    return one.low_s is not None and one.high_s is not None and one.low_s <= one.action_s <= one.high_s


def summarise(outcomes: Sequence[Outcome], clean: Sequence[Clean], tracks: Iterable[Numbering]) -> dict[str, Any]:
    """All figures of a run, ready for JSON."""
    by: Callable[[str], dict[str, Any]] = lambda field: {  # noqa: E731 - one line, used thrice
        value: fault_figures([one for one in outcomes if getattr(one, field) == value])
        for value in dict.fromkeys(getattr(one, field) for one in outcomes)
    }
    false = [one for one in clean if one.keys]
    everything: list[Outcome | Clean] = [*outcomes, *clean]
    return {
        "faults": fault_figures(outcomes),
        "by_fault": by("kind"),
        "by_pattern": by("pattern"),
        "confusion": _confusion(outcomes),
        "clean": {
            "laps": len(clean),
            "false_advice_per_100": 100 * _share(clean, lambda one: bool(one.keys)),
            "causes": dict(Counter(key.partition(":")[2] for one in false for key in one.keys)),
        },
        "explained": _share(everything, lambda one: one.explained),
        "corners": [asdict(one) for one in tracks],
    }


def _confusion(outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """Cause planted to cause named to how often."""
    rows: dict[str, Counter[str]] = {}
    for one in outcomes:
        rows.setdefault(one.cause, Counter())[one.said or SILENCE] += 1
    return {cause: dict(named) for cause, named in sorted(rows.items())}


def targets(figures: dict[str, Any]) -> list[Target]:
    """What the figures must be."""
    faults, corners = figures["faults"], figures["corners"]
    same = sum(one["same"] for one in corners) / max(sum(one["maps"] for one in corners), 1)
    numbered = sum(one["numbered"] for one in corners) / max(sum(one["laps"] for one in corners), 1)
    return [
        Target("right place", faults["right_place"], low=0.95),
        Target("right cause", faults["right_cause"], low=0.90),
        Target("cost within 20 ms or 15 %", faults["cost_within"], low=0.90),
        Target("95 % intervals cover", faults["covered"], low=0.92, high=0.98),
        Target("false advice in 100 clean laps", figures["clean"]["false_advice_per_100"], high=1.0),
        Target("silence has its reason", figures["explained"], low=1.0),
        Target("laps numbered by the map in force", numbered, low=1.0),
        Target("maps found anew that number alike", same, low=1.0),
        Target("apex off by, m", max((one["apex_off_m"] for one in corners), default=0.0), high=5.0),
    ]
