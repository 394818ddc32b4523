"""Before we connect: is another daemon alive with our client id?

A broker ends the older of two connections with one client id. Two daemons that both come back would throw
each other out for ever, so the second looks first, through a connection of its own that leaves nothing behind.
"""

import asyncio
import secrets

import structlog
from pydantic import ValidationError

from racing_coach_core.messages import DaemonState, Heartbeat
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import ClientIdInUseError

log = structlog.stdlib.get_logger(__name__)

_RETAINED_S = 0.5
"""For a broker that shows retained messages later than it answers."""


async def refuse_if_in_use(settings: Settings) -> None:
    """Watch the health topics for a daemon with our client id.

    A retained `online` alone proves nothing (its daemon may have been killed together with the broker), a
    heartbeat does; so it takes two intervals to be sure, and only where there is such a state.

    Raises:
        ClientIdInUseError: one is alive.
        BrokerError: the broker is not reached.
    """
    topics = settings.mqtt.topics
    probe = f"{settings.client_id}-probe-{secrets.token_hex(4)}"
    async with Connection(settings.mqtt, client_id=probe, receive_maximum=100, clean=True) as connection:
        said_of_health = [topics.health_state.filter, topics.heartbeat.filter]
        await connection.subscribe(said_of_health)
        # When the second is answered, what the first had to show is here, however slow this machine is.
        await connection.subscribe(said_of_health, retained=False)
        suspects: dict[str, float] = {}
        began = asyncio.get_running_loop().time()
        deadline = began + _RETAINED_S
        waits_s = 0.0
        watch = connection.deliveries()
        try:
            while True:
                # One deadline, not one for each message: other daemons' heartbeats come all the time.
                async with asyncio.timeout_at(deadline):
                    delivery = await anext(watch)
                delivery.acknowledge()
                delivery.release()
                _look(delivery, settings, suspects)
                if (longest_s := 2 * max(suspects.values(), default=0.0) + 1) > waits_s and suspects:
                    waits_s = longest_s
                    deadline = began + _RETAINED_S + waits_s
                    log.info(
                        "a daemon with this client id may be running, waiting for its heartbeat",
                        wait_s=waits_s,
                    )
        except TimeoutError:
            return


def _look(delivery: Delivery, settings: Settings, suspects: dict[str, float]) -> None:
    """Note who may have our client id, and how often it sends heartbeats, which need not be as often as we do."""
    topics = settings.mqtt.topics
    try:
        if topics.health_state.match(delivery.topic):
            state = DaemonState.model_validate_json(delivery.payload)
            if state.client_id not in _names(settings):
                return
            if state.online:
                suspects[state.instance] = state.heartbeat_interval_s or settings.health.interval_s
            else:
                suspects.pop(state.instance, None)
        elif topics.heartbeat.match(delivery.topic) and not delivery.retain:
            beat = Heartbeat.model_validate_json(delivery.payload)
            if beat.instance in suspects:
                raise ClientIdInUseError(settings.client_id, beat.instance)
    except ValidationError as error:
        log.warning("an unreadable health message", topic=delivery.topic, error=str(error).splitlines()[0])


def _names(settings: Settings) -> set[str]:
    """What a daemon with our client id says of it in its state. One of before says the id itself, as it was then."""
    return {settings.public_client_name, settings.mqtt.client_id or f"racing-coach-{settings.instance}"}
