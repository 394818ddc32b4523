"""Advice: what is said of laps with a known fault, and why nothing is said of others."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.coaching import stints

from racing_coach_analysis.advice import MOST, advise
from racing_coach_analysis.analysed import Analysed, analysed
from racing_coach_analysis.causes import Cause
from racing_coach_analysis.coaching import Said, Silence, not_a_lap
from racing_coach_analysis.lap import LapData
from racing_coach_analysis.reasons import Exclusion, NotALapError, Reason
from racing_coach_analysis.trace import trace
from racing_coach_analysis.track_map import NO_CORNERS


@pytest.fixture(scope="module")
def where():
    return stints.world("larchmoor", "Ines Aubrac")


@pytest.fixture(scope="module")
def clean(where):
    return stints.clean(where, 8, np.random.default_rng(4))


def _stint(where, kind="brake_early", pattern="lately", seed=1):
    stint = stints.faulty(where, kind, pattern, np.random.default_rng([seed, len(kind)]))
    assert stint is not None
    return stint


@pytest.fixture(scope="module")
def early(where):
    return _stint(where)


@pytest.fixture(scope="module")
def coached(where, early):
    return advise(early.laps[-1], early.reference, early.laps[:-1], [], where.track_map)


def test_early_braking_that_recurs_is_found_in_place_with_its_cost(early, coached):
    first = coached.advice[0]
    assert first.cause == Cause.BRAKE_LATER
    assert first.at_m == pytest.approx(early.planted.at_m, abs=10)
    assert first.gain_s == pytest.approx(early.planted.cost_s, abs=0.06)
    assert first.laps_seen >= 3
    assert first.laps_looked_at == 5
    assert coached.silence is None


def test_advice_says_what_it_rests_on(coached):
    first = coached.advice[0]
    this, reference = first.evidence["brake_onset_m"]
    assert this < reference - 8
    assert first.amount == pytest.approx(reference - this)
    assert first.key == f"T{first.corner}:brake_later"
    assert first.text.startswith(f"Turn {first.corner}: brake ")
    assert 0 <= first.from_pct < first.at_pct < first.to_pct <= 1
    assert 0 <= first.gain_s_low <= first.gain_s <= first.gain_s_high
    assert 0 <= first.confidence <= 1
    assert first.loss_s > 0


def test_the_same_laps_give_the_same_advice(where, early, coached):
    assert advise(early.laps[-1], early.reference, early.laps[:-1], [], where.track_map) == coached


def test_what_was_kept_as_json_gives_the_same_advice(where, early, coached):
    kept = [Analysed.from_json(lap.to_json()) for lap in early.laps]
    again = advise(kept[-1], Analysed.from_json(early.reference.to_json()), kept[:-1], [], where.track_map)
    assert [one.key for one in again.advice] == [one.key for one in coached.advice]
    assert again.advice[0].gain_s == pytest.approx(coached.advice[0].gain_s, abs=0.005)


def test_a_loss_on_one_lap_alone_is_told_when_it_stands_out(where):
    stint = _stint(where, "lift", "once")
    said = advise(stint.laps[-1], stint.reference, stint.laps[:-1], [], where.track_map)
    assert said.advice[0].cause == Cause.THROTTLE_SMOOTHER
    assert said.advice[0].laps_seen == 1


def test_no_cue_on_more_than_three_laps_running(where, early, coached):
    keys = Said.of(coached)
    twice = advise(early.laps[-1], early.reference, early.laps[:-1], [keys] * 2, where.track_map)
    assert coached.advice[0].key in Said.of(twice).keys
    thrice = advise(early.laps[-1], early.reference, early.laps[:-1], [keys] * 3, where.track_map)
    assert coached.advice[0].key not in Said.of(thrice).keys
    assert thrice.advice or thrice.praise or thrice.silence_text
    rested = advise(early.laps[-1], early.reference, early.laps[:-1], [keys] * 3 + [Said()], where.track_map)
    assert coached.advice[0].key in Said.of(rested).keys


def test_at_most_three_the_most_valuable_first(where, early):
    slow = replace(early.reference, time_s=early.reference.time_s * 0.97, lap_time=early.reference.lap_time * 0.97)
    said = advise(early.laps[-1], slow, early.laps[:-1], [], where.track_map)
    assert len(said.advice) <= MOST
    worth = [one.gain_s * one.laps_seen / one.laps_looked_at for one in said.advice]
    assert worth == sorted(worth, reverse=True)


def test_a_lap_against_itself_says_nothing(where, clean):
    said = advise(clean[0], clean[0], [], [], where.track_map)
    assert (said.advice, said.praise, said.silence) == ((), (), Silence.NO_SIGNIFICANT_LOSS)
    assert said.delta_s == 0
    assert said.silence_text


def test_an_empty_history_is_no_obstacle(where):
    stint = _stint(where, "lift", "once")
    said = advise(stint.laps[-1], stint.reference, [], [], where.track_map)
    assert said.advice or said.praise or said.silence_text


def test_without_a_reference_there_is_silence(where, clean):
    said = advise(clean[0], None, clean[1:], [], where.track_map)
    assert (said.advice, said.silence) == ((), Silence.NO_REFERENCE)
    assert said.delta_s is None
    assert said.silence_text


def test_a_reference_of_another_configuration_is_none(where, clean):
    other = stints.world("seed-11", "Ines Aubrac")
    reference = stints.clean(other, 1, np.random.default_rng(1))[0]
    assert advise(clean[0], reference, clean[1:], [], where.track_map).silence == Silence.NO_REFERENCE


@pytest.mark.parametrize("missing", ["speed", "throttle", "brake"])
def test_missing_channels_are_the_reason_for_silence(where, clean, missing):
    bare = replace(clean[0], channels={name: values for name, values in clean[0].channels.items() if name != missing})
    assert advise(bare, clean[1], clean[2:], [], where.track_map).silence == Silence.MISSING_CHANNELS
    assert advise(clean[1], bare, clean[2:], [], where.track_map).silence == Silence.NO_REFERENCE
    told = advise(clean[1], clean[2], [bare, *clean[3:]], [], where.track_map)
    assert told.advice or told.praise or told.silence_text


@pytest.mark.parametrize("missing", [("gear",), ("curvature",), ("gear", "curvature")])
def test_gears_and_coordinates_may_be_missing(where, early, missing):
    def bare(lap):
        return replace(lap, channels={name: values for name, values in lap.channels.items() if name not in missing})

    said = advise(bare(early.laps[-1]), bare(early.reference), [*map(bare, early.laps[:-1])], [], where.track_map)
    assert said.advice[0].cause == Cause.BRAKE_LATER


def test_what_is_excluded_is_not_spoken_of(where, early, coached):
    first = coached.advice[0]
    spun = replace(early.laps[-1], exclusions=(Exclusion(first.at_pct - 0.01, first.at_pct + 0.01, Reason.SPIN),))
    said = advise(spun, early.reference, early.laps[:-1], [], where.track_map)
    assert first.key not in Said.of(said).keys


def test_a_lap_that_is_excluded_throughout_says_why(where, clean):
    off = replace(clean[0], exclusions=(Exclusion(0.0, 1.0, Reason.OFF_TRACK),))
    assert advise(off, clean[1], clean[2:], [], where.track_map).silence == Silence.OFF_TRACK


def test_a_track_without_corners_is_spoken_of_by_place(where, early, coached):
    said = advise(early.laps[-1], early.reference, early.laps[:-1], [], NO_CORNERS)
    assert said.advice[0].corner == 0
    assert said.advice[0].text.startswith("At ")
    assert [(one.cause, one.at_m, one.gain_s) for one in said.advice] == [
        (one.cause, one.at_m, one.gain_s) for one in coached.advice
    ]


def test_without_corners_too_no_cue_is_given_on_more_than_three_laps_running(where, early):
    """The place of a cue tells it from the same cue elsewhere, and is the same against another reference."""
    clean = [lap for lap in early.laps[:-1] if lap.lap_time < early.laps[-1].lap_time]
    said = [advise(early.laps[-1], one, early.laps[:-1], [], NO_CORNERS) for one in (early.reference, *clean[:3])]
    keys = {one.advice[0].key for one in said if one.advice and one.advice[0].cause is Cause.BRAKE_LATER}
    assert len(keys) == 1
    thrice = advise(early.laps[-1], early.reference, early.laps[:-1], [Said.of(said[0])] * 3, NO_CORNERS)
    assert keys.isdisjoint(one.key for one in thrice.advice)


def test_frames_that_are_no_lap_say_why():
    with pytest.raises(NotALapError) as error:
        trace(LapData.of({"session_time": [0.0, 1.0, 2.0], "lap_distance_pct": [0.1, 0.2, 0.3]}))
    said = not_a_lap(error.value)
    assert said.silence == Silence.NOT_A_WHOLE_LAP
    assert said.silence_text


def test_every_reason_of_the_analysis_has_a_silence():
    for reason in Reason:
        assert not_a_lap(NotALapError(reason, "because")).silence in Silence


def test_a_corner_that_went_well_is_praised(where, clean):
    stint = _stint(where, "lift", "habit")
    well = stint.reference
    said = advise(well, clean[0], stint.laps, [], where.track_map)
    assert said.praise
    assert said.praise[0].gain_s > 0.06
    assert said.praise[0].text.startswith(f"Turn {said.praise[0].corner}:")


def test_words_come_in_other_languages(where, early):
    said = advise(early.laps[-1], early.reference, early.laps[:-1], [], where.track_map, language="de")
    assert said.advice[0].text.startswith("Kurve ")


def test_a_kept_lap_of_another_version_is_refused(clean):
    with pytest.raises(ValueError, match="version 0"):
        Analysed.from_json({**clean[0].to_json(), "version": 0})


def test_what_is_not_known_stays_so_when_kept(clean):
    speed = clean[0].channels["speed"].copy()
    speed[5] = np.nan
    kept = Analysed.from_json(replace(clean[0], channels={**clean[0].channels, "speed": speed}).to_json())
    assert np.isnan(kept.channels["speed"][5])
    assert kept.channels["speed"][6] == pytest.approx(speed[6], abs=0.006)


def test_laps_of_other_grids_are_brought_together(where, early, coached):
    others = [lap.on(lap.steps - 1) for lap in early.laps[:-1]]
    said = advise(early.laps[-1], early.reference, others, [], where.track_map)
    assert said.advice[0].key == coached.advice[0].key


def test_a_lap_keeps_its_time_and_length(where):
    lap = analysed(where.first)
    assert lap.lap_time == where.first.lap_time
    assert lap.time_s[-1] == pytest.approx(where.first.lap_time)


def test_an_oval_that_is_flat_out_all_the_way_round_is_no_obstacle(where, clean):
    flat = replace(clean[0], channels=clean[0].channels | {"speed": np.full(clean[0].steps + 1, 60.0)})
    assert advise(clean[1], flat, clean[2:], [], where.track_map).silence == Silence.NO_SIGNIFICANT_LOSS


@pytest.mark.parametrize("channel", ["speed", "throttle", "brake", "gear", "curvature"])
def test_channels_with_holes_are_no_obstacle(where, clean, channel):
    values = clean[0].channels[channel].copy()
    values[100:160] = np.nan
    holed = replace(clean[0], channels=clean[0].channels | {channel: values})
    for this, reference in ((holed, clean[1]), (clean[1], holed)):
        said = advise(this, reference, [holed, *clean[2:]], [], where.track_map)
        assert said.advice or said.praise or said.silence_text


def _mangled(lap, chance):
    """A lap whose channels are missing, stuck, full of holes or nonsense."""
    channels = {}
    for name, values in lap.channels.items():
        how = chance.integers(0, 7)
        if how == 0:
            channels[name] = np.full_like(values, np.nan)
        elif how == 1:
            channels[name] = np.zeros_like(values)
        elif how == 2:
            channels[name] = chance.normal(0, 50, len(values))
        elif how == 3:
            channels[name] = np.where(chance.random(len(values)) < 0.1, np.nan, values)
        elif how > 3:
            channels[name] = values
    changed = replace(lap, channels=channels)
    return changed.on(int(chance.integers(1, 30))) if chance.random() < 0.2 else changed


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(60))
def test_nonsense_gives_a_reason_and_no_exception(where, clean, seed):
    chance = np.random.default_rng(seed)
    this, reference, *history = (_mangled(lap, chance) for lap in clean)
    said = advise(this, reference, history, [], where.track_map)
    assert said.advice or said.praise or (said.silence and said.silence_text)
