"""`racing-coach-rig run`: finds finished laps and sends them for as long as the rig is on."""

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from racing_coach_rig.commands.running import run as run_rig
from racing_coach_rig.config import load_settings
from racing_coach_rig.logging import configure_logging
from racing_coach_rig.outbox.outbox import Outbox


def run(
    watch: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder in which laps appear, as .ibt, CSV, JSON or Arrow, also below it; may be given several times.",
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Live iRacing telemetry (Windows).")] = False,
    simulate: Annotated[int | None, typer.Option(help="A simulated driver with this seed, in real time.")] = None,
) -> None:
    """Find finished laps and send them until stopped; also sends what is still on disk."""
    configure_logging(logging.INFO)
    settings = load_settings()

    async def main(outbox: Outbox) -> None:
        task = asyncio.current_task()
        assert task is not None
        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await run_rig(settings, outbox, watch=watch or [], live=live, simulate=simulate)

    with Outbox(settings.outbox) as outbox, contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(main(outbox))
