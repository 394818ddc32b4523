"""Large laps waiting in the broker, or arriving at once: all are stored, and the daemon's memory stays bounded."""

import shutil
import subprocess
from pathlib import Path

import pytest

from racing_coach_demo.embedded import EmbeddedBroker
from racing_coach_demo.processes import LOOPBACK, free_port
from tests.faults.backlog import Drained, drain_burst, drain_waiting
from tests.faults.checker import MEMORY_BOUND_BYTES
from tests.infra import Broker
from tests.servers import MosquittoProcess

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

LAPS = [24, pytest.param(60, marks=pytest.mark.long)]
"""Of 8 MB each, and several times as much once they are decoded."""


def _holds(drained: Drained, laps: int) -> None:
    print(drained)
    assert drained.answered == drained.stored == laps
    assert drained.peak_rss_bytes < MEMORY_BOUND_BYTES


@pytest.mark.mosquitto
@pytest.mark.parametrize("laps", LAPS)
async def test_a_backlog_in_mosquitto_is_drained_in_bounded_memory(
    mosquitto_process: MosquittoProcess, database_url: str, laps: int
) -> None:
    """Laps of 8 MB that waited in mosquitto are stored and answered, with the daemon below 400 MiB."""
    _holds(await drain_waiting(mosquitto_process.broker, database_url, laps), laps)


@pytest.mark.mosquitto
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command, for a certificate")
async def test_a_backlog_over_tls_is_drained(need_mosquitto: None, database_url: str, tmp_path: Path) -> None:
    """What TLS has decrypted already is not forgotten when the daemon stops reading and reads on."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=broker"),
            *("-addext", f"subjectAltName=IP:{LOOPBACK}"),
            *("-keyout", tmp_path / "key", "-out", tmp_path / "certificate"),
        ],
        check=True,
        capture_output=True,
    )
    port = free_port()
    listener = f"listener {port} {LOOPBACK}\ncertfile {tmp_path}/certificate\nkeyfile {tmp_path}/key\n"
    settings = {
        "MQTT__PORT": port,
        "MQTT__TLS__CA_FILE": tmp_path / "certificate",
        "DELIVERY__BUDGET__BYTES": 1_000_000,
    }
    with MosquittoProcess(more=listener) as mosquitto:
        drained = await drain_waiting(mosquitto.broker, database_url, 12, settings=settings)
    assert drained.answered == drained.stored == 12


@pytest.mark.parametrize("laps", LAPS)
async def test_a_burst_through_the_embedded_broker_is_drained_in_bounded_memory(database_url: str, laps: int) -> None:
    """Laps of 8 MB all at once, from a broker that ignores Receive Maximum, leave the daemon below 400 MiB."""
    with EmbeddedBroker() as embedded:
        broker = Broker(embedded.host, embedded.port, "embedded", "rumqttd")
        _holds(await drain_burst(broker, database_url, laps), laps)
