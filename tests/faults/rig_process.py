"""A rig as a real process: the project's own outbox and sender, and a simulated driver who is in a hurry.

    python -m tests.faults.rig_process --journal PATH --laps 50 --interval 1 --seed 7

Before a lap is spooled a line about it goes into the journal, and another once the outbox has it. The journal is
synced line by line, so whatever happens to this process, it says which laps were promised. Started again it goes on
where the journal ends, with a new session. It runs until SIGTERM.
"""

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.content import content_sha256
from racing_coach_core.lap import Lap
from racing_coach_rig.config import load_settings
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.publisher import Publisher
from racing_coach_rig.sending.sender import sending
from racing_coach_rig.sources.simulator import TRACKS, Simulator

SHORT_TRACK = [*TRACKS][-1]
"""The simulator's track for tests: a lap of some 700 frames."""


class Journal:
    """What this rig promised, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self.entries = read_journal(path)
        self._file = path.open("a+")
        # A line that a crash cut off promised nothing, and must not become part of the next one.
        self._file.seek(0)
        whole = self._file.read().rpartition("\n")[0]
        self._file.truncate(len(whole) + 1 if whole else 0)

    def write(self, event: str, **facts: Any) -> None:
        self._file.write(json.dumps({"event": event, "at": time.time(), **facts}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close its file."""
        self._file.close()

    def count(self, event: str) -> int:
        return sum(entry["event"] == event for entry in self.entries)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The journal's entries. A last line that was cut off by a crash promised nothing yet."""
    if not path.exists():
        return []
    *lines, _ = path.read_text().split("\n")
    return [json.loads(line) for line in lines]


def laps(seed: int, start: int) -> Iterator[Lap]:
    """A driver's laps after the `start`-th start of the program."""
    started_at = datetime(2026, 5, 1, 12, 0, tzinfo=UTC) + timedelta(hours=start)
    return Simulator(seed=1000 * seed + start, track=SHORT_TRACK, started_at=started_at).laps()


async def drive(
    outbox: Outbox, publisher: Publisher, journal: Journal, *, seed: int, count: int, interval_s: float, mixed: bool
) -> None:
    spooled = journal.count("spooled")
    start = journal.count("started")
    journal.write("started", pid=os.getpid())
    for number, lap in enumerate(laps(seed, start)):
        if spooled >= count:
            break
        facts = {
            "lap_id": str(lap.lap_id),
            "session_id": str(lap.session.session_id),
            "lap_number": lap.lap_number,
            "frames": lap.frames.num_rows,
            "content_sha256": content_sha256(lap.lap_time, lap.frames).hex(),
        }
        encoding = Encoding.JSON if mixed and number % 4 == 0 else Encoding.ARROW
        journal.write("driven", **facts)
        await asyncio.to_thread(outbox.spool, lap, encoding)
        journal.write("spooled", **facts)
        spooled += 1
        publisher.wake()
        await asyncio.sleep(interval_s)
    journal.write("finished")


async def run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = load_settings()
    outbox = Outbox(settings.outbox)
    outbox.open()
    journal = Journal(arguments.journal)
    async with sending(settings, outbox) as sender:
        driver = asyncio.create_task(
            drive(
                outbox,
                sender.publisher,
                journal,
                seed=arguments.seed,
                count=arguments.laps,
                interval_s=arguments.interval,
                mixed=arguments.mixed,
            )
        )
        driver.add_done_callback(lambda task: None if task.cancelled() else task.result())
        await stop.wait()
        driver.cancel()
        await asyncio.gather(driver, return_exceptions=True)
    outbox.close()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--laps", type=int, required=True)
    parser.add_argument("--interval", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--mixed", action="store_true", help="every fourth lap as JSON")
    return parser.parse_args()


def main() -> None:
    asyncio.run(run(parse()))


if __name__ == "__main__":
    main()
