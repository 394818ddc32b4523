"""Whoever connects with a client id has the session behind it: on our broker nobody gets at one that is not his."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from tests.clients import TIMEOUT_S, User
from tests.infra import DAEMON, MONITORING, Broker

from racing_coach_core.settings import MqttSettings

pytestmark = pytest.mark.mosquitto

ANSWERS = "racing-coach/v1/acks/rig-2/cars/sim-gt3/laps"

type Login = Callable[..., User]


@pytest.fixture
def login(mosquitto_broker: Broker) -> Iterator[Login]:
    """Connects users where the rigs do."""
    users: list[User] = []

    def connect(name: str, **options: Any) -> User:
        users.append(User(mosquitto_broker, name, **options))
        assert users[-1].connected.result(TIMEOUT_S) == "Success"
        return users[-1]

    yield partial(connect, port=mosquitto_broker.rigs_port)
    for user in users:
        user.close()


def test_a_rig_does_not_get_the_daemons_session_by_its_client_id(login: Login, mosquitto_broker: Broker) -> None:
    """Not even one that knows the client id: laps keep coming to the daemon."""
    topic = "racing-coach/v1/rigs/rig-1/cars/sim-gt3/laps"
    daemon = login(DAEMON, port=mosquitto_broker.port, client_id="racing-coach-main")
    daemon.subscribe(topic)

    rig = login("rig-1", client_id="racing-coach-main")
    rig.publish(topic, b"a lap")

    assert daemon.receive() == (topic, b"a lap")
    assert not daemon.disconnected.done()


@pytest.mark.parametrize("client_id", ["rig-2", "racing-coach-rig-rig-2"])
def test_a_rig_does_not_get_another_rigs_session(login: Login, mosquitto_broker: Broker, client_id: str) -> None:
    """Whatever client id it gives: the other stays connected, and gets its answers."""
    other = login("rig-2", client_id="racing-coach-rig-rig-2")
    other.subscribe(ANSWERS)

    login("rig-1", client_id=client_id)
    login(DAEMON, port=mosquitto_broker.port).publish(ANSWERS, b"stored")

    assert other.receive() == (ANSWERS, b"stored")
    assert not other.disconnected.done()


def test_a_rigs_session_is_its_users(login: Login, mosquitto_broker: Broker) -> None:
    """Answers wait for a rig that is away, under whatever client id it comes back."""
    away = login("rig-2", client_id="racing-coach-rig-rig-2")
    away.subscribe(ANSWERS)
    away.close()
    login(DAEMON, port=mosquitto_broker.port).publish(ANSWERS, b"stored")

    assert login("rig-2", client_id="another").receive() == (ANSWERS, b"stored")


def test_monitoring_cannot_guess_the_daemons_client_id(mosquitto_broker: Broker) -> None:
    """The name is known to everybody, and each password makes another id of it."""
    if mosquitto_broker.passwords is None:
        pytest.fail("our broker has passwords")
    ids = {
        MqttSettings.model_validate({"password": mosquitto_broker.passwords[user]}).unguessable("racing-coach-main")
        for user in (DAEMON, MONITORING, "rig-1")
    }

    assert len(ids) == 3
    assert "racing-coach-main" not in ids
