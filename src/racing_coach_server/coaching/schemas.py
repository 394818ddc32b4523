"""The analysis's words as the wire has them."""

from racing_coach_analysis import coaching as analysis
from racing_coach_core.coaching import Advice, Cause, Praise


def advice_of(one: analysis.Advice) -> Advice:
    """One piece of advice."""
    return Advice(
        key=one.key,
        corner=one.corner or None,
        corner_name=one.corner_name,
        cause=Cause(one.cause.value),
        at_pct=one.at_pct,
        at_m=round(one.at_m, 1),
        from_pct=one.from_pct,
        to_pct=one.to_pct,
        loss_s=round(one.loss_s, 3),
        gain_s=round(one.gain_s, 3),
        gain_s_low=round(one.gain_s_low, 3),
        confidence=one.confidence,
        laps_seen=one.laps_seen,
        laps_looked_at=one.laps_looked_at,
        evidence={name: (round(this, 4), round(that, 4)) for name, (this, that) in one.evidence.items()},
        text=one.text,
    )


def praise_of(one: analysis.Praise) -> Praise:
    """One thing that went well."""
    return Praise(corner=one.corner or None, text=one.text, gain_s=round(one.gain_s, 3))
