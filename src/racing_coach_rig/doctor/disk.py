"""Is there room for laps, do they leave, and are they found?"""

import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from racing_coach_core.findings import Report
from racing_coach_rig.config import RigSettings
from racing_coach_rig.outbox.outbox import Outbox

_LITTLE = 2**30
_FULL = 0.8
_LONG_S = 3_600.0
_CLOCK_S = 5.0
"""A clock that is further off than this makes laps of which nobody knows the order; a day off, and they are refused."""
_LAST = 50


def examine_disk(settings: RigSettings, outbox: Outbox, report: Report) -> None:
    """The outbox, the disk under it, the clock by the server's answers, and the folder of recordings."""
    _examine_outbox(settings, outbox, report)
    _examine_space(settings, outbox, report)
    _examine_clock(outbox, report)
    _examine_recordings(settings, report)


def _examine_outbox(settings: RigSettings, outbox: Outbox, report: Report) -> None:
    contents = outbox.contents()
    used = contents.bytes / settings.outbox.max_bytes
    said = f"{contents.waiting} waiting, {contents.rejected} rejected, {used:.0%} of what it may hold"
    oldest = contents.oldest_waiting_at
    if used >= _FULL:
        report.bad("outbox", said, "at 100% new laps are refused: bring the way to the daemon back")
    elif oldest is not None and time.time() - oldest > _LONG_S:
        report.advice("outbox", f"{said}; one waits for over an hour", "`racing-coach-rig status` says why")
    elif contents.rejected:
        report.advice("outbox", said, "`racing-coach-rig rejected list` says why; `rejected retry` or `rejected drop`")
    else:
        report.good("outbox", said)


def _examine_space(settings: RigSettings, outbox: Outbox, report: Report) -> None:
    free = shutil.disk_usage(outbox.path.parent).free
    said = f"{free / 2**30:.1f} GiB free at {outbox.path.parent}"
    if free < _LITTLE:
        report.bad("disk", said, "make room, or name another place with RACING_COACH_OUTBOX__PATH")
    elif free < settings.outbox.max_bytes:
        report.advice("disk", said, "the outbox may want more than that: lower RACING_COACH_OUTBOX__MAX_BYTES")
    else:
        report.good("disk", said)


def _examine_clock(outbox: Outbox, report: Report) -> None:
    """The server wrote when it received a lap, the rig when the answer came: a moment later, if both clocks agree."""
    answered = [
        answered_at - entry.answer.received_at.timestamp()
        for entry, answered_at in outbox.answered_last(_LAST)
        if entry.answer is not None
    ]
    if not answered:
        report.advice("clock", f"it is {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC here", "no answer tells the server's")
        return
    off = min(answered, key=abs)
    if abs(off) <= _CLOCK_S:
        report.good("clock", f"agrees with the server's within {max(abs(off), 0.1):.1f} s")
    else:
        word = "ahead of" if off > 0 else "behind"
        report.bad("clock", f"{abs(off):.0f} s {word} the server's", "have the system set it from the network (NTP)")


def _examine_recordings(settings: RigSettings, report: Report) -> None:
    usual = Path.home() / "Documents" / "iRacing" / "telemetry"
    folder = settings.watch or usual
    if not folder.is_dir():
        if settings.watch is not None:
            report.bad("recordings", f"{folder} is not there", "correct RACING_COACH_WATCH, or make the folder")
        elif sys.platform == "win32":
            report.advice("recordings", f"{folder} is not there", "`run --live` needs none; else `run --watch FOLDER`")
        else:
            report.good("recordings", "no folder is named; `run --watch FOLDER` reads what comes into one")
        return
    times = [path.stat().st_mtime for path in folder.glob("*.ibt")]
    newest = f", the newest of {datetime.fromtimestamp(max(times), UTC):%Y-%m-%d %H:%M} UTC" if times else ""
    report.good("recordings", f"{len(times)} .ibt in {folder}{newest}")
