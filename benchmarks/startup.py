"""Measures only how long commands take to start: `python -m benchmarks.startup`."""

import argparse

from rich.console import Console

from benchmarks.measures.startup import measure_startup
from benchmarks.report.tables import print_rows, startup_rows
from benchmarks.servers.running import servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with servers() as running:
        print_rows(startup_rows(measure_startup(running.dsn, rounds)), Console(width=110))


if __name__ == "__main__":
    main()
