"""The arithmetic of the plan for fleets of several sizes."""

import dataclasses

import pytest
from benchmarks.fleet.capacity import Cost, Written, plan_rows, rig_rows

COST = Cost.seen(
    lap_s=100.0,
    laps_per_s=10.0,
    rigs=1_000,
    cores={"daemon": 0.7, "database": 0.4, "broker": 0.1},
    broker_mb=20.0,
    daemon_bytes=0.4e9,
    wire=0.8e6,
    laps=100,
    before=Written(1_000_000, 0, 50),
    after=Written(101_000_000, 200_000_000, 650),
)


def test_a_lap_costs_what_a_second_cost_divided_by_its_laps() -> None:
    """CPU of a step by its rate, disk and transactions of the whole run by all laps."""
    assert (COST.daemon_s, COST.database_s, COST.broker_s) == pytest.approx((0.07, 0.04, 0.01))
    assert (COST.disk, COST.wal, COST.commits, COST.broker_bytes) == (1e6, 2e6, 6.0, 20_000.0)


def test_rigs_of_a_core_a_disk_and_a_terabyte() -> None:
    """A lap's time divided by what it takes."""
    rows = {row[0]: row[2] for row in rig_rows(COST)}
    assert rows["core, for everything"] == "100 s / 120 ms = 833"
    assert rows["disk that writes 100 MB/s"] == "100 s · 100 / 3.00 = 3,333"
    assert rows["terabyte"] == "1,000,000 laps, 27,778 hours of driving"


def test_a_plan_for_every_size() -> None:
    """One machine for as long as one daemon does; then cells, and a database for all of them, or for those of a region."""
    header, *rows, so = plan_rows(COST)
    assert header[1:] == ["100", "1,000", "10,000", "100,000"]
    assert rows[0][1:] == ["1.0", "10.0", "100.0", "1,000.0"]
    assert rows[2][1:] == ["1", "1", "10", "100"]
    assert rows[4][1:] == ["0.4", "0.4", "4.2", "42.0"]
    assert so[1] == "one machine of 2 cores"
    assert so[3] == "10 cells of 2 cores, a coordinator and 3 workers of 8 cores and 16 TB (Citus)"
    assert so[4].startswith("4 regions, each of 25 cells of 2 cores, a coordinator and 7 workers of 8 cores")


def test_a_database_server_takes_what_its_cores_and_its_disk_do() -> None:
    """One of them for laps that are small; as many as the cores ask for, where those are scarcer than disk."""
    small = dataclasses.replace(COST, disk=1e5)
    assert plan_rows(small)[-1][3] == "10 cells of 2 cores, a database server of 8 cores and 16 TB"
    assert "a coordinator and 8 workers" in plan_rows(small)[-1][4]
