"""`racing-coach-rig config`: the rig's settings."""

from typing import Annotated

import typer
from rich.console import Console

from racing_coach_core.exceptions import SettingsError
from racing_coach_core.shown_settings import show
from racing_coach_rig.config import RigSettings
from racing_coach_rig.exceptions import RigConfigurationError


def show_config(
    only_set: Annotated[bool, typer.Option("--set", help="Only what is set somewhere.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every setting, and where it comes from; secrets are hidden."""
    try:
        show(RigSettings, secrets={}, only_set=only_set, as_json=as_json, console=Console())
    except SettingsError as error:
        raise RigConfigurationError(str(error)) from error
