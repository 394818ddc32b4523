"""What is said: short, with the corner's number and name, in metres, gears and percent, in every language alike."""

import tomllib
from importlib.resources import files

import pytest

from racing_coach_analysis.causes import Cause
from racing_coach_analysis.coaching import Silence
from racing_coach_analysis.words import LANGUAGES, MOST_WORDS, words

NAMES = [None, "Esses", "Nordkehre", "The very long name that somebody gave a corner"]


def _templates(language: str):
    return tomllib.loads((files("racing_coach_analysis") / "words" / f"{language}.toml").read_text("utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("number", "amount", "gain", "at"), [(1, 0.0, 0.0, 0.0), (199, 1e6, 1e3, 25_900.4), (0, 3.6, 0.184, 1250)]
)
def test_a_cue_has_at_most_twelve_words_whatever_it_is_about(language, cause, name, after, number, amount, gain, at):
    said = words(language).advice(cause, number, name, amount=amount, gain_s=gain, at_m=at, after=after)
    assert len(said.split()) <= MOST_WORDS
    assert "{" not in said
    assert "better" not in said.lower()
    assert "besser" not in said.lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_praise_is_as_short(language):
    for name in NAMES:
        said = words(language).praise(199, name, 1e3)
        assert len(said.split()) <= MOST_WORDS
        assert "better" not in said.lower()


def test_a_cue_names_the_corner_by_number_and_name_and_says_metres_and_seconds():
    said = words("en").advice(Cause.BRAKE_LATER, 5, "Esses", amount=12.4, gain_s=0.184, at_m=1250)
    assert said == "Turn 5, Esses: brake 12 m later; 0.18 s"


def test_gears_are_counted():
    assert "1 gear lower" in words("en").advice(Cause.LOWER_GEAR, 5, None, amount=1.2, gain_s=0.1, at_m=0)
    assert "2 gears lower" in words("en").advice(Cause.LOWER_GEAR, 5, None, amount=2.0, gain_s=0.1, at_m=0)


def test_a_lift_on_the_straight_is_said_to_be_after_the_corner():
    said = words("en").advice(Cause.THROTTLE_SMOOTHER, 5, None, amount=80, gain_s=0.2, at_m=1250, after=True)
    assert said == "After Turn 5: no lift at 1250 m; 0.20 s"


def test_a_track_without_corners_is_spoken_of_by_place():
    assert words("en").advice(Cause.BRAKE_LATER, 0, None, amount=12, gain_s=0.18, at_m=1250).startswith("At 1250 m:")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_template(language):
    def keys(table, prefix=""):
        for key, value in table.items():
            yield from keys(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]

    assert set(keys(_templates(language))) == set(keys(_templates("en")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_silence_has_its_words(language):
    for reason in Silence:
        assert words(language).silence(reason)


def test_an_unknown_language_is_an_error():
    with pytest.raises(KeyError):
        words("tlh")
