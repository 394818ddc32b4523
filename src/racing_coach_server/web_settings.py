"""Settings of pages and API."""

from ipaddress import ip_address
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr, model_validator

_FEWEST_CHARACTERS: Final = 8


def _sign_in_password(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < _FEWEST_CHARACTERS:
        raise ValueError(f"must have at least {_FEWEST_CHARACTERS} characters")
    return value


class WebSettings(BaseModel):
    """Pages and API, `racing-coach web`; the daemon has no use for it."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="127.0.0.1", min_length=1, description="any but this machine's own needs a password")
    port: int = Field(default=8077, ge=1, le=65535)
    password: Annotated[SecretStr, AfterValidator(_sign_in_password)] | None = Field(
        default=None, description="with it, everybody signs in, on this machine too"
    )
    names: str = Field(default="", description="by which browsers call it, beside this machine's own; commas between")
    session_days: float = Field(default=30.0, gt=0, le=400, description="then a browser signs in again")
    cert_file: FilePath | None = Field(default=None, description="PEM file of the certificate: https")
    key_file: FilePath | None = Field(default=None, description="PEM file of the certificate's key")
    proxies: str = Field(
        default="127.0.0.1", description="addresses whose X-Forwarded-For and X-Forwarded-Proto are believed"
    )
    connections: int = Field(default=4, ge=1, le=64, description="to the database, besides two for the pit wall")
    statement_timeout_s: float = Field(default=10.0, gt=0, description="then the database ends a statement")
    days_on_the_wall: float = Field(
        default=1.0, gt=0, le=366, description="a rig is on the pit wall if it is online or drove within so many days"
    )

    @model_validator(mode="after")
    def _has_both_files(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file are set both or neither")
        return self

    @property
    def is_for_this_machine_only(self) -> bool:
        """Whether no other machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
