"""A rig with an outbox."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.infra import RIGS

from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.outbox.outbox import Outbox

_names = itertools.cycle(RIGS)


@pytest.fixture
def rig() -> str:
    """The next rig, so that tests one after the other do not see each other's laps."""
    return next(_names)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(OutboxSettings(path=tmp_path / "outbox.sqlite3")) as found:
        yield found
