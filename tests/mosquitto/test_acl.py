"""What mosquitto, with our configuration, lets through, and what it keeps.

Reading is judged by what is delivered: mosquitto grants every subscription and then delivers only what is allowed.
"""

import queue
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from tests.clients import TIMEOUT_S, User
from tests.infra import DAEMON, MONITORING, Broker
from tests.servers import MosquittoProcess

pytestmark = pytest.mark.mosquitto

PREFIX = "racing-coach/v1"
MIB = 2**20

# What a broker may say of a message that it takes: whether somebody subscribes is no matter.
ACCEPTED = {"Success", "No matching subscribers"}
DENIED = "Not authorized"


type Login = Callable[..., User]


@pytest.fixture
def login_at() -> Iterator[Login]:
    """Connects users to a broker, and disconnects them after the test."""
    users: list[User] = []

    def connect(broker: Broker, name: str, **options: Any) -> User:
        users.append(User(broker, name, **options))
        return users[-1]

    yield connect
    for user in users:
        user.close()


@pytest.fixture
def login(mosquitto_broker: Broker, login_at: Login) -> Login:
    """Connects users to the shared broker."""
    return partial(login_at, mosquitto_broker)


def laps(rig: str) -> str:
    return f"{PREFIX}/rigs/{rig}/cars/porsche992rgt3/laps"


def answers(rig: str) -> str:
    return f"{PREFIX}/acks/{rig}/cars/porsche992rgt3/laps"


def coaching(rig: str) -> str:
    return f"{PREFIX}/coaching/{rig}/cars/porsche992rgt3"


def health(kind: str = "heartbeat") -> str:
    return f"{PREFIX}/health/main/{kind}"


def test_nobody_gets_in_without_a_password(login: Login) -> None:
    assert login("rig-1", password="guessed").connected.result(TIMEOUT_S) == DENIED
    assert login("").connected.result(TIMEOUT_S) == DENIED
    assert login(DAEMON, password="").connected.result(TIMEOUT_S) == DENIED


def test_a_rig_publishes_its_laps_and_state_to_the_daemon(login: Login) -> None:
    daemon, rig = login(DAEMON), login("rig-1")
    daemon.subscribe(f"{PREFIX}/rigs/+/cars/+/laps", f"{PREFIX}/rigs/+/status")

    assert rig.publish(laps("rig-1"), b"a lap") in ACCEPTED
    assert rig.publish(f"{PREFIX}/rigs/rig-1/status", b"online") in ACCEPTED

    assert daemon.receive() == (laps("rig-1"), b"a lap")
    assert daemon.receive() == (f"{PREFIX}/rigs/rig-1/status", b"online")


@pytest.mark.parametrize(
    "topic",
    [
        pytest.param(laps("rig-2"), id="another rig's laps"),
        pytest.param(f"{PREFIX}/rigs/rig-2/status", id="another rig's state"),
        pytest.param(f"{PREFIX}/rigs/rig-1/anything", id="no topic of the contract"),
        pytest.param(answers("rig-1"), id="its own answers"),
        pytest.param(answers("rig-2"), id="another rig's answers"),
        pytest.param(coaching("rig-1"), id="its own coaching"),
        pytest.param(health(), id="health"),
    ],
)
def test_a_rig_publishes_as_nobody_else(login: Login, topic: str) -> None:
    daemon, monitoring, other, rig = login(DAEMON), login(MONITORING), login("rig-2"), login("rig-1")
    everybody = [daemon, monitoring, other]
    for reader in everybody:
        reader.subscribe("#")

    assert rig.publish(topic, b"forged") == DENIED

    login(DAEMON).publish(answers("rig-2"), b"end")
    login(DAEMON).publish(health(), b"end")
    rig.publish(laps("rig-1"), b"end")
    assert [reader.receive()[1] for reader in everybody] == [b"end"] * 3


@pytest.mark.parametrize("subscription", ["#", f"{PREFIX}/acks/+/cars/+/laps", answers("rig-2"), coaching("rig-2")])
def test_a_rig_reads_its_own_answers_and_nothing_else(login: Login, subscription: str) -> None:
    rig, other, daemon = login("rig-1"), login("rig-2"), login(DAEMON)
    rig.subscribe(subscription, answers("rig-1"), coaching("rig-1"))

    other.publish(laps("rig-2"), b"of rig-2")
    daemon.publish(answers("rig-2"), b"for rig-2")
    daemon.publish(coaching("rig-2"), b"for rig-2")
    daemon.publish(health(), b"for monitoring")
    daemon.publish(answers("rig-1"), b"stored")
    daemon.publish(coaching("rig-1"), b"brake later")

    received = [rig.receive() for _ in range(2)]
    assert (answers("rig-1"), b"stored") in received
    assert {payload for _, payload in received} <= {b"stored", b"brake later"}


def test_monitoring_reads_health_and_which_rigs_are_there_and_nothing_else(login: Login) -> None:
    monitoring, daemon, rig = login(MONITORING), login(DAEMON), login("rig-1")
    monitoring.subscribe("#", f"{PREFIX}/health/+/heartbeat", f"{PREFIX}/rigs/+/cars/+/laps")

    rig.publish(laps("rig-1"), b"a lap")
    daemon.publish(answers("rig-1"), b"stored")
    daemon.publish(coaching("rig-1"), b"brake later")
    daemon.publish(answers(MONITORING), b"not even below its own name")
    daemon.publish(coaching(MONITORING), b"nor this")
    rig.publish(f"{PREFIX}/rigs/rig-1/status", b"online")
    daemon.publish(health(), b"healthy")

    assert monitoring.receive() == (f"{PREFIX}/rigs/rig-1/status", b"online")
    assert monitoring.receive() == (health(), b"healthy")


@pytest.mark.parametrize(
    "topic",
    [
        laps(MONITORING),
        laps("rig-1"),
        answers("rig-1"),
        health("state"),
        f"{PREFIX}/rigs/{MONITORING}/status",
        f"{PREFIX}/rigs/rig-1/status",
    ],
)
def test_monitoring_publishes_nothing(login: Login, topic: str) -> None:
    assert login(MONITORING).publish(topic) == DENIED


def test_the_daemon_writes_answers_coaching_and_health(login: Login) -> None:
    daemon = login(DAEMON)

    for topic in (answers("rig-1"), coaching("rig-1"), health("state"), health()):
        assert daemon.publish(topic) in ACCEPTED


def test_the_daemon_sees_whether_another_daemon_is_alive(login: Login) -> None:
    daemon = login(DAEMON)
    daemon.subscribe(health("state"))

    login(DAEMON).publish(health("state"), b"online")

    assert daemon.receive() == (health("state"), b"online")


def test_the_daemon_publishes_for_no_rig(login: Login) -> None:
    assert login(DAEMON).publish(laps("rig-1")) == DENIED


@pytest.mark.parametrize("name", ["+", "rig#", "rig+"])
def test_a_user_name_with_a_wildcard_opens_nothing(
    mosquitto_process: MosquittoProcess, login_at: Login, name: str
) -> None:
    mosquitto_process.stop()
    mosquitto_process.passwords[name] = "x"
    broker = mosquitto_process.start().broker

    wild, daemon = login_at(broker, name), login_at(broker, DAEMON)
    wild.subscribe(f"{PREFIX}/acks/{name.replace('rig', '')}", answers("rig-1"))
    daemon.publish(answers("rig-1"), b"for rig-1")

    assert wild.publish(laps("rig-1")) == DENIED
    assert wild.publish(laps(name.strip("+#") or "x")) == DENIED
    with pytest.raises(queue.Empty):
        wild.receive(timeout_s=0.2)


def test_a_lap_of_16_mib_survives_a_restart_of_the_broker(mosquitto_process: MosquittoProcess, login_at: Login) -> None:
    broker = mosquitto_process.broker
    payload = uuid.uuid4().bytes * MIB
    away = login_at(broker, DAEMON, client_id="the daemon")
    away.subscribe(f"{PREFIX}/rigs/+/cars/+/laps")
    away.close()
    assert login_at(broker, "rig-1").publish(laps("rig-1"), payload) in ACCEPTED

    mosquitto_process.stop()
    mosquitto_process.start()

    assert login_at(broker, DAEMON, client_id="the daemon").receive() == (laps("rig-1"), payload)


def test_a_lap_over_the_daemons_limit_still_reaches_the_daemon(login: Login) -> None:
    daemon, rig = login(DAEMON), login("rig-1")
    daemon.subscribe(laps("rig-1"))

    assert rig.publish(laps("rig-1"), bytes(24 * MIB)) in ACCEPTED

    assert len(daemon.receive()[1]) == 24 * MIB


def test_a_packet_over_the_brokers_limit_breaks_the_connection(login: Login) -> None:
    rig = login("rig-1")

    rig.send(laps("rig-1"), bytes(33 * MIB))

    assert rig.disconnected.result(TIMEOUT_S).is_failure


def test_the_configuration_loads_without_a_complaint(mosquitto_process: MosquittoProcess) -> None:
    # mosquitto says so when a test runs as root; 2.1 announces what 3.0 will bring.
    expected = ("should not be run as root", "Future versions", "will be removed in version 3.0")
    complaints = [
        line
        for line in mosquitto_process.log_file.read_text().splitlines()
        if ("Error" in line or "Warning" in line) and not any(text in line for text in expected)
    ]

    assert complaints == []
