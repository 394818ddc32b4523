"""Every question that is asked of the database, with 1,000,000 laps in it: `make million`, or ROWS=100000.

Prints how long each took and how many pages it looked at, and exits with 1 if one took 50 ms or more in the median, or
100 ms for what a web page asks, or went through a table. docs/scaling.md says what it means.
"""

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import URL

from benchmarks.fleet.meters import load
from benchmarks.million.fill import fill
from benchmarks.million.pages import BY_PAGES, MAY_GO_THROUGH
from benchmarks.million.plans import Answer, planned, timed
from benchmarks.million.questions import (
    AT_THE_START,
    BY_PEOPLE,
    EVERY_MINUTE,
    FOR_EVERY_LAP,
    IN_BATCHES,
    QUICK,
    Ask,
    laps_to_ask_about,
)
from benchmarks.report.page import machine, markdown, put
from benchmarks.servers.database import database_server, empty_database
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database_settings import DatabaseSettings

LIMIT_MS = 50.0
PAGE_LIMIT_MS = 100.0
"""Of all that a web page asks at once, or of five pages of laps."""
SECTIONS = {
    "by people": BY_PEOPLE,
    "by web pages": BY_PAGES,
    "for every lap": FOR_EVERY_LAP,
    "every minute": EVERY_MINUTE,
    "for each batch that is deleted": IN_BATCHES,
    "at a daemon's start": AT_THE_START,
}
_ROUNDS = 10


async def answers(url: URL, questions: dict[str, Ask], rounds: int) -> dict[str, Answer]:
    """Ask each question of several laps, several times over, and once to see the plans."""
    settings = DatabaseSettings.model_validate({"url": url.render_as_string(hide_password=False)})
    engine = create_engine(settings, pool_size=1, application="million")
    database = Database(engine)
    found = {name: Answer() for name in questions}
    try:
        async with database.transaction() as session:
            laps = await laps_to_ask_about(session)
        for name, ask in questions.items():
            async with database.transaction() as session:
                for lap in laps:
                    await planned(engine, session, ask, lap, found[name])
                    found[name].ms += [await timed(session, ask, lap) for _ in range(rounds)]
    finally:
        await database.close()
    return found


async def filled(url: URL, laps: int) -> None:
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await fill(connection, laps)
    finally:
        await connection.close()


def rows_of(found: dict[str, Answer]) -> list[list[str]]:
    rows = [["question", "p50, ms", "slowest, ms", "pages, most", "goes through"]]
    for section, questions in SECTIONS.items():
        rows.append([f"*{section}*", "", "", "", ""])
        for name in questions:
            one = found[name]
            times = f"{statistics.median(one.ms):.1f}", f"{max(one.ms):.1f}"
            rows.append([name, *times, f"{one.pages:,}", ", ".join(sorted(one.scanned))])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--markdown", type=Path, help="also put the figures into this page, between its marks")
    arguments = parser.parse_args()
    console = Console(width=110)
    load_before = load()
    console.print(f"load before it began {load_before:.2f}")
    with ExitStack() as stack:
        server, _ = database_server(stack)
        url = stack.enter_context(empty_database(server))
        began = time.perf_counter()
        with console.status(f"filling {arguments.rows:,} laps"):
            asyncio.run(filled(url, arguments.rows))
        console.print(f"{arguments.rows:,} laps filled in {time.perf_counter() - began:.0f} s")
        with console.status("asking"):
            found = asyncio.run(answers(url, QUICK | BY_PAGES, _ROUNDS)) | asyncio.run(answers(url, AT_THE_START, 1))
    header, *rows = rows_of(found)
    table = Table(*header)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if arguments.markdown:
        put(arguments.markdown, "million", machine(load_before), markdown([header, *rows]))
    limits = dict.fromkeys(QUICK, LIMIT_MS) | dict.fromkeys(BY_PAGES, PAGE_LIMIT_MS)
    slow = [
        name
        for name, ms in limits.items()
        if statistics.median(found[name].ms) >= ms or found[name].scanned - MAY_GO_THROUGH.get(name, set())
    ]
    console.print(f"[red]too slow, or through a table: {', '.join(slow)}" if slow else "[green]all met")
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
