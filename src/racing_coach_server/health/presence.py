"""Whether the daemon is there: its retained state, and the will, which says it for a daemon that no longer can."""

from datetime import UTC, datetime

from racing_coach_core.messages import DaemonState
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import PublishRefusedError
from racing_coach_core.mqtt.will import Will
from racing_coach_server.config import VERSION, Settings
from racing_coach_server.messaging.trouble import Trouble


class Presence:
    """Publishes the daemon's state.

    Attributes:
        trouble: that the broker refuses it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.mqtt.topics.health_state.build(instance=settings.instance)
        self.trouble = Trouble("monitoring sees nothing of us", "monitoring sees us again")

    def will(self) -> Will:
        """What the broker says of us when we are gone without a word."""
        return Will(topic=self._topic, payload=self._state(online=False))

    async def say_online(self, connection: Connection) -> None:
        """Publish the retained state on a new connection. If the broker refuses it, laps are taken all the same."""
        try:
            await connection.publish(self._topic, self._state(online=True), retain=True)
        except PublishRefusedError as error:
            self.trouble.began(str(error))
        else:
            self.trouble.ended()

    async def say_offline(self, connection: Connection) -> None:
        """Publish the retained state before a clean stop."""
        await connection.publish(self._topic, self._state(online=False), retain=True)

    def _state(self, *, online: bool) -> bytes:
        settings = self._settings
        state = DaemonState(
            online=online,
            instance=settings.instance,
            version=VERSION,
            timestamp=datetime.now(UTC),
            client_id=settings.public_client_name,
            heartbeat_interval_s=settings.health.interval_s,
        )
        return state.model_dump_json().encode()
