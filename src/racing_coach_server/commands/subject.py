"""Whose data a command is about."""

from typing import Annotated

import typer

from racing_coach_server.exceptions import CommandError
from racing_coach_server.lifecycle.subjects import Kind, Subject

DriverOption = Annotated[
    str | None,
    typer.Option("--driver", metavar="D", help="The driver's id; the rig's name, of a driver without one."),
]
RigOption = Annotated[str | None, typer.Option("--rig", metavar="R", help="All that came from this rig.")]


def subject_of(driver: str | None, rig: str | None) -> Subject:
    """Who is meant.

    Raises:
        CommandError: nobody, or two.
    """
    if bool(driver) == bool(rig):
        raise CommandError("say whose data: one of --driver and --rig")
    return Subject(Kind.DRIVER, driver) if driver else Subject(Kind.RIG, rig or "")
