"""Every block of commands in the documentation is run by a test, or says here why not."""

import re
from pathlib import Path

from tests.docs.pages import PAGES, ROOT, blocks

from racing_coach_core.setting_sources import names
from racing_coach_rig.config import RigSettings
from racing_coach_server.config import Settings

NOT_OF_A_PROGRAM = tuple(f"RACING_COACH_{name}" for name in ("TEST", "BENCH", "ETC"))
"""What the beginnings are of variables of tests and benchmarks, and of `systemd/racing-coach-command`."""

RUN_ELSEWHERE = {
    "docs/scaling.md: RACING_COACH_CELL=north": "test_settings_on_pages_are_settings, below",
    'docs/web.md: RACING_COACH_WEB__HOST=0.0.0.0 RACING_COACH_WEB__PASSWORD="$': "tests/server/web",
    'docs/web.md: curl -u ":$PASSWORD" http://pit.example:8077/api/v1/laps cur': "tests/server/web",
    "docs/web.md: curl -N http://127.0.0.1:8077/api/v1/events": "tests/server/web/live",
    "docs/web.md: racing-coach laps report LAP --against best -o lap.html": "tests/server/commands",
    "README.md: make demo": "tests/demo/test_demo.py runs what it starts",
    "README.md: make test": "it is what runs this",
    "CONTRIBUTING.md: make test": "it is what runs this",
    "docs/backup.md: racing-coach backup /backups/2026-05-01": "tests/server/backup/test_backup.py",
    "mosquitto/README.md: racing-coach end-session racing-coach-main": "tests/server/commands/test_commands.py",
}

NOT_RUN = {
    "systemd/README.md: sudo apt install python3-venv sudo python3.13 -m venv /opt/r": "a second installation, of minutes",
    "docs/scaling.md: create role replicator login replication password '...'; alt": "a second server; see tests/standby.py",
    "docs/scaling.md: pg_basebackup -d 'host=PRIMARY user=replicator password=...'": "a second server; see tests/standby.py",
    "docs/backup.md: pg_basebackup -d 'host=coordinator user=replicator' -D /back": "needs servers with Citus",
    'docs/backup.md: touch "$PGDATA/recovery.signal" cat >> "$PGDATA/postgresql.c': "needs servers with Citus",
    "docs/scaling.md: racing-coach db upgrade": "needs servers with Citus; tests/server/database/test_placement.py",
    "docs/scaling.md: pg_dump --data-only --schema=public --exclude-table=alembic_": "needs servers with Citus",
    "docs/web.md: uv tool install '.[web]' racing-coach web": "a second installation, of minutes",
    'docs/wire-format.md: { "lap_id": "0b2f...", "session": {"session_id": "7b2c...",': "a shape, with ... for values",
    'docs/wire-format.md: {"status": "success", "message": "lap 7 stored, 4,727 frames': "a shape, with ... for values",
    'docs/wire-format.md: {"instance": "...", "version": "...", "timestamp": "...", "u': "a shape, with ... for values",
}


def run_here() -> set[str]:
    """The blocks that the tests beside this one ask for by their names."""
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
    return {double or single for double, single in re.findall(r"""block\(\s*(?:"([^"]+)"|'([^']+)')""", tests)}


def test_no_block_is_forgotten() -> None:
    """A new one, and one whose words changed, has to find its test, or its place in these lists."""
    known = run_here() | RUN_ELSEWHERE.keys() | NOT_RUN.keys()
    names = {block.name for block in blocks("sh", "sql", "json")}

    assert sorted(names - known) == []
    assert sorted(known - names) == []


def test_no_block_is_both_run_and_not() -> None:
    """What is run is not excused."""
    assert not run_here() & (RUN_ELSEWHERE.keys() | NOT_RUN.keys())


def test_settings_on_pages_are_settings() -> None:
    """Every whole name of a variable in the documentation is one that a program takes."""
    known = {*names(Settings), *names(RigSettings)}
    sections = {name.rpartition("__")[0] for name in known}
    for page in PAGES:
        for name in re.findall(r"RACING_COACH_[A-Z_]+[A-Z]", (ROOT / page).read_text()):
            if not name.startswith(NOT_OF_A_PROGRAM):
                assert name in known | sections, f"{page}: {name}"


def headings(page: Path) -> set[str]:
    """What a link to a heading of a page ends with."""
    found = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


def test_links_lead_somewhere() -> None:
    """To a file, and to a heading that is in it."""
    for page in [ROOT / name for name in PAGES] + [*(ROOT / "docs/decisions").glob("*.md")]:
        for name, heading in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", page.read_text()):
            there = page.parent / name if name else page
            assert there.exists(), f"{page.name}: {name}"
            assert not heading or heading in headings(there), f"{page.name}: {name}#{heading}"


def test_tests_that_pages_name_are_there() -> None:
    """A claim that is said to be held by a test is."""
    for page in [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in PAGES)]:
        for name, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?", page.read_text()):
            assert (ROOT / name).exists(), f"{page.name}: {name}"
            assert not test or f"def {test}(" in (ROOT / name).read_text(), f"{page.name}: {name}::{test}"
