"""Settings of the way to the database."""

import inspect
from typing import Annotated, Final, Literal

import asyncpg
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_URL_OPTIONS: Final = frozenset({"sslmode", *inspect.signature(asyncpg.connect).parameters})
"""What may follow the `?` of a database's URL: asyncpg's own, and libpq's `sslmode`, which asyncpg calls `ssl`."""


def _database_url(value: SecretStr) -> SecretStr:
    try:
        url = make_url(value.get_secret_value())
    except (ArgumentError, ValueError) as error:
        raise ValueError(
            "is no URL such as postgresql://user:password@host:5432/database;"
            " in a password, percent-encode @ : / ? # and %, as %40 is @"
        ) from error
    if "@" in (url.host or ""):
        raise ValueError("has an '@' in the user or the password: percent-encode it, as %40")
    if url.get_backend_name() != "postgresql":
        raise ValueError(f"must begin with postgresql://, not {url.drivername}://")
    if unknown := sorted(set(url.query) - _URL_OPTIONS):
        raise ValueError(f"has an option that is not known: {', '.join(unknown)}")
    return value


def shown_url(text: str) -> str:
    """A database's URL without its password, and without what follows the `?`, where there may be another.

    >>> shown_url("postgresql://coach:hush@db:5433/laps?password=hush")
    'postgresql://coach:***@db:5433/laps'
    """
    return make_url(text).set(query={}).render_as_string(hide_password=True)


SHOWN_SECRETS: Final = {f"RACING_COACH_DATABASE__{name}": shown_url for name in ("URL", "READ_URL")}
"""What may be shown of a secret."""


class DatabaseSettings(BaseModel):
    """The way to PostgreSQL."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr(
        "postgresql://racing_coach@127.0.0.1:5432/racing_coach"
    )
    read_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = Field(
        default=None, description="a read replica, for those who only read; what it lags behind is said"
    )
    connect_timeout_s: float = Field(default=10.0, gt=0, description="without a connection for so long: tried again")
    command_timeout_s: float = Field(
        default=60.0, gt=0, description="a statement without an answer for so long is tried again"
    )
    synchronous_commit: Literal["on", "remote_apply", "remote_write", "local"] = Field(
        default="on", description="'off' would answer laps before they are safe and is not offered"
    )

    @property
    def for_reading(self) -> "DatabaseSettings":
        """The way to the read replica; to the database itself where there is none."""
        return self if self.read_url is None else self.model_copy(update={"url": self.read_url})

    @property
    def where(self) -> str:
        """Host, port and name of the database, without the secrets."""
        url = self.sqlalchemy_url
        return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"

    @property
    def sqlalchemy_url(self) -> URL:
        """The URL with the asyncpg driver."""
        url = make_url(self.url.get_secret_value()).set(drivername="postgresql+asyncpg")
        query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
        return url.set(query=query)
