"""TLS, with an authority of our own."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.core.mqtt.support import (
    MIB,
    RIG,
    TOPICS,
    connection,
    receive,
)
from tests.infra import DAEMON, Broker
from tests.servers import MosquittoProcess
from tests.waiting import TIMEOUT_S

from racing_coach_core.mqtt.budget import ReceiveBudget
from racing_coach_core.mqtt.exceptions import (
    ConnectionLostError,
)
from racing_coach_core.settings import TlsSettings


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate authority, a broker's certificate and a client's."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    home = tmp_path_factory.mktemp("tls")
    ca = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    ca += ["-addext", "keyUsage=critical,keyCertSign"]  # Python 3.13 insists on it
    _openssl("req", *ca, "-keyout", f"{home}/ca.key", "-out", f"{home}/ca.crt", "-subj", "/CN=tests")
    for name in ("broker", RIG):
        request = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}"]
        _openssl("req", *request, "-keyout", f"{home}/{name}.key", "-out", f"{home}/{name}.csr")
        (home / "san").write_text("subjectAltName=IP:127.0.0.1")
        signing = ["-CA", f"{home}/ca.crt", "-CAkey", f"{home}/ca.key", "-CAcreateserial", "-days", "2"]
        _openssl(
            "x509",
            "-req",
            "-in",
            f"{home}/{name}.csr",
            *signing,
            "-extfile",
            f"{home}/san",
            "-out",
            f"{home}/{name}.crt",
        )
    return home


@pytest.fixture
def tls_broker(need_mosquitto: None, authority: Path) -> Iterator[Broker]:
    settings = {
        "certfile": str(authority / "broker.crt"),
        "keyfile": str(authority / "broker.key"),
        "cafile": str(authority / "ca.crt"),
    }
    with MosquittoProcess(settings=settings) as process:
        yield process.broker


async def test_tls_with_an_authority_of_ones_own(tls_broker: Broker, authority: Path) -> None:
    """Messages go through, and what TLS had decrypted while reading was paused is not forgotten."""
    fields = {"tls": {"ca_file": str(authority / "ca.crt")}}
    topic = TOPICS.laps.build(rig=RIG, car="x")
    budget = ReceiveBudget(messages=2)
    async with (
        connection(tls_broker, RIG, fields=fields) as rig,
        connection(tls_broker, DAEMON, fields=fields, budget=budget, receive_maximum=100) as daemon,
    ):
        await daemon.subscribe([topic])
        payloads = [b"%d" % number * size for number, size in enumerate((1, 1, 1, 100, 1, 3 * MIB, 1, 1, 20_000, 1))]
        sending = asyncio.gather(*(rig.publish(topic, payload) for payload in payloads))
        await asyncio.sleep(0.5)
        received = []
        for _ in payloads:
            delivery = await receive(daemon)
            received.append(delivery.payload)
            delivery.acknowledge()
            delivery.release()
        await sending
    assert received == payloads


async def test_a_broker_of_another_authority_is_not_trusted(tls_broker: Broker) -> None:
    """With the system's authorities alone the connection is refused, and the reason told."""
    with pytest.raises(ConnectionLostError, match=r"(?i)certificate verify failed"):
        async with connection(tls_broker, RIG, fields={"tls": {"enabled": True}}):
            pass


async def test_plain_text_to_a_tls_port_is_told_at_once(tls_broker: Broker) -> None:
    """A client that forgot TLS is hung up on, and says so."""
    with pytest.raises(ConnectionLostError):
        async with asyncio.timeout(TIMEOUT_S), connection(tls_broker, RIG, fields={"timeout_s": 5 * TIMEOUT_S}):
            pass


def test_the_tls_context_follows_the_settings(authority: Path) -> None:
    """No field, no TLS; a client certificate is loaded with its key."""
    assert TlsSettings().context() is None
    context = TlsSettings(
        ca_file=authority / "ca.crt", cert_file=authority / f"{RIG}.crt", key_file=authority / f"{RIG}.key"
    ).context()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
