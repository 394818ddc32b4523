"""`analyze` in a process of its own: stopped, killed, and what is left behind then."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from tests.server.commands.stints import environment, racing_coach, state, stint, store
from tests.server.support import SHORT_TRACK, Stored, connected
from tests.waiting import TIMEOUT_S


@contextmanager
def process(url: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`racing-coach WORDS` in a process group of its own, as a shell starts it."""
    program = Path(sys.executable).with_name("racing-coach")
    with subprocess.Popen(
        [program, *words],
        env=environment(url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


async def a_worker_waits(url: str, command: subprocess.Popen[str]) -> None:
    """Until a worker waits for somebody's lock."""
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    deadline = time.monotonic() + TIMEOUT_S
    while await Stored(url).value(waiting) == 0:
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def no_worker_is_left(url: str) -> None:
    """Until no worker has a connection."""
    left = "select count(*) from pg_stat_activity where datname = current_database() and application_name like $1"
    deadline = time.monotonic() + TIMEOUT_S
    while await Stored(url).value(left, "racing-coach analyze%"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_workers_end_with_a_command_that_was_killed(database_url: str) -> None:
    """Nobody goes on with a work of which nobody knows."""
    laps = stint(2, track=SHORT_TRACK)
    await store(database_url, laps)
    async with connected(database_url) as other, other.transaction():
        for lap in laps:
            await other.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"lap_analysis:{lap.lap_id}")
        with process(database_url, "analyze", "--all", "--jobs", "2") as command:
            await a_worker_waits(database_url, command)
            workers = psutil.Process(command.pid).children(recursive=True)
            command.kill()
            command.wait()
            _, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=TIMEOUT_S)
    assert len(workers) >= 2
    assert alive == []


@pytest.mark.parametrize("jobs", [1, 2])
async def test_stopped_by_ctrl_c_it_says_how_far_it_came(database_url: str, jobs: int) -> None:
    """No lap is half done, no process stays behind, and the sentence says how to go on: which then finishes the rest."""
    laps = stint(12, track=SHORT_TRACK)
    await store(database_url, laps)
    await hold(database_url, laps[6].lap_id, jobs)


async def hold(url: str, held: UUID, jobs: int) -> None:
    """Have the command come to a lap that somebody else has in hand, stop it there, and go on as it says."""
    async with connected(url) as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"comparison:{held}")
        with process(url, "analyze", "--all", "--jobs", str(jobs)) as command:
            await a_worker_waits(url, command)
            command.send_signal(signal.SIGINT)
            if jobs > 1:
                await asyncio.sleep(1)
                await transaction.rollback()  # what is in hand is finished
            output, errors = await asyncio.to_thread(command.communicate, timeout=TIMEOUT_S)
        if jobs == 1:
            await transaction.rollback()
    assert command.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Aborted" not in errors
    assert output.startswith("stopped: ")
    await no_worker_is_left(url)
    done = [row for row in await state(url) if row[8] is not None]
    # All of a lap or nothing; with two workers the analyses of a page come first, and are whole.
    assert len(done) == int(output.split()[1])
    assert 0 < len(done) < 12
    assert all(row[6] is not None or row[0] == done[0][0] for row in done)

    when = output.split("--since ")[1].split("`")[0]
    rest = racing_coach(url, "analyze", "--since", when)

    assert rest.code == 0, rest
    assert all(row[8] is not None for row in await state(url))
