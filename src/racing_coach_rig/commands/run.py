"""`racing-coach-rig run`: finds finished laps and sends them for as long as the rig is on."""

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from racing_coach_core.shown_settings import DEFAULT, shown_settings
from racing_coach_rig.commands.running import run as run_rig
from racing_coach_rig.config import load_settings
from racing_coach_rig.logging import configure_logging
from racing_coach_rig.outbox.outbox import Outbox

log = structlog.stdlib.get_logger(__name__)


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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log more, also where each setting is from.")
    ] = False,
) -> None:
    """Find finished laps and send them until stopped; also sends what is still on disk."""
    configure_logging(logging.DEBUG if verbose else logging.INFO)
    settings = load_settings()
    log.info(
        "starting",
        rig=settings.rig,
        broker=f"{settings.mqtt.host}:{settings.mqtt.port}",
        outbox=str(settings.outbox.path),
    )
    if settings.mqtt.missing_credentials:
        log.warning("not set for the broker", missing=settings.mqtt.missing_credentials)
    for one in shown_settings(settings, {}):
        if one.origin != DEFAULT:
            log.debug("setting", name=one.name, value=one.value, origin=one.origin)
    if not (watch or live or simulate is not None) and settings.watch is not None:
        watch = [settings.watch]

    async def main(outbox: Outbox) -> None:
        task = asyncio.current_task()
        assert task is not None
        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await run_rig(settings, outbox, watch=watch or [], live=live, simulate=simulate)

    with Outbox(settings.outbox) as outbox, contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(main(outbox))
