"""Large laps waiting in the broker, or arriving at once: all are stored, and the daemon's memory stays bounded."""

import pytest

from racing_coach_demo.embedded import EmbeddedBroker
from tests.faults.backlog import Drained, drain_burst, drain_waiting
from tests.faults.checker import MEMORY_BOUND_BYTES
from tests.infra import Broker, MosquittoProcess

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

LAPS = 60


def _holds(drained: Drained) -> None:
    print(drained)
    assert drained.answered == drained.stored == LAPS
    assert drained.peak_rss_bytes < MEMORY_BOUND_BYTES


@pytest.mark.mosquitto
async def test_a_backlog_in_mosquitto_is_drained_in_bounded_memory(
    mosquitto_process: MosquittoProcess, database_url: str
) -> None:
    """60 laps of 8 MB that waited in mosquitto are stored and answered, with the daemon below 400 MiB."""
    _holds(await drain_waiting(mosquitto_process.broker, database_url, LAPS))


async def test_a_burst_through_the_embedded_broker_is_drained_in_bounded_memory(database_url: str) -> None:
    """60 laps of 8 MB at once, from a broker that ignores Receive Maximum, leave the daemon below 400 MiB."""
    with EmbeddedBroker() as embedded:
        broker = Broker(embedded.host, embedded.port, "embedded", "rumqttd")
        _holds(await drain_burst(broker, database_url, LAPS))
