"""Before we connect: is another daemon alive with our client id?

A broker ends the older of two connections with one client id. Two daemons that both come back would throw
each other out for ever, so the second looks first, through a connection of its own that leaves nothing behind.
"""

import asyncio
import secrets

import structlog
from pydantic import ValidationError

from racing_coach_core.messages import DaemonState, Heartbeat
from racing_coach_core.mqtt import Connection, Delivery
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import ClientIdInUseError

log = structlog.stdlib.get_logger(__name__)

_RETAINED_S = 0.5
"""Retained messages come right behind the SUBACK."""


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
        await connection.subscribe([topics.health_state.filter, topics.heartbeat.filter])
        suspects: set[str] = set()
        deadline = asyncio.get_running_loop().time() + _RETAINED_S
        waits = False
        watch = connection.deliveries()
        try:
            while True:
                # One deadline, not one for each message: other daemons' heartbeats come all the time.
                async with asyncio.timeout_at(deadline):
                    delivery = await anext(watch)
                delivery.acknowledge()
                delivery.release()
                _look(delivery, settings, suspects)
                if suspects and not waits:
                    waits = True
                    wait_s = 2 * settings.health.interval_s + 1
                    deadline = asyncio.get_running_loop().time() + wait_s
                    log.info(
                        "a daemon with this client id may be running, waiting for its heartbeat",
                        wait_s=wait_s,
                    )
        except TimeoutError:
            return


def _look(delivery: Delivery, settings: Settings, suspects: set[str]) -> None:
    topics = settings.mqtt.topics
    try:
        if topics.health_state.match(delivery.topic):
            state = DaemonState.model_validate_json(delivery.payload)
            if state.client_id == settings.client_id:
                (suspects.add if state.online else suspects.discard)(state.instance)
        elif topics.heartbeat.match(delivery.topic) and not delivery.retain:
            beat = Heartbeat.model_validate_json(delivery.payload)
            if beat.instance in suspects:
                raise ClientIdInUseError(settings.client_id, beat.instance)
    except ValidationError as error:
        log.warning("an unreadable health message", topic=delivery.topic, error=str(error).splitlines()[0])
