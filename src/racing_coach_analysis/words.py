"""Puts findings into words, from the templates of one language: a file `words/<language>.toml` each, read at import."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from racing_coach_analysis.causes import Cause

MOST_WORDS: Final = 12
"""A cue is heard at speed: more words are not understood before the corner."""

_NAME_WORDS: Final = 2
"""A corner's name is cut to so many words."""

_MOST: Final = {"m": 999, "percent": 99, "gears": 9, "gain": 99.99}


@dataclass(frozen=True, slots=True)
class Words:
    """The templates of one language."""

    templates: Mapping[str, Any]

    def advice(
        self,
        cause: Cause,
        number: int,
        name: str | None,
        *,
        amount: float,
        gain_s: float,
        at_m: float,
        after: bool = False,
    ) -> str:
        """A cue.

        Args:
            cause: what to do.
            number: of the corner; 0 where the track has none.
            name: of the corner.
            amount: how much, in the cause's unit: m, percent or gears.
            gain_s: what it is worth, s.
            at_m: where to act, m from the line.
            after: whether that lies on the straight after the corner.
        """
        key = "lower_gears" if cause is Cause.LOWER_GEAR and round(amount) > 1 else cause.value
        of_straight = self.templates["advice"]["after"].get(key) if after else None
        template: str = of_straight or self.templates["advice"][key]
        return template.format(
            corner=self.corner(number, name, at_m),
            at=round(at_m),
            m=_whole(amount, "m"),
            percent=_whole(amount, "percent"),
            gears=_whole(amount, "gears"),
            gain=_seconds(gain_s),
        )

    def praise(self, number: int, name: str | None, gain_s: float) -> str:
        """What went well."""
        template: str = self.templates["praise"]["quicker"]
        return template.format(corner=self.corner(number, name, 0.0), gain=_seconds(gain_s))

    def silence(self, reason: str) -> str:
        """Why there is nothing to say."""
        text: str = self.templates["silence"][reason]
        return text

    def corner(self, number: int, name: str | None, at_m: float) -> str:
        """A corner by number and name; a place where the track has no corners."""
        forms = self.templates["corner"]
        if not number:
            return str(forms["none"].format(at=round(at_m)))
        if not name:
            return str(forms["numbered"].format(number=number))
        return str(forms["named"].format(number=number, name=" ".join(name.split()[:_NAME_WORDS])))


def _whole(amount: float, unit: str) -> int:
    return int(min(max(round(amount), 1), _MOST[unit]))


def _seconds(gain_s: float) -> str:
    return f"{min(max(gain_s, 0.01), _MOST['gain']):.2f}"


def _languages() -> dict[str, Words]:
    folder = files("racing_coach_analysis") / "words"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {entry.name.removesuffix(".toml"): Words(tomllib.loads(entry.read_text("utf-8"))) for entry in found}


_LANGUAGES: Final = _languages()

LANGUAGES: Final = tuple(sorted(_LANGUAGES))
"""Languages that there are templates for."""


def words(language: str) -> Words:
    """The templates of a language.

    Raises:
        KeyError: there are none.
    """
    return _LANGUAGES[language]
