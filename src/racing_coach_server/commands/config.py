"""`racing-coach config`: the daemon's settings."""

from typing import Annotated

import typer
from rich.console import Console

from racing_coach_core.exceptions import SettingsError
from racing_coach_core.shown_settings import show
from racing_coach_server.config import Settings
from racing_coach_server.database_settings import SHOWN_SECRETS
from racing_coach_server.exceptions import ConfigurationError


def show_config(
    only_set: Annotated[bool, typer.Option("--set", help="Only what is set somewhere.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every setting, and where it comes from; secrets are hidden."""
    try:
        show(Settings, secrets=SHOWN_SECRETS, only_set=only_set, as_json=as_json, console=Console())
    except SettingsError as error:
        raise ConfigurationError(str(error)) from error
