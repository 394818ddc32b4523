"""A broker that sends more than it was asked for (mosquitto before 2.0.21) is asked for one at a time from then on."""

import structlog

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import ConnectionLostError

log = structlog.stdlib.get_logger(__name__)


class ReceiveMaximumExceededError(ConnectionLostError):
    """The broker sends more than we asked for: we end the connection and ask for less."""


def check_receive_maximum(connection: Connection) -> None:
    """Look whether the broker keeps to it.

    Raises:
        ReceiveMaximumExceededError: it does not.
    """
    if connection.most_unacknowledged <= connection.receive_maximum:
        return
    log.warning(
        "the broker does not honour Receive Maximum above 1, falling back to 1",
        asked_for=connection.receive_maximum,
        unacknowledged=connection.most_unacknowledged,
        remedy="mosquitto 2.0.21 or newer lets several messages be in flight",
    )
    raise ReceiveMaximumExceededError("connecting again with Receive Maximum 1")
