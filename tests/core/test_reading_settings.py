"""What is set and is no setting is an error that says what may be meant; each program leaves the other's alone."""

import os
import re
from pathlib import Path

import pytest

from racing_coach_core.exceptions import SettingsError
from racing_coach_core.reading_settings import SECTIONS, read_settings
from racing_coach_core.setting_sources import EnvironmentSettings, names, origin_of, origins
from racing_coach_rig.config import RigSettings
from racing_coach_server.config import Settings

BOTH = [Settings, RigSettings]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine, an empty directory, and no file of the machine's."""
    for name in list(os.environ):
        if name.startswith("RACING_COACH_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("RACING_COACH_ETC", str(tmp_path / "etc"))


@pytest.mark.parametrize("settings", BOTH)
def test_the_sections_are_those_of_the_settings(settings: type[EnvironmentSettings]) -> None:
    """What each program leaves to the other is what the other has."""
    assert SECTIONS[settings.program] == {name.upper() for name in settings.model_fields}


@pytest.mark.parametrize(
    ("settings", "name", "meant"),
    [
        (Settings, "MQTT_HOST", "MQTT__HOST"),
        (Settings, "DATABASE_URL", "DATABASE__URL"),
        (Settings, "MQTT__PASWORD", "MQTT__PASSWORD"),
        (Settings, "DELIVERY__REJECTED_ROWS", "DELIVERY__REJECTED__ROWS"),
        (Settings, "INSTANC", "INSTANCE"),
        (RigSettings, "MQTT_PASSWORD", "MQTT__PASSWORD"),
        (RigSettings, "OUTBOX_PATH", "OUTBOX__PATH"),
        (RigSettings, "RIGS", "RIG"),
    ],
)
@pytest.mark.parametrize("where", ["environment", ".env", "own file", "credentials"])
def test_a_misspelt_name_is_an_error_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: type[EnvironmentSettings],
    name: str,
    meant: str,
    where: str,
) -> None:
    """It is named, with the nearest name that there is and the place where it is set."""
    whole = f"RACING_COACH_{name}"
    own = settings.own_file()
    assert own is not None
    match where:
        case "environment":
            monkeypatch.setenv(whole, "hush")
        case ".env":
            (tmp_path / ".env").write_text(f"{whole}=hush\n")
        case "own file":
            own.parent.mkdir(parents=True)
            own.write_text(f"{whole}=hush\n")
        case _:
            (tmp_path / whole).write_text("hush\n")
            monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    with pytest.raises(SettingsError) as raised:
        read_settings(settings)

    said = str(raised.value)
    assert said.startswith(f"{whole}: is not a setting; did you mean RACING_COACH_{meant}?")
    assert {"environment": "environment", ".env": "/.env", "own file": str(own), "credentials": "credentials in"}[
        where
    ] in said
    assert "hush" not in said


@pytest.mark.parametrize(
    ("settings", "name"),
    [(Settings, "OUTBOX__PATH"), (Settings, "RIG"), (RigSettings, "DATABASE__URL"), (RigSettings, "LOG__LEVEL")],
)
def test_the_other_programs_settings_are_its_own(
    monkeypatch: pytest.MonkeyPatch, settings: type[EnvironmentSettings], name: str
) -> None:
    """A machine that is both has one environment."""
    monkeypatch.setenv(f"RACING_COACH_{name}", "x")

    read_settings(settings)


def test_what_is_no_setting_and_near_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is suggested where nothing is near."""
    monkeypatch.setenv("RACING_COACH_XYZZY", "x")

    with pytest.raises(SettingsError, match=r"XYZZY: is not a setting; `config show` lists"):
        read_settings(Settings)


def test_all_of_it_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong names and wrong values in one go, each once."""
    monkeypatch.setenv("RACING_COACH_MQTT__PORT", "x")
    monkeypatch.setenv("RACING_COACH_MQTT__HOTS", "x")

    with pytest.raises(SettingsError) as raised:
        read_settings(Settings)

    assert sorted(re.findall(r"RACING_COACH_\w+(?=:)", str(raised.value))) == [
        "RACING_COACH_MQTT__HOTS",
        "RACING_COACH_MQTT__PORT",
    ]


def test_a_section_as_json_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in it that is none is an error in plain words."""
    monkeypatch.setenv("RACING_COACH_MQTT", '{"hots": "x"}')

    with pytest.raises(SettingsError, match=r"MQTT__HOTS: is not a setting; did you mean RACING_COACH_MQTT__HOST"):
        read_settings(Settings)


def test_the_first_place_that_has_a_setting_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Environment, .env, the program's own file, credentials; and each knows what came from it."""
    own = RigSettings.own_file()
    own.parent.mkdir(parents=True)
    own.write_text(
        "RACING_COACH_MQTT__HOST=own\nRACING_COACH_MQTT__PORT=3\nRACING_COACH_RIG=own file # 1\n".replace(
            " file # 1", ""
        )
    )
    (tmp_path / ".env").write_text("RACING_COACH_MQTT__HOST=dotenv\nRACING_COACH_MQTT__USERNAME=dotenv\n")
    monkeypatch.setenv("RACING_COACH_MQTT__HOST", "environment")

    settings, found = read_settings(RigSettings), origins(RigSettings)

    assert (settings.mqtt.host, settings.mqtt.username, settings.mqtt.port, settings.rig) == (
        "environment",
        "dotenv",
        3,
        "own",
    )
    where = {
        name: origin_of(f"RACING_COACH_{name}", found) for name in ("MQTT__HOST", "MQTT__USERNAME", "RIG", "DRIVER")
    }
    assert [origin and origin.name for origin in where.values()] == [
        "environment",
        str(tmp_path / ".env"),
        str(own),
        None,
    ]


def test_an_empty_password_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with `RACING_COACH_MQTT__PASSWORD=` sets no password."""
    monkeypatch.setenv("RACING_COACH_MQTT__PASSWORD", "")

    assert read_settings(RigSettings).mqtt.password is None


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that systemd gives its settings need not read the file; `config show` says that it could not."""

    def refuse(self: Path, *_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/racing-coach.env").write_text("RACING_COACH_INSTANCE=x\n")
    monkeypatch.setattr(Path, "read_text", refuse)

    *_, origin = origins(Settings)

    assert (origin.name, origin.trouble) == (str(tmp_path / "etc/racing-coach.env"), "this user may not read it")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """PowerShell writes UTF-16 unless it is told otherwise."""
    (tmp_path / ".env").write_bytes("RACING_COACH_RIG=x\n".encode("utf-16"))

    with pytest.raises(SettingsError, match=r"\.env: is not UTF-8"):
        read_settings(RigSettings)


def test_every_setting_has_a_name_of_its_own() -> None:
    """As many names as there are, none twice."""
    for settings in BOTH:
        assert len(list(names(settings))) == len(set(names(settings))) > 15
