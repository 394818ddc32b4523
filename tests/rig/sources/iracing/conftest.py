"""A file for a recording."""

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "testcar_testring 2024-05-01 12-00-00.ibt"
