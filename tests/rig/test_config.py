"""What the rig can be told."""

import pytest

from racing_coach_rig.config import load_settings
from racing_coach_rig.exceptions import RigConfigurationError


@pytest.mark.parametrize(("value", "driver"), [("Jo Example", "Jo Example"), ("  ", None), ("", None), (None, None)])
def test_the_driver_may_be_told(monkeypatch: pytest.MonkeyPatch, value: str | None, driver: str | None) -> None:
    """An empty variable says nothing."""
    if value is None:
        monkeypatch.delenv("RACING_COACH_DRIVER", raising=False)
    else:
        monkeypatch.setenv("RACING_COACH_DRIVER", value)
    assert load_settings().driver == driver


def test_a_driver_whose_name_is_no_id_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is the id too, and the wire has a limit for that."""
    monkeypatch.setenv("RACING_COACH_DRIVER", "D" * 65)
    with pytest.raises(RigConfigurationError, match="RACING_COACH_DRIVER"):
        load_settings()
