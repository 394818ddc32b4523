"""Where settings come from: environment, `.env`, a program's own file, systemd's credentials; the first one wins."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

from dotenv import dotenv_values
from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from racing_coach_core.env_files import parse_env_file
from racing_coach_core.exceptions import UnreadableSettingsError

ENV_PREFIX: Final = "RACING_COACH_"


@dataclass(frozen=True, slots=True)
class Origin:
    """One place that settings come from.

    Attributes:
        name: for people: `environment`, or the file.
        values: what it says, by the whole name of each variable, in capitals.
        trouble: why it could not be read.
    """

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    trouble: str | None = None


class EnvironmentSettings(BaseSettings):
    """Settings from the environment, then `.env`, then the program's own file, then systemd's credentials.

    A credential is a file in `$CREDENTIALS_DIRECTORY`, named like the variable it stands for.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="ignore")

    program: ClassVar[str]
    """The command, as it is typed."""

    @classmethod
    def own_file(cls) -> Path | None:
        """The program's own file; none unless a program names one."""
        return None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic-settings' signature)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was given in the program, then each origin in its order."""
        return (init_settings, *(_source(settings_cls, origin) for origin in origins(cls)))


def origins(settings: type[EnvironmentSettings]) -> list[Origin]:
    """Everything that says something, the strongest first.

    Raises:
        UnreadableSettingsError: a file that is no text.
    """
    found = [Origin("environment", _ours(os.environ)), _file(Path(".env"), _read_dotenv)]
    own = settings.own_file()
    if own is not None:
        found.append(_file(own, _read_as_systemd))
    found.append(_credentials())
    return [origin for origin in found if origin.values or origin.trouble]


def names(model: type[BaseModel], before: str = ENV_PREFIX) -> Iterator[str]:
    """The names of all variables that a model knows.

    >>> from racing_coach_core.settings import TlsSettings
    >>> list(names(TlsSettings, "RACING_COACH_MQTT__TLS__"))[0]
    'RACING_COACH_MQTT__TLS__ENABLED'
    """
    for name, known in model.model_fields.items():
        whole, inner = f"{before}{name.upper()}", known.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from names(inner, f"{whole}__")
        else:
            yield whole


def origin_of(name: str, among: list[Origin]) -> Origin | None:
    """The one that says what a variable is; None where nothing does, and its default holds."""
    return next((origin for origin in among if _says(origin, name)), None)


def _says(origin: Origin, name: str) -> bool:
    """Whether it has the variable, or a whole section as JSON that the variable is of."""
    return any(name == given or name.startswith(f"{given}__") for given in origin.values)


def _source(settings: type[BaseSettings], origin: Origin) -> EnvSettingsSource:
    source = EnvSettingsSource(settings)
    source.env_vars = {name.lower(): value for name, value in origin.values.items()}
    return source


def _ours(values: Mapping[str, str | None]) -> dict[str, str]:
    upper = {name.upper(): value for name, value in values.items()}
    return {name: value for name, value in upper.items() if name.startswith(ENV_PREFIX) and value is not None}


def _file(path: Path, read: Any) -> Origin:
    try:
        return Origin(str(path.absolute()), _ours(read(path))) if path.is_file() else Origin(str(path))
    except PermissionError:
        return Origin(str(path), trouble="this user may not read it")
    except UnicodeDecodeError as error:
        raise UnreadableSettingsError(path, f"is not UTF-8 ({error})") from error
    except OSError as error:
        raise UnreadableSettingsError(path, f"cannot be read: {error.strerror}") from error


def _read_dotenv(path: Path) -> dict[str, str | None]:
    return dotenv_values(path, encoding="utf-8-sig")


def _read_as_systemd(path: Path) -> dict[str, str]:
    return parse_env_file(path.read_text(encoding="utf-8-sig"))


def _credentials() -> Origin:
    """A credential ends with the newline of the file that it was made of, as a rule."""
    directory = Path(os.environ.get("CREDENTIALS_DIRECTORY") or "/nowhere")
    origin = Origin(f"credentials in {directory}")
    values: dict[str, str] = {}
    try:
        for path in sorted(directory.iterdir()) if directory.is_dir() else []:
            if path.name.upper().startswith(ENV_PREFIX) and path.is_file():
                values[path.name.upper()] = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise UnreadableSettingsError(path, f"is not UTF-8 ({error})") from error
    except OSError as error:
        raise UnreadableSettingsError(directory, f"cannot be read: {error.strerror}") from error
    return Origin(origin.name, values)
