"""`config show`: every setting, what it is and where it comes from, without its secrets."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import typer
from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from racing_coach_core.exceptions import SettingsError
from racing_coach_core.reading_settings import read_settings
from racing_coach_core.setting_sources import ENV_PREFIX, EnvironmentSettings, Origin, origin_of, origins

HIDDEN: Final = "set, not shown"
NOT_SET: Final = "not set"
DEFAULT: Final = "default"
_SECRET_TOO: Final = frozenset({f"{ENV_PREFIX}MQTT__CLIENT_ID"})
"""Whoever knows it has the queue of the one whose it is."""


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One setting, as it may be shown.

    Attributes:
        name: of its variable.
        value: what holds; of a secret, whether it is set.
        origin: where it comes from.
    """

    name: str
    value: str
    origin: str


type Secrets = Mapping[str, Callable[[str], str]]
"""What may be shown of a secret, by the name of its variable."""


def shown_settings(settings: EnvironmentSettings, secrets: Secrets) -> list[ShownSetting]:
    """Every setting with its value and its origin, in the order in which they are documented."""
    found = origins(type(settings))
    return [_shown(name, value, found, secrets) for name, value in _values(settings, ENV_PREFIX)]


def show(
    settings: type[EnvironmentSettings], *, secrets: Secrets, only_set: bool, as_json: bool, console: Console
) -> None:
    """Print them.

    Raises:
        SettingsError: some cannot work. What is set is shown all the same.
    """
    try:
        shown = shown_settings(read_settings(settings), secrets)
    except SettingsError:
        _print(_as_written(origins(settings)), as_json=as_json, console=console)
        raise
    if only_set:
        shown = [one for one in shown if one.origin != DEFAULT]
    _print(shown, as_json=as_json, console=console)
    if not as_json:
        for origin in origins(settings):
            if origin.trouble:
                console.print(f"{origin.name}: {origin.trouble}", highlight=False, markup=False, soft_wrap=True)


def _print(shown: list[ShownSetting], *, as_json: bool, console: Console) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in shown], indent=2))
        return
    table = Table(Column("setting", no_wrap=True), Column("value", overflow="fold"), Column("from", overflow="fold"))
    for one in shown:
        style = "dim" if one.origin == DEFAULT else ""
        table.add_row(one.name, escape(one.value), escape(one.origin), style=style)
    console.print(table)


def _values(model: BaseModel, before: str) -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value, whole = getattr(model, name), f"{before}{name.upper()}"
        if isinstance(value, BaseModel):
            yield from _values(value, f"{whole}__")
        else:
            yield whole, value


def _shown(name: str, value: Any, found: list[Origin], secrets: Secrets) -> ShownSetting:
    origin = origin_of(name, found)
    if value is None:
        text = NOT_SET
    elif isinstance(value, SecretStr):
        text = secrets.get(name, _hidden)(value.get_secret_value())
    elif name in _SECRET_TOO:
        text = HIDDEN
    else:
        text = str(value)
    return ShownSetting(name, text, DEFAULT if origin is None else origin.name)


def _hidden(_: str) -> str:
    return HIDDEN


def _as_written(found: list[Origin]) -> list[ShownSetting]:
    """What is set where it cannot be read: nobody knows which of it is secret."""
    return [ShownSetting(name, HIDDEN, origin.name) for origin in found for name in origin.values]
