"""From findings to what is said: which stand, which are worth a word, in which order, and when to be silent."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from racing_coach_analysis.analysed import Analysed
from racing_coach_analysis.beside import Laps
from racing_coach_analysis.causes import Cause
from racing_coach_analysis.coaching import Advice, Coaching, Praise, Said, Silence, silence_for, silent
from racing_coach_analysis.confidence import discoveries
from racing_coach_analysis.findings import better, find
from racing_coach_analysis.judged import Finding
from racing_coach_analysis.passages import Passage, corner_at
from racing_coach_analysis.track_map import Corner, TrackMap
from racing_coach_analysis.words import Words, words

MOST: Final = 3
"""Nobody can do more than three things differently on the next lap."""

_BEYOND: Final = 3.0
"""How many standard deviations of the driver's own spread a passage must be quicker than usual to be praised."""

_FALSE_RATE: Final = 0.001
_AS_OFTEN: Final = 3
"""No cue on more laps running than this."""

_SAME_PLACE_M: Final = 50
"""As far as this, slowest places of several laps may be those of one corner."""

_PRAISED_S: Final = 0.06
_SAME_LENGTH: Final = 0.02
_KNOWN: Final = 0.8
_NEEDED: Final = ("speed", "throttle", "brake")


def advise(
    lap: Analysed,
    reference: Analysed | None,
    history: Sequence[Analysed],
    said: Sequence[Said],
    track_map: TrackMap,
    *,
    language: str = "en",
) -> Coaching:
    """What to say of a lap.

    Args:
        lap: in question.
        reference: to compare with; of the same track, configuration and car.
        history: the driver's laps before this one in like conditions, the latest last; the last 20 count.
        said: what was said of the laps before, the latest last.
        track_map: of the track.
        language: of the words.
    """
    speech = words(language)
    reason = _unusable(lap, reference)
    if reason is not None or reference is None:
        silence = reason or Silence.NO_REFERENCE
        return silent(silence, speech.silence(silence))
    delta = lap.lap_time - reference.lap_time
    earlier = [
        one for one in history if _comparable(one, reference) and one is not reference and not _same(one, reference)
    ]
    laps = Laps(lap, reference, earlier)
    standing = _standing(find(laps), len(laps.passages))
    advice = [_worded(one, laps, track_map, speech) for one in standing]
    tired = _said_too_often(said)
    fresh = tuple(one for one in advice if one.key not in tired)[:MOST]
    praise = () if len(fresh) == MOST else _praise(laps, track_map, speech, fresh)
    if fresh or praise:
        return Coaching(fresh, praise, delta_s=delta)
    excluded = lap.exclusions[0].reason if lap.exclusions else None
    if excluded is not None and not any(laps.usable(passage)[-1] for passage in laps.passages):
        silence = silence_for(excluded)
        return silent(silence, speech.silence(silence), delta)
    text = speech.silence("said_often_enough") if advice else speech.silence(Silence.NO_SIGNIFICANT_LOSS)
    return silent(Silence.NO_SIGNIFICANT_LOSS, text, delta)


def _unusable(lap: Analysed, reference: Analysed | None) -> Silence | None:
    """Why this lap cannot be compared with this reference."""
    if not _complete(lap):
        return Silence.MISSING_CHANNELS
    if reference is None or not _comparable(reference, lap):
        return Silence.NO_REFERENCE
    return None


def _comparable(lap: Analysed, reference: Analysed) -> bool:
    return _complete(lap) and abs(lap.length_m / reference.length_m - 1) <= _SAME_LENGTH


def _complete(lap: Analysed) -> bool:
    """Whether speed and pedals are known on most of a lap."""
    known = (lap.channels.get(name) for name in _NEEDED)
    return all(values is not None and np.isfinite(values).mean() > _KNOWN for values in known)


def _same(lap: Analysed, reference: Analysed) -> bool:
    """Whether a lap of the history is the reference itself: it would make the driver look steadier than they are."""
    middle = lap.time_s[lap.steps // 2], reference.time_s[reference.steps // 2]
    return lap.lap_time == reference.lap_time and bool(middle[0] == middle[1])


def _standing(findings: list[Finding], looked_at: int) -> list[Finding]:
    """Those that are no accident and worth a word, the most valuable first: gain times how steadily it recurs."""
    real = discoveries([one.chance for one in findings], looked_at, _FALSE_RATE)
    kept = [one for one, stands in zip(findings, real, strict=True) if stands and (one.recurs or one.stands_out)]
    return sorted(kept, key=lambda one: -one.gain_s * one.seen / one.looked_at)


def _said_too_often(said: Sequence[Said]) -> set[str]:
    """Cues of each of the last three laps."""
    if len(said) < _AS_OFTEN:
        return set()
    return set.intersection(*(set(one.keys) for one in said[-_AS_OFTEN:]))


def _worded(one: Finding, laps: Laps, track_map: TrackMap, speech: Words) -> Advice:
    steps, length = laps.steps, laps.length_m
    at_pct = min(max(one.found.at_m / length, 0.0), 1.0)
    corner = _corner(one, track_map, at_pct, one.passage.slowest / steps, length)
    number, name = (corner.number, corner.name) if corner else (0, None)
    after = corner is not None and _behind(corner, at_pct) > 40 / length
    return Advice(
        key=f"{_where(corner, one.passage.slowest / steps * length)}:{one.found.cause}",
        corner=number,
        corner_name=name,
        cause=one.found.cause,
        at_pct=at_pct,
        at_m=one.found.at_m,
        from_pct=one.passage.start / steps,
        to_pct=one.passage.end / steps,
        loss_s=one.loss_s,
        gain_s=one.gain_s,
        gain_s_low=max(one.bounds.low, 0.0),
        gain_s_high=one.bounds.high,
        confidence=one.bounds.worth,
        laps_seen=one.seen,
        laps_looked_at=one.looked_at,
        amount=one.found.amount,
        evidence=one.found.evidence,
        text=speech.advice(
            one.found.cause,
            number,
            name,
            amount=one.found.amount,
            gain_s=one.gain_s,
            at_m=one.found.at_m,
            after=after,
        ),
    )


def _where(corner: Corner | None, slowest_m: float) -> str:
    """A corner as cues are told apart by; where the track has none, a place that is about the same on every lap."""
    return f"T{corner.number}" if corner else f"{_SAME_PLACE_M * round(slowest_m / _SAME_PLACE_M)}m"


def _corner(one: Finding, track_map: TrackMap, at_pct: float, slowest_pct: float, length_m: float) -> Corner | None:
    """The corner that a finding belongs to: the first one ahead when it is about braking, the last one begun when it is
    about the way out, else the one around.
    """
    if one.found.cause in {Cause.CARRY_MORE_SPEED, Cause.WIDER_LINE, Cause.LOWER_GEAR}:
        return corner_at(track_map, slowest_pct, length_m)
    ahead = [corner for corner in track_map.corners if at_pct < corner.apex_pct <= slowest_pct + 30 / length_m]
    behind = [corner for corner in track_map.corners if corner.start_pct <= at_pct]
    if one.found.phase == "exit":
        return behind[-1] if behind else corner_at(track_map, slowest_pct, length_m)
    return ahead[0] if ahead else corner_at(track_map, slowest_pct, length_m)


def _behind(corner: Corner, at_pct: float) -> float:
    """How far behind a corner's end a place is, as part of the lap; negative or large before it."""
    gap = (at_pct - corner.end_pct) % 1.0
    return gap if gap < 0.5 else gap - 1.0  # noqa: PLR2004 - half a lap


def _praise(laps: Laps, track_map: TrackMap, speech: Words, advice: Sequence[Advice]) -> tuple[Praise, ...]:
    """The passage that went best beyond what is usual, if one did, and nothing is to be done about it."""
    steps, length = laps.steps, laps.length_m
    criticised = {one.corner for one in advice}

    def corner(passage: Passage) -> Corner | None:
        return corner_at(track_map, passage.slowest / steps, length)

    good = [one for one in better(laps) if one.gain_s > max(_PRAISED_S, _BEYOND * one.own_spread_s)]
    best = max(good, key=lambda one: one.gain_s, default=None)
    where = corner(best.passage) if best is not None else None
    if best is None or where is None or where.number in criticised:
        return ()
    text = speech.praise(where.number, where.name, best.gain_s)
    return (Praise(where.number, where.name, best.gain_s, text),)
