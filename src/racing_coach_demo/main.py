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
from rich.markup import escape

from racing_coach_core.exceptions import RacingCoachError

if TYPE_CHECKING:
    from racing_coach_demo.pages import PagesProcess
    from racing_coach_demo.stage import Stage

console = Console()


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C.")] = False,
    rigs: Annotated[int, typer.Option(min=1, max=20, help="Simulated rigs.")] = 3,
    laps: Annotated[int, typer.Option(min=1, max=100, help="Laps of each rig; the coach needs five.")] = 6,
    output: Annotated[Path, typer.Option(help="Folder for picture and report.")] = Path("build/demo"),
    seed: Annotated[int, typer.Option(help="Other drivers, other laps.")] = 1,
) -> None:
    """Run broker, database, daemon and rigs on this machine, and show what happened."""
    # `racing-coach` loads this module at every start to offer the command: what is heavy comes only now.
    from racing_coach_demo.child_process import ServerStartError  # noqa: PLC0415
    from racing_coach_demo.pages import PagesProcess  # noqa: PLC0415
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
                pages = exits.enter_context(PagesProcess(stage.daemon))
                _keep(stage, pages)
    except KeyboardInterrupt:
        console.print("\nstopped")
        raise typer.Exit(130) from None
    except (ServerStartError, RacingCoachError) as error:
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _keep(stage: "Stage", pages: "PagesProcess") -> None:
    settings = {
        "RACING_COACH_RIG": "my-rig",
        "RACING_COACH_OUTBOX__PATH": stage.folder / "my-rig.sqlite3",
        "RACING_COACH_MQTT__PORT": stage.broker.port,
        "RACING_COACH_DATABASE__URL": str(stage.database.url).replace("+asyncpg", ""),
        "PATH": f"{Path(sys.executable).parent}:$PATH",
    }
    exports = "".join(f"  export {name}={value}\n" for name, value in settings.items())
    console.print(
        f"\nIt goes on running. The pit wall, for a browser: {pages.url}\n\nIn another terminal:\n\n{exports}\n"
        "Publish a lap of your own, and look what became of it:\n\n"
        "  racing-coach-rig publish FILE.csv --track TRACK --car CAR\n"
        "  racing-coach-rig status\n"
        "  racing-coach laps list\n"
        "  racing-coach doctor\n\n"
        "Ctrl-C ends it.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    while stage.daemon.is_running:
        signal.pause()
