"""The answer to a message: where it goes, and whether the broker took it."""

from typing import Final

import structlog

from racing_coach_core.mqtt.exceptions import ConnectionLostError, PacketTooLargeError, PublishRefusedError
from racing_coach_core.topics import Topics
from racing_coach_server.messaging.link import Link
from racing_coach_server.messaging.messages import Message, Reply
from racing_coach_server.messaging.router import AnyRoute
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_MAX_RESPONSE_TOPIC: Final = 512
_MAX_LEVELS: Final = 32


class Answers:
    """Publishes answers, and knows whether the broker refuses them."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self.trouble = Trouble("answers are refused by the broker", "answers are accepted again")

    async def publish(self, link: Link, route: AnyRoute, message: Message, reply: Reply) -> bool:
        """Publish the answer and see it accepted. Returns whether to acknowledge the message."""
        topic = self.topic(route, message)
        try:
            heard = await link.outgoing.publish(
                topic, reply.payload, content_type=reply.content_type, correlation_data=message.correlation_data
            )
        except (PublishRefusedError, PacketTooLargeError) as error:
            # Committed but not told: the rig keeps the message and asks again. Not to acknowledge would stall
            # every other rig behind a mistake in the broker's access list.
            self.trouble.began(str(error))
            return True
        except ConnectionLostError as error:
            log.debug("not answered, the broker will send it again", error=str(error))
            # Which it does on another link only: on this one, if it stands after all, the message would hold up
            # the acknowledgement of all behind it for ever.
            link.outgoing.abort()
            return False
        self.trouble.ended()
        if not heard:
            log.debug("nobody is subscribed to the answer", answer_topic=topic)
        return True

    def topic(self, route: AnyRoute, message: Message) -> str:
        """Where a message is answered: among the sender's own answers, whatever its Response Topic says."""
        wanted, rig = message.response_topic, message.segments.get("rig")
        if wanted and rig and wanted.startswith(self._topics.answers_below(rig)) and _can_be_answered(wanted):
            return wanted
        return route.answers.build_unchecked(**message.segments)


def _can_be_answered(topic: str) -> bool:
    """Whether every broker takes a message on this topic: one that does not ends the connection.

    mosquitto passes a Response Topic on as it is, and hangs up on whoever then publishes there if it has 200 levels.
    """
    visible = all("!" <= character <= "~" and character not in "+#" for character in topic)
    return visible and len(topic) <= _MAX_RESPONSE_TOPIC and topic.count("/") < _MAX_LEVELS
