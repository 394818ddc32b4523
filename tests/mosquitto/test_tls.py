"""The TLS listener of tls.conf.example."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.infra import MOSQUITTO_DIR
from tests.servers import MosquittoProcess
from tests.waiting import TIMEOUT_S

from racing_coach_core.settings import TlsSettings
from racing_coach_demo.processes import LOOPBACK, free_port

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command, for a certificate"),
]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for the loopback address, signed by itself; its key is beside it."""
    arguments = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=broker"]
    arguments += ["-addext", f"subjectAltName=IP:{LOOPBACK}"]
    files = ["-keyout", str(tmp_path / "server.key"), "-out", str(tmp_path / "server.crt")]
    subprocess.run(["openssl", "req", *arguments, *files], check=True, capture_output=True)
    return tmp_path / "server.crt"


@pytest.fixture
def tls_port(certificate: Path, need_mosquitto: None) -> Iterator[int]:
    """The port of a broker that has the example's listener too."""
    port = free_port()
    example = (MOSQUITTO_DIR / "tls.conf.example").read_text()
    lines = example.replace("/mosquitto/config/tls", str(certificate.parent))
    lines = lines.replace("\nlistener 8883\n", f"\nlistener {port} {LOOPBACK}\n")
    with MosquittoProcess(more=lines):
        yield port


def handshake(port: int, context: ssl.SSLContext) -> str | None:
    with (
        socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=LOOPBACK) as encrypted,
    ):
        return encrypted.version()


def test_a_rig_that_knows_the_authority_talks_tls_1_3(tls_port: int, certificate: Path) -> None:
    context = TlsSettings(ca_file=certificate).context()
    assert context is not None

    assert handshake(tls_port, context) == "TLSv1.3"


def test_a_rig_that_does_not_know_the_authority_refuses(tls_port: int) -> None:
    context = TlsSettings(enabled=True).context()
    assert context is not None

    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls_port, context)
