"""Reads a program's settings, and says of all that cannot work what it is and where it stands."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError
from pydantic_settings import SettingsError as PydanticSettingsError

from racing_coach_core.exceptions import SettingsError
from racing_coach_core.setting_sources import ENV_PREFIX, EnvironmentSettings, Origin, names, origin_of, origins

SECTIONS: Final = {
    "racing-coach": frozenset(
        "BACKUP COACHING DATABASE DELIVERY DOCTOR FOLLOWERS HEALTH INSTANCE LIMITS LOG MQTT RETENTION".split()  # noqa: SIM905
    ),
    "racing-coach-rig": frozenset(["DRIVER", "MQTT", "OUTBOX", "RIG", "SENDING", "WATCH"]),
}
"""What each program's variables begin with. On a machine that is both rig and server each leaves the other's alone."""

_NO_SETTINGS: Final = tuple(f"{ENV_PREFIX}{name}" for name in ("ETC", "PROGRAM", "UNITS", "TEST_"))
"""Those of `systemd/racing-coach-command`, and the beginning of those of the tests."""


def read_settings[S: EnvironmentSettings](settings: type[S]) -> S:
    """Read the settings.

    Raises:
        SettingsError: names every variable that cannot work, and every one that there is not.
    """
    known, found = list(names(settings)), origins(settings)
    problems = list(unknown(settings.program, known, found))
    try:
        read = settings()
    except ValidationError as error:
        problems += _in_words(error, known, found, problems)
    except PydanticSettingsError as error:
        # A whole section that is no JSON: pydantic names the field in its words only.
        section = re.sub(r'.*"(\w+)" from source.*', r"\1", str(error)).upper()
        one = f"{ENV_PREFIX}MQTT__HOST"
        problems.append(f"{ENV_PREFIX}{section}: is no JSON object; values are set one by one, as {one}")
    if problems:
        raise SettingsError("; ".join(problems))
    return read


def unknown(program: str, known: list[str], found: list[Origin]) -> Iterator[str]:
    """What is set and is no setting, with the name that may be meant."""
    sections = {name.rpartition("__")[0] for name in known}
    theirs = frozenset[str]().union(*SECTIONS.values()) - SECTIONS.get(program, frozenset())
    for origin in found:
        for name in origin.values:
            if name in known or name in sections or name.startswith(_NO_SETTINGS) or _is_of(theirs, name):
                continue
            yield f"{name}: is not a setting{_meant(name, known)} (set in: {origin.name})"


def _is_of(sections: frozenset[str], name: str) -> bool:
    """Whether it is another program's, who will see whether it is right."""
    begins = (f"{ENV_PREFIX}{section}" for section in sections)
    return any(name == one or name.startswith(f"{one}_") for one in begins)


def _meant(name: str, known: list[str]) -> str:
    short = [one.removeprefix(ENV_PREFIX) for one in known]
    near = get_close_matches(name.removeprefix(ENV_PREFIX), short, n=1)
    return f"; did you mean {ENV_PREFIX}{near[0]}?" if near else "; `config show` lists what there is"


def _in_words(error: ValidationError, known: list[str], found: list[Origin], said: list[str]) -> list[str]:
    words: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        name = f"{ENV_PREFIX}{'__'.join(str(part).upper() for part in item['loc'])}"
        if item["type"] == "extra_forbidden":
            if not any(one.startswith(f"{name}:") for one in said):
                words.append(f"{name}: is not a setting{_meant(name, known)}")
            continue
        origin = origin_of(name, found)
        where = f" (set in: {origin.name})" if origin else ""
        words.append(f"{name}: {item['msg'].replace('Value error, ', '')}{where}")
    return words
