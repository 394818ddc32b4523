"""Hears what the coach says of laps that are stored. Nothing of it can disturb the sending."""

from uuid import UUID

import structlog
from pydantic import ValidationError

from racing_coach_core.coaching import Coaching
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.mqtt.exceptions import BrokerRefusedError
from racing_coach_core.topics import Topics

log = structlog.stdlib.get_logger(__name__)

_MAX_BYTES = 1 << 20
"""A message with all the advice there may be takes some kilobytes."""
_KEPT = 1_000


class CoachingEar:
    """What the coach said to this rig, by lap; the last thousand laps of it.

    Args:
        topics: of the wire contract.
        rig: this rig's name.
    """

    def __init__(self, topics: Topics, rig: str) -> None:
        self._filter = topics.coaching.filter_for(rig=rig)
        self._template = topics.coaching
        self.said: dict[UUID, Coaching] = {}

    async def subscribe(self, connection: Connection) -> None:
        """Ask for it. A broker that does not let us is told of once a connection, and laps go on being sent.

        Raises:
            ConnectionLostError: the connection ended.
        """
        try:
            await connection.subscribe([self._filter])
        except BrokerRefusedError as error:
            log.warning("the coach is not heard, laps are sent all the same", reason=str(error))

    def is_coaching(self, delivery: Delivery) -> bool:
        """Whether a message is the coach's."""
        return self._template.match(delivery.topic) is not None

    def take(self, delivery: Delivery) -> None:
        """Take a message of the coach's; one that cannot be read is left alone."""
        if len(delivery.payload) > _MAX_BYTES:
            log.warning("a word of the coach too large to be one", bytes=len(delivery.payload))
            return
        try:
            said = Coaching.model_validate_json(delivery.payload)
        except ValidationError as error:
            log.warning("an unreadable word of the coach", error=str(error).splitlines()[0])
            return
        self.said.pop(said.lap_id, None)
        self.said[said.lap_id] = said
        if len(self.said) > _KEPT:
            del self.said[next(iter(self.said))]
        for line in in_words(said):
            log.info("coach", lap=said.lap_number, says=line)


def in_words(said: Coaching) -> list[str]:
    """What the coach says of a lap, a line each: advice, praise, or why there is none."""
    lines = [advice.text for advice in said.advice] + [praise.text for praise in said.praise]
    if not lines and said.silence_text:
        lines.append(said.silence_text)
    return lines
