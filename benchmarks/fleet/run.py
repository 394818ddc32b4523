"""A fleet of simulated rigs against the real daemon: `make fleet RIGS=1000 MINUTES=10`.

KILL_EVERY=60 kills the daemon every minute. RIGS=250,500,750 steps the fleet up, MINUTES each, and says where the knee
is. docs/scaling.md explains every figure. Exits with 1 if a lap was lost, doubled, partial or never answered.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks.fleet.circuits import SCALES, SHORT, circuits
from benchmarks.fleet.fleet import Fleet, Outcome, Plan, Tell
from benchmarks.fleet.meters import load
from benchmarks.fleet.report import figures_of, print_report, write_report
from benchmarks.fleet.world import world
from racing_coach_server.commands.runner import run_async


def run_fleet(plan: Plan, tell: Tell, *, short: bool = False, settings: dict[str, str] | None = None) -> Outcome:
    """Run a fleet and compare the accounts.

    Args:
        plan: what is run.
        tell: told how it goes.
        short: laps of seconds, as the tests have them.
        settings: more of the daemon's variables.
    """
    names = [f"rig-{number:05d}" for number in range(max(plan.steps))]
    with tempfile.TemporaryDirectory(prefix="racing-coach-fleet-") as scratch:
        tell("starting broker, database and daemon")
        with world(names, Path(scratch), settings or {}) as there:
            tell("simulating the laps of every circuit")
            driven = circuits(SHORT if short else SCALES)

            async def go() -> Outcome:
                return await Fleet(there, driven, names, plan, tell).run()

            return run_async(go())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rigs", default="1000", help="how many, or how many in each step: 250,500,750")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each step")
    parser.add_argument("--kill-every", type=float, default=None, metavar="S", help="SIGKILL the daemon so often")
    parser.add_argument("--quick", action="store_true", help="20 rigs for 20 s, with laps of seconds")
    parser.add_argument("--output", type=Path, default=Path("build/fleet.json"))
    parser.add_argument("--markdown", type=Path, help="also put the figures into this page, between its marks")
    arguments = parser.parse_args()
    console = Console(width=110)
    plan = Plan([*map(int, arguments.rigs.split(","))], 60 * arguments.minutes, arguments.kill_every)
    if arguments.quick:
        plan = Plan([20], 20, arguments.kill_every)
    load_before = load()
    console.print(f"load before it began {load_before:.2f}")
    with console.status("") as status:

        def tell(words: str) -> None:
            status.update(words)
            if not console.is_terminal:
                print(words, file=sys.stderr, flush=True)

        outcome = run_fleet(plan, tell, short=arguments.quick)
    is_well = print_report(outcome, console)
    if arguments.markdown:
        write_report(outcome, arguments.markdown, load_before)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    figures = {"steps": [asdict(figures_of(step)) for step in outcome.steps], "accounts": asdict(outcome.accounts)}
    arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
