"""The proof in short: every kind of fault once, while six rigs drive 300 laps and more."""

import os

import pytest

from tests.faults.schedule import FAULTS
from tests.faults.soak import seeded_run

SEED = int(os.environ.get("RACING_COACH_TEST_SEED", "1"))


@pytest.mark.faults
@pytest.mark.mosquitto
@pytest.mark.timeout(420)
@pytest.mark.usefixtures("need_mosquitto")
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
