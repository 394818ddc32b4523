"""Settings that rig and daemon read alike: the way to the broker."""

import functools
import hashlib
import ssl
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FilePath, SecretStr, model_validator

from racing_coach_core.topics import DEFAULT_PREFIX, Topics

_ROUNDS: Final = 200_000


def _topic_prefix(value: str) -> str:
    if not value or set(value) & set("+#\0") or value[0] in "/$" or value[-1] == "/":
        raise ValueError("must be the beginning of a topic, such as racing-coach/v1")
    return value


def _or_none(value: object) -> object:
    """A variable that is set and empty says nothing."""
    return None if value == "" else value


class TlsSettings(BaseModel):
    """TLS to the broker; used as soon as one of its fields is set."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(default=False, description="TLS with the system's certificate authorities")
    ca_file: FilePath | None = Field(default=None, description="PEM file of the authority that signed the broker")
    cert_file: FilePath | None = Field(default=None, description="PEM file of the client certificate")
    key_file: FilePath | None = Field(default=None, description="PEM file of the client certificate's key")

    @model_validator(mode="after")
    def _can_be_loaded(self) -> Self:
        try:
            self.context()
        except OSError as error:
            raise ValueError(f"the files cannot be used: {error}") from error
        return self

    def context(self) -> ssl.SSLContext | None:
        """The TLS context, None for a plain connection.

        Raises:
            OSError: a file that cannot be read.
        """
        if not (self.enabled or self.ca_file or self.cert_file):
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


class MqttSettings(BaseModel):
    """The way to the broker.

    Attributes:
        host, port: of the broker's MQTT listener.
        username, password: of the account at the broker; on a broker with our access list the user is the rig's name.
        client_id: fixed, because the broker keeps the queue under it; made from the name of rig or daemon if not set.
        topic_prefix: the beginning of all topics, without a slash at its end.
        keepalive_s: s without a packet after which the two ends ask each other whether they are still there.
        timeout_s: s to wait for CONNACK, SUBACK and PUBACK.
        session_expiry_s: s for which the broker is asked to keep the queue of an absent client.
        tls: to the broker.
    """

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=1883, ge=1, le=65535)
    username: Annotated[str | None, BeforeValidator(_or_none)] = None
    password: Annotated[SecretStr | None, BeforeValidator(_or_none)] = None
    client_id: str | None = Field(
        default=None, description="fixed client id of the persistent session; made from name and password if not set"
    )
    topic_prefix: Annotated[str, AfterValidator(_topic_prefix)] = DEFAULT_PREFIX
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    timeout_s: float = Field(default=20.0, gt=0, description="wait for CONNACK, SUBACK and PUBACK")
    session_expiry_s: int = Field(
        default=30 * 86_400, ge=60, description="how long the broker keeps the queue of an absent client"
    )
    tls: TlsSettings = TlsSettings()

    @property
    def topics(self) -> Topics:
        """The topics below the configured prefix."""
        return Topics(self.topic_prefix)

    @property
    def missing_credentials(self) -> str | None:
        """What of user and password is not set, for people; None where both are."""
        named = {
            "user (RACING_COACH_MQTT__USERNAME)": self.username,
            "password (RACING_COACH_MQTT__PASSWORD)": self.password,
        }
        return " and no ".join(name for name, value in named.items() if value is None) or None

    def unguessable(self, name: str) -> str:
        """A name that is the same at each start, and that nobody can guess who does not know our password.

        Whoever knows a client id or a shared group's name can take its messages, and a broker need not ask whose they
        are. Without a password there is nothing to make it of, and on such a broker nothing to keep from anybody.

        >>> MqttSettings(password="secret").unguessable("rig-1")
        'rig-1-315c20fbfc48a17ac345f90e'
        >>> MqttSettings().unguessable("rig-1")
        'rig-1'
        """
        if self.password is None:
            return name
        return f"{name}-{_proof(self.password.get_secret_value(), name)}"


@functools.lru_cache(maxsize=64)
def _proof(password: str, name: str) -> str:
    """What follows from a password, and is of no help in guessing it: a guess takes as long as this does, 50 ms."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), name.encode(), _ROUNDS, 12).hex()
