"""How long commands take that people wait for, beside an interpreter that does nothing."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_BIN: Final = Path(sys.executable).parent

NOTHING: Final = "python -c pass"
COMMANDS: Final = {
    NOTHING: (sys.executable, "-c", "pass"),
    "racing-coach --version": (_BIN / "racing-coach", "--version"),
    "racing-coach --help": (_BIN / "racing-coach", "--help"),
    "racing-coach-rig --help": (_BIN / "racing-coach-rig", "--help"),
    "racing-coach-rig status": (_BIN / "racing-coach-rig", "status"),
    "racing-coach laps list": (_BIN / "racing-coach", "laps", "list"),
    "racing-coach rejected list": (_BIN / "racing-coach", "rejected", "list"),
}
"""Each with its connection to the database, where it needs one."""


def measure_startup(database: str, rounds: int) -> dict[str, Any]:
    """Run every command in turn, round after round; the first round, which fills the page cache, does not count.

    Args:
        database: URL of a migrated database.
        rounds: that count.

    Returns:
        by command `ms`, the median from start to end, and `ratio`, the median over the rounds of how many times as long
        it took as `python -c pass` just before.
    """
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory(prefix="racing-coach-startup-") as home:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "RACING_COACH_DATABASE__URL": database,
            "RACING_COACH_OUTBOX__PATH": f"{home}/outbox.sqlite3",
        }
        for _ in range(rounds + 1):
            for name, command in COMMANDS.items():
                taken[name].append(_seconds(command, environment, home))
    nothing = taken[NOTHING][1:]
    return {
        name: {
            "ms": statistics.median(seconds[1:]) * 1e3,
            "ratio": statistics.median(one / least for one, least in zip(seconds[1:], nothing, strict=True)),
        }
        for name, seconds in taken.items()
    }


def _seconds(command: tuple[str | Path, ...], environment: Mapping[str, str], home: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, cwd=home, check=True, capture_output=True)
    return time.perf_counter() - began
