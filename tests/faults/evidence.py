"""What is kept of a run in which something was found."""

import shutil
import tempfile
from pathlib import Path

from racing_coach_demo.child_process import ChildProcess
from tests.daemon import DaemonProcess


def kept_evidence(directory: Path, broker: ChildProcess, database: ChildProcess, daemon: DaemonProcess) -> Path:
    """Copy the rigs' files and everybody's log. Returns where to."""
    kept = Path(tempfile.mkdtemp(prefix="racing-coach-evidence-"))
    shutil.copytree(directory, kept, dirs_exist_ok=True)
    shutil.copy(broker.log_file, kept / "broker.log")
    shutil.copy(database.log_file, kept / "database.log")
    (kept / "daemon.log").write_text(daemon.text)
    return kept
