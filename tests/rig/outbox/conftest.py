"""An outbox in a folder of its own."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.outbox.outbox import Outbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not made yet" / "outbox.sqlite3"


@pytest.fixture
def open_outbox(path: Path) -> Iterator[Callable[..., Outbox]]:
    """Opens the same file again and again, with these settings."""
    opened: list[Outbox] = []

    def open_it(**settings: Any) -> Outbox:
        outbox = Outbox(OutboxSettings(path=path, **settings))
        outbox.open()
        opened.append(outbox)
        return outbox

    yield open_it
    for outbox in opened:
        outbox.close()


@pytest.fixture
def outbox(open_outbox: Callable[..., Outbox]) -> Outbox:
    return open_outbox()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The outbox's time, which the test sets forward."""
    now = SimpleNamespace(value=time.time())
    clock = SimpleNamespace(time=lambda: now.value, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("racing_coach_rig.outbox.outbox.time", clock)
    return now
