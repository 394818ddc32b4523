"""`racing-coach demo`: the whole system on this machine, out of wheels, and a look at what it did."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from racing_coach_core.exceptions import RacingCoachError

if TYPE_CHECKING:
    from racing_coach_demo.stage import Stage

console = Console()


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C.")] = False,
    rigs: Annotated[int, typer.Option(min=1, max=20, help="Simulated rigs.")] = 3,
    laps: Annotated[int, typer.Option(min=1, max=100, help="Laps of each rig.")] = 4,
    output: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("build/demo"),
    seed: Annotated[int, typer.Option(help="Other drivers, other laps.")] = 1,
) -> None:
    """Run broker, database, daemon and rigs on this machine, and show what happened."""
    # `racing-coach` loads this module at every start to offer the command: what is heavy comes only now.
    from racing_coach_demo.processes import ServerStartError  # noqa: PLC0415
    from racing_coach_demo.show import show  # noqa: PLC0415
    from racing_coach_demo.stage import Stage  # noqa: PLC0415

    # So that a plain `kill` cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="racing-coach-demo-") as folder,
            contextlib.ExitStack() as exits,
        ):
            stage = exits.enter_context(Stage(Path(folder), console))
            asyncio.run(show(stage, console, rigs=rigs, laps=laps, output=output, seed=seed))
            if keep:
                _keep(stage)
    except KeyboardInterrupt:
        console.print("\nstopped")
        raise typer.Exit(130) from None
    except (ServerStartError, RacingCoachError) as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False)
        raise typer.Exit(1) from error


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _keep(stage: "Stage") -> None:
    rig = Path(sys.executable).with_name("racing-coach-rig")
    console.print(
        "\nIt goes on running. Publish a lap of your own from another terminal:\n\n"
        f"  RACING_COACH_RIG=my-rig RACING_COACH_MQTT__PORT={stage.broker.port} \\\n"
        f"    RACING_COACH_OUTBOX__PATH={stage.folder / 'my-rig.sqlite3'} \\\n"
        f"    {rig} publish FILE.csv\n\n"
        "and look at what is stored:\n\n"
        f"  RACING_COACH_DATABASE__URL={stage.database.url} \\\n"
        f"    {rig.with_name('racing-coach')} laps list\n\n"
        "Ctrl-C ends it.",
        highlight=False,
        soft_wrap=True,
    )
    while stage.daemon.poll() is None:
        signal.pause()
