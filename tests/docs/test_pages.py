"""Every block of commands in the documentation is run by a test, or says here why not."""

import re
from pathlib import Path

from tests.docs.pages import blocks

RUN_ELSEWHERE = {
    "README.md: make demo": "tests/demo/test_demo.py runs what it starts",
    "README.md: make test": "it is what runs this",
    "CONTRIBUTING.md: make test": "it is what runs this",
    "docs/backup.md: racing-coach backup /backups/2026-05-01": "tests/server/backup/test_backup.py",
    "docs/backup.md: sudo systemctl stop racing-coach racing-coach restore /backu": "tests/server/backup/test_backup.py",
    "mosquitto/README.md: racing-coach end-session racing-coach-main": "tests/server/commands/test_commands.py",
}

NOT_RUN = {
    "systemd/README.md: sudo python3.13 -m venv /opt/racing-coach sudo /opt/racing-c": "a second installation, of minutes",
    "docs/scaling.md: pg_basebackup -h PRIMARY -U replicator -D /var/lib/postgresq": "a second server; see test_replica.py",
    'docs/wire-format.md: { "lap_id": "0b2f...", "session": {"session_id": "7b2c...",': "a shape, with ... for values",
    'docs/wire-format.md: {"status": "success", "message": "lap 7 stored, 4,727 frames': "a shape, with ... for values",
    'docs/wire-format.md: {"instance": "...", "version": "...", "timestamp": "...", "u': "a shape, with ... for values",
}


def run_here() -> set[str]:
    """The blocks that the tests beside this one ask for by their names."""
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
    return set(re.findall(r"""block\(\s*(?:\"([^\"]+)\")""", tests))


def test_no_block_is_forgotten() -> None:
    """A new one, and one whose words changed, has to find its test, or its place in these lists."""
    known = run_here() | RUN_ELSEWHERE.keys() | NOT_RUN.keys()
    names = {block.name for block in blocks("sh", "sql", "json")}

    assert sorted(names - known) == []
    assert sorted(known - names) == []


def test_no_block_is_both_run_and_not() -> None:
    """What is run is not excused."""
    assert not run_here() & (RUN_ELSEWHERE.keys() | NOT_RUN.keys())
