"""The proof: every kind of fault once, while six rigs drive 300 laps and more; and, shorter, a kill of everything."""

import os

import pytest

from tests.faults.fault import FAULTS
from tests.faults.soak import seeded_run

SEED = int(os.environ.get("RACING_COACH_TEST_SEED", "1"))


pytestmark = [pytest.mark.faults, pytest.mark.mosquitto, pytest.mark.usefixtures("need_mosquitto")]

SHORT = [
    "daemon killed",
    "broker killed, its disk lost",
    "database killed",
    "database connections terminated",
    "rig killed",
    "sockets cut in mid-payload",
]


async def test_no_kill_loses_doubles_or_halves_a_lap() -> None:
    """After each thing was killed each spooled lap is stored once and whole, and none was acked before its commit."""
    report = await seeded_run(seed=SEED, minutes=None, laps=36, only=SHORT)
    assert report.findings == [], report.table()
    assert report.faults.keys() == set(SHORT)
    assert report.spooled == report.acked == report.in_database >= 36
    assert report.seen.looked_at >= 12
    assert report.seen.heartbeats >= 5


@pytest.mark.long
@pytest.mark.timeout(420)
async def test_no_fault_loses_doubles_or_halves_a_lap(capsys: pytest.CaptureFixture[str]) -> None:
    """After every kind of fault each spooled lap is stored once and whole, and none was acked before its commit."""
    report = await seeded_run(seed=SEED, minutes=None, laps=312)
    with capsys.disabled():
        print("\n" + report.table())
    assert report.findings == []
    assert report.faults.keys() == FAULTS.keys()
    assert report.spooled == report.acked == report.in_database >= 300
    assert report.seen.looked_at >= 100
    assert report.seen.heartbeats >= 20
    assert report.seen.degraded
