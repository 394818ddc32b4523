"""Tables of a run in a page of the documentation, between two marks of its own."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

type Rows = Sequence[Sequence[str]]


def put(page: Path, mark: str, *parts: str) -> None:
    """Put text between `<!-- MARK: begin -->` and `<!-- MARK: end -->`.

    Raises:
        ValueError: the page has no such marks.
    """
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page} has no {begin} and {end}")
    page.write_text("\n\n".join([f"{before}{begin}", *parts, f"{end}{after}"]))


def markdown(rows: Rows) -> str:
    """A table; the first row is its header, and all columns but the first are numbers."""
    header, *body = rows
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *body))


def machine(load_before: float) -> str:
    """When it was run, and on what."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Run of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {os.process_cpu_count()} cores of {_cpu()}, {memory:.0f} GiB, "
        f"load {load_before:.2f} before it began; Python {platform.python_version()}."
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
