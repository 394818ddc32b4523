"""`racing-coach end-session`: has the broker forget a session that no daemon will come back to."""

from typing import Annotated

import typer

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError
from racing_coach_server.commands.runner import run_async
from racing_coach_server.config import load_settings
from racing_coach_server.exceptions import CommandError


def end_session(
    client_id: Annotated[str, typer.Argument(help="The former client id; it is in the log of the daemon that had it.")],
) -> None:
    """End a session at the broker, with all that waits in it: rigs send again what was not answered.

    For a client id that the daemon had before its password, or its version, changed. The broker would go on to queue
    every lap for it.
    """
    settings = load_settings()
    if client_id == settings.client_id:
        raise CommandError(f"{client_id!r} is the client id of this daemon; its queue is what it works on")

    async def end() -> None:
        async with Connection(settings.mqtt, client_id=client_id, clean=True):
            pass

    try:
        run_async(end())
    except BrokerError as error:
        raise CommandError(str(error)) from error
    typer.echo(f"the broker has no session of {client_id!r} any more")
