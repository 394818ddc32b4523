"""Log lines: JSON for the journal, readable on a terminal, the libraries' among them."""

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import TIMEOUT_S

_PROGRAM = """
import asyncio, logging, sys, structlog
from racing_coach_server.config import LogSettings
from racing_coach_server.logging import configure_logging

configure_logging(LogSettings(level={level!r}, format={format!r}))
log = structlog.stdlib.get_logger("racing_coach_server.test")
with structlog.contextvars.bound_contextvars(rig="rig-1"):
    log.info("lap stored", frames=800, name="Nürburgring")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("handler failed")
log.debug("details")
logging.getLogger("sqlalchemy").warning("a library says %s", "so")
logging.getLogger("mqtt").warning("a packet")
logging.getLogger("alembic.runtime").info("Context impl PostgresqlImpl")
"""


@functools.cache
def run(level: str = "INFO", format_: str = "json") -> str:
    program = _PROGRAM.format(level=level, format=format_)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    assert result.stdout == ""
    return result.stderr


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_is_one_json_object_with_its_facts() -> None:
    """Event, level, logger, time in UTC, the facts, and what was bound before."""
    (stored, *_) = lines(run())

    assert stored["event"] == "lap stored"
    assert stored["level"] == "info"
    assert stored["logger"] == "racing_coach_server.test"
    assert stored["timestamp"].endswith("Z")
    assert (stored["frames"], stored["rig"], stored["name"]) == (800, "rig-1", "Nürburgring")


def test_a_traceback_stays_in_its_line() -> None:
    """An exception is a field, not lines of its own that the journal would tear apart."""
    failed = lines(run())[1]

    assert failed["event"] == "handler failed"
    assert failed["level"] == "error"
    assert "ZeroDivisionError: division by zero" in failed["exception"]


def test_the_libraries_speak_the_same_language_if_they_matter() -> None:
    """Standard logging comes out the same way; every packet of paho and every context of Alembic do not."""
    events = {line["event"]: line for line in lines(run())}

    assert events["a library says so"]["logger"] == "sqlalchemy"
    assert "a packet" not in events
    assert "Context impl PostgresqlImpl" not in events


def test_a_line_that_cannot_be_written_is_lost_and_holds_nobody_up() -> None:
    """A full disk for logs is no reason to stop: the program goes on to its end."""
    program = _PROGRAM.format(level="INFO", format="json") + "\nprint('at its end', flush=True)\n"
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert result.stdout == "at its end\n"


def test_lines_of_several_threads_do_not_mix() -> None:
    """Ours and a library's; followers have a thread of their own."""
    program = (
        _PROGRAM.format(level="INFO", format="json")
        + """
import threading
def write(number):
    for at in range(200):
        log.info("ours", number=number, at=at, much="x" * 3000)
        logging.getLogger("sqlalchemy").warning("theirs %s", number)
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    events = [line["event"].partition(" ")[0] for line in lines(result.stderr)]
    assert (events.count("ours"), events.count("theirs")) == (800, 800)


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", True), ("INFO", False), ("ERROR", False)])
def test_the_level_is_kept(level: str, *, shown: bool) -> None:
    """Below the level nothing is written."""
    events = [line["event"] for line in lines(run(level))]

    assert ("details" in events) is shown
    assert ("lap stored" in events) is (level != "ERROR")


def test_auto_is_json_where_there_is_no_terminal() -> None:
    """Under systemd, standard error is no terminal."""
    assert lines(run(format_="auto"))[0]["event"] == "lap stored"


def test_the_console_format_is_for_people() -> None:
    """On a terminal: no JSON."""
    text = run(format_="console")

    assert "lap stored" in text
    assert not text.startswith("{")
