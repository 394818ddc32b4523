"""The demo, as a newcomer runs it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from tests.waiting import TIMEOUT_S

from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_rig.sources.simulator import Simulator

COMMAND = [sys.executable, "-m", "racing_coach_server.main", "demo", "--rigs", "2", "--laps", "2"]


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("RACING_COACH_")} | {"COLUMNS": "200"}


def test_demo_shows_what_happened(tmp_path: Path) -> None:
    """It prints laps, answers, rows and a heartbeat, and draws a lap."""
    done = subprocess.run(
        COMMAND, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 laps sent, 4 answered, 4 stored" in done.stdout
    assert re.search(r"telemetry\s+│\s+1\d,\d{3}", done.stdout)
    assert "received 4 = stored 4 + duplicate 0 + rejected 0 + in flight 0" in done.stdout
    assert (tmp_path / "build" / "demo" / "lap.png").stat().st_size > 50_000
    report = tmp_path / "build" / "demo" / "report.html"
    assert f"report of the fastest lap against the next, for a browser: {report}" in done.stdout
    assert 50_000 < report.stat().st_size <= 500_000


@pytest.mark.long  # what it prints; that it drives, and that nothing outlives it, is above and in test_embedded.py
def test_kept_demo_takes_a_lap_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """With --keep the command it prints publishes a lap; Ctrl-C ends every process it started."""
    demo = subprocess.Popen([*COMMAND, "--keep"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        output = read_until(demo, "Ctrl-C ends it")
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(family) >= 3
        lap = tmp_path / "my-lap.arrow"
        lap.write_bytes(encode_lap(next(Simulator(seed=99).laps(1)), Encoding.ARROW))
        exports = "".join(re.findall(r"^  export .*\n", output, re.MULTILINE))
        (pit_wall,) = re.findall(r"The pit wall, for a browser: (http://\S+)", output)
        assert on_the_wall(pit_wall, count=2) == {"rig-1", "rig-2"}
        told = re.findall(r"^  (racing-coach.*)", output, re.MULTILINE)
        assert [command.split()[:2] for command in told] == [
            ["racing-coach-rig", "publish"],
            ["racing-coach-rig", "status"],
            ["racing-coach", "laps"],
            ["racing-coach", "doctor"],
        ]
        published, *others = (in_shell(exports + command.replace("FILE.csv", str(lap))) for command in told)
        assert published.returncode == 0, published.stdout + published.stderr
        assert "success" in published.stdout
        assert [done.returncode for done in others] == [0, 0, 0], [done.stdout + done.stderr for done in others]
        assert "my-rig" in others[1].stdout
        demo.send_signal(signal.SIGINT)
        assert demo.wait(120) == 130
        _, alive = psutil.wait_procs(family, timeout=TIMEOUT_S)
        assert alive == []
    finally:
        demo.kill()
        demo.wait()


def on_the_wall(url: str, *, count: int) -> set[str]:
    """The rigs on the pit wall, once there are so many: it is served before it has read what is stored."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        rigs = {rig["rig_id"] for rig in httpx.get(f"{url}api/v1/pit-wall").json()["rigs"]}
        if len(rigs) == count or time.monotonic() > deadline:
            return rigs
        time.sleep(0.1)


def in_shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        script, shell=True, env=environment(), capture_output=True, text=True, timeout=240, check=False
    )


def read_until(process: subprocess.Popen[str], text: str, timeout_s: float = 240) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + timeout_s
    output = ""
    while text not in output:
        assert time.monotonic() < deadline, output
        line = process.stdout.readline()
        assert line, output
        output += line
    return output


@pytest.mark.long  # test_embedded.py does the same to a parent that has no rigs
def test_a_killed_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    """SIGKILL of the demo ends the servers and the daemon too, a moment later."""
    demo = subprocess.Popen([*COMMAND, "--keep"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        read_until(demo, "Ctrl-C ends it")
        family = psutil.Process(demo.pid).children(recursive=True)
    finally:
        demo.kill()
        demo.wait()
    _, alive = psutil.wait_procs(family, timeout=TIMEOUT_S)
    assert alive == []


@pytest.mark.long
def test_the_coach_tells_each_driver_what_is_true(tmp_path: Path) -> None:
    """Who brakes early hears to brake later at that corner, who is late on the throttle likewise, who is clean nothing."""
    program = [*COMMAND[:4], "--rigs", "3", "--laps", "6"]
    done = subprocess.run(
        program,
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    told = {
        line.split("│")[2].strip(): line
        for line in done.stdout.splitlines()
        if "turn" in line.lower() or "no habit" in line
    }

    assert "No loss that is more than your usual spread." in told["Ines Aubrac"]
    assert re.search(r"brakes 30 m early for turn (\d+);.*Turn \1: brake \d+ m later", told["Tomas Velde"])
    assert re.search(r"late on the throttle out of turn (\d+);.*Turn \1: throttle \d+ m earlier", told["Priya Raman"])
