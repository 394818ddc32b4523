"""Everything private to aiomqtt or paho that this project uses, and why.

Both are pinned below their next major version in pyproject.toml. A release that moves one of these names fails
tests/core/mqtt/test_reach.py by that name, and the linter keeps the reach out of every other file.
"""

from dataclasses import dataclass
from typing import Final

import aiomqtt
import paho.mqtt.client as paho

from racing_coach_core.mqtt.wire import Wire


@dataclass(frozen=True, slots=True)
class PrivateName:
    """An attribute of an instance of `owner`."""

    owner: type
    name: str
    why: str


PRIVATE_NAMES: Final = (
    PrivateName(
        aiomqtt.Client,
        "_client",
        "paho's client. aiomqtt offers neither manual acknowledgements, nor the PUBACK's reason code, nor CONNACK's "
        "properties, nor paho's callbacks, all of which are public in paho.",
    ),
    PrivateName(
        paho.Client,
        "_sock",
        "the socket. paho takes no socket from outside; it puts its own wrapper here for WebSockets, as we put `Wire`, "
        "which takes messages out of the stream, can pause, and counts. None: the connection is given up.",
    ),
    PrivateName(
        paho.Client,
        "_ping_t",
        "when the PINGREQ left that is not answered, 0 if none. paho hangs up when it is a keepalive old, also if the "
        "answer waits behind messages that we do not read yet, or the PINGREQ behind a large message of ours.",
    ),
)


def paho_of(client: aiomqtt.Client) -> paho.Client:
    """The paho client under an aiomqtt client."""
    return client._client


def set_socket(client: paho.Client, wire: Wire | None) -> None:
    """Have paho read and write through this; None, and it holds itself for disconnected."""
    client._sock = wire


def forget_ping(client: paho.Client) -> None:
    """Have paho wait no longer for the answer to its PINGREQ; it sends the next one when that is due."""
    client._ping_t = 0
