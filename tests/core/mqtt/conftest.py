"""Brokers, a topic of its own and a rig for each test of the MQTT adapter."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.core.mqtt.support import (
    RIG,
    TOPICS,
    connection,
)
from tests.infra import Broker

from racing_coach_core.mqtt.connection import Connection
from racing_coach_demo.embedded import EmbeddedBroker


@pytest.fixture(scope="module")
def embedded_broker() -> Iterator[Broker]:
    with EmbeddedBroker() as running:
        yield Broker(running.host, running.port, "embedded", "rumqttd")


@pytest.fixture(params=["mosquitto", "embedded"])
def any_broker(request: pytest.FixtureRequest) -> Broker:
    """Both brokers, one after the other."""
    found: Broker = request.getfixturevalue(f"{request.param}_broker")
    return found


@pytest.fixture
def topic() -> str:
    """A topic of this test alone, which the rig may write and the daemon read."""
    return TOPICS.laps.build(rig=RIG, car=uuid.uuid4().hex)


@pytest.fixture
async def rig(any_broker: Broker) -> AsyncIterator[Connection]:
    async with connection(any_broker, RIG, clean=True) as connected:
        yield connected
