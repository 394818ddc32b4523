"""The broker and the database in containers, as docker-compose.yml runs them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.infra import (
    MOSQUITTO_DIR,
    MOSQUITTO_IMAGE,
    TIMESCALE_IMAGE,
    Broker,
    default_passwords,
    find_version,
    password_file,
)


@contextmanager
def mosquitto_container() -> Iterator[Broker]:
    """mosquitto with our configuration and the tests' users."""
    passwords = default_passwords()
    # As `start-in-container` does: this machine is another one to the container.
    configuration = (MOSQUITTO_DIR / "mosquitto.conf").read_text().replace("listener 1884 127.0.0.1", "listener 1884")
    container = (
        DockerContainer(MOSQUITTO_IMAGE)
        .with_exposed_ports(1883, 1884)
        .with_copy_into_container(configuration.encode(), "/mosquitto/config/mosquitto.conf")
        .with_copy_into_container(MOSQUITTO_DIR / "acl", "/mosquitto/config/acl")
        .with_copy_into_container(password_file(passwords).encode(), "/mosquitto/config/passwords")
        .waiting_for(LogMessageWaitStrategy(r"mosquitto version \S+ running"))
    )
    with _started(container):
        log = b"".join(container.get_logs()).decode()
        yield Broker(
            container.get_container_host_ip(),
            container.get_exposed_port(1884),
            "container",
            find_version(log),
            passwords,
            rigs_port=container.get_exposed_port(1883),
        )


@contextmanager
def timescale_container() -> Iterator[str]:
    """TimescaleDB; yields the URL of its database `postgres`. It may still be starting."""
    password = secrets.token_urlsafe(12)
    container = DockerContainer(TIMESCALE_IMAGE).with_exposed_ports(5432).with_env("POSTGRES_PASSWORD", password)
    with _started(container):
        host, port = container.get_container_host_ip(), container.get_exposed_port(5432)
        yield f"postgresql+asyncpg://postgres:{password}@{host}:{port}/postgres"


@contextmanager
def _started(container: DockerContainer) -> Iterator[None]:
    _do_without_unavailable_reaper()
    try:
        container.start()
    except BaseException as error:
        container.stop()
        error.add_note(f"{container.image} did not start; RACING_COACH_TEST_DOCKER=0 does without Docker")
        raise
    try:
        yield
    finally:
        container.stop()


def _do_without_unavailable_reaper() -> None:
    """testcontainers' reaper cleans up after a killed run. Without its image, a run is no reason to fetch one."""
    try:
        docker.from_env().images.get(testcontainers_config.ryuk_image)
    except ImageNotFound:
        testcontainers_config.ryuk_disabled = True
