"""Two daemons with one client id: the second refuses, the first goes on; and nothing else keeps one from starting."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs
from tests.clients import TOPICS, forget
from tests.daemon import DaemonProcess
from tests.infra import DAEMON, Broker
from tests.lap_client import LapClient
from tests.server.conftest import RunApp, StartDaemon
from tests.server.support import Watcher, app_settings, arrow, mqtt_settings, new_lap
from tests.waiting import TIMEOUT_S, eventually

from racing_coach_core.messages import DaemonState, DatabaseHealth, Heartbeat, LapAccounts, MqttHealth
from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.app import App
from racing_coach_server.exceptions import ClientIdInUseError
from racing_coach_server.messaging import takeover
from racing_coach_server.messaging.takeover import refuse_if_in_use

INTERVAL_S = 0.3
LONG_S = 60.0
"""Between two heartbeats, where one is to be heard: a busy machine is late for it."""
WAITS = "a daemon with this client id may be running, waiting for its heartbeat"


@pytest.fixture
def instance() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def health(broker: Broker, instance: str) -> AsyncIterator[Connection]:
    """For saying of daemons what is not so; what it says of `instance` is forgotten at the end."""
    async with Connection(mqtt_settings(broker, DAEMON), client_id=uuid.uuid4().hex, clean=True) as connection:
        yield connection
        await connection.publish(TOPICS.health_state.build(instance=instance), b"", retain=True)


def state(
    instance: str, *, online: bool = True, client_id: str | None = None, interval_s: float | None = None
) -> bytes:
    said = DaemonState(
        online=online,
        instance=instance,
        version="1",
        timestamp=datetime.now(UTC),
        client_id=client_id or f"racing-coach-{instance}",
        heartbeat_interval_s=interval_s,
    )
    return said.model_dump_json().encode()


def heartbeat(instance: str) -> bytes:
    beat = Heartbeat(
        instance=instance,
        version="1",
        timestamp=datetime.now(UTC),
        uptime_s=1,
        status="healthy",
        mqtt=MqttHealth(connected_since=None, reconnects=0),
        database=DatabaseHealth(status="healthy", latency_ms=1),
        laps=LapAccounts(),
        frames_stored=0,
        rss_bytes=1,
    )
    return beat.model_dump_json().encode()


async def look(broker: Broker, instance: str, interval_s: float = INTERVAL_S) -> float:
    """How long it takes to find that nobody is there."""
    settings = app_settings(broker, "postgresql://x", instance=instance, health={"interval_s": interval_s})
    started = time.monotonic()
    await refuse_if_in_use(settings)
    return time.monotonic() - started


async def repeat(publish: Callable[[], object]) -> None:
    while True:
        await publish()  # type: ignore[misc]  # each gives a coroutine
        await asyncio.sleep(INTERVAL_S / 3)


async def test_the_second_of_two_daemons_refuses(
    start_daemon: StartDaemon, broker: Broker, database_url: str, rig: LapClient, instance: str
) -> None:
    """Another instance with the client id of one that runs: a clear message, exit code 78, the first undisturbed."""
    first = start_daemon(instance=instance, settings={"HEALTH__INTERVAL_S": INTERVAL_S})
    second = DaemonProcess(
        broker,
        database_url,
        settings={"HEALTH__INTERVAL_S": LONG_S},
        environment={"RACING_COACH_MQTT__CLIENT_ID": first.client_id},
    )

    code = await asyncio.to_thread(second.start(wait=False).wait)

    assert code == 78
    (refusal,) = second.logged("stopped for good")
    assert (
        f"another daemon (instance '{instance}') is running with the client id '{first.client_id}'" in refusal["reason"]
    )
    assert "RACING_COACH_INSTANCE and RACING_COACH_MQTT__CLIENT_ID" in refusal["reason"]
    assert not second.is_ready
    assert first.is_running
    assert len(first.logged("connected to the broker")) == 1
    assert (await rig.send(arrow(new_lap()))).status == "success"


async def test_a_daemon_that_was_killed_with_its_broker_starts_again(
    broker: Broker, health: Connection, instance: str
) -> None:
    """A retained `online` without heartbeats proves nothing: after two intervals it goes on."""
    await health.publish(TOPICS.health_state.build(instance=instance), state(instance), retain=True)

    with capture_logs() as logs:
        took_s = await look(broker, instance)

    assert took_s > 2 * INTERVAL_S
    assert WAITS in [line["event"] for line in logs]


async def test_a_machine_that_is_held_up_sees_what_is_retained(
    mosquitto_broker: Broker, instance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has come when the broker has answered twice, whatever the clock says then."""
    monkeypatch.setattr(takeover, "_RETAINED_S", 0.0)
    topic = TOPICS.health_state.build(instance=instance)
    async with Connection(mqtt_settings(mosquitto_broker, DAEMON), client_id=uuid.uuid4().hex, clean=True) as health:
        await health.publish(topic, state(instance), retain=True)

        assert await look(mosquitto_broker, instance) > 2 * INTERVAL_S

        await health.publish(topic, b"", retain=True)


async def test_the_heartbeats_of_others_do_not_keep_it_waiting(
    broker: Broker, health: Connection, instance: str
) -> None:
    """One of several daemons, killed with its broker: that the others live is no reason to wait for ever."""
    await health.publish(TOPICS.health_state.build(instance=instance), state(instance), retain=True)
    topic = TOPICS.heartbeat.build(instance="another")
    others = asyncio.create_task(repeat(lambda: health.publish(topic, heartbeat("another"))))
    try:
        await asyncio.wait_for(look(broker, instance), TIMEOUT_S)
    finally:
        others.cancel()


async def test_a_heartbeat_is_proof(broker: Broker, health: Connection, instance: str) -> None:
    """A retained `online` with this client id, and heartbeats of the instance that said so."""
    await health.publish(TOPICS.health_state.build(instance=instance), state(instance), retain=True)
    topic = TOPICS.heartbeat.build(instance=instance)
    alive = asyncio.create_task(repeat(lambda: health.publish(topic, heartbeat(instance))))
    try:
        with pytest.raises(ClientIdInUseError) as raised:
            await look(broker, instance, LONG_S)
    finally:
        alive.cancel()

    assert raised.value.instance == instance


async def test_a_daemon_whose_heartbeats_come_less_often_is_waited_for(
    broker: Broker, health: Connection, instance: str
) -> None:
    """Its state says how often they come; two of our own intervals would be over before the next."""
    await health.publish(TOPICS.health_state.build(instance=instance), state(instance, interval_s=LONG_S), retain=True)
    own_s = 0.5 + 2 * INTERVAL_S + 1  # what it waits where it hears of no interval but its own

    async def beat_late() -> None:
        await asyncio.sleep(own_s + 0.2)
        await health.publish(TOPICS.heartbeat.build(instance=instance), heartbeat(instance))

    late = asyncio.create_task(beat_late())
    try:
        with pytest.raises(ClientIdInUseError):
            await look(broker, instance)
    finally:
        await late


async def test_the_state_says_no_client_id(run_app: RunApp, broker: Broker, instance: str) -> None:
    """Monitoring reads it, and whoever has the client id has the daemon's queue."""
    async with run_app(instance=instance) as app, Watcher(broker, instance) as watcher:
        await eventually(lambda: watcher.states)

    assert app.settings.client_id not in f"{watcher.raw}"
    assert watcher.states[0].client_id == app.settings.public_client_name


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda name: state(name, online=False), id="offline"),
        pytest.param(lambda name: state(name, client_id="another"), id="another client id"),
        pytest.param(lambda _: b'{"online": "perhaps"}', id="unreadable"),
    ],
)
async def test_it_starts_at_once_where_nobody_is(
    broker: Broker, health: Connection, instance: str, said: Callable[[str], bytes]
) -> None:
    """A clean stop, a will, another daemon, or nonsense: no wait."""
    await health.publish(TOPICS.health_state.build(instance=instance), said(instance), retain=True)
    topic = TOPICS.heartbeat.build(instance=instance)
    noise = asyncio.create_task(repeat(lambda: health.publish(topic, heartbeat(instance))))
    try:
        with capture_logs() as logs:
            await look(broker, instance)
    finally:
        noise.cancel()

    assert WAITS not in [line["event"] for line in logs]


async def test_a_look_leaves_nothing_at_the_broker(broker: Broker, instance: str) -> None:
    """No session under the daemon's own client id comes of looking."""
    await look(broker, instance)

    settings = mqtt_settings(broker, DAEMON)
    async with Connection(settings, client_id=f"racing-coach-{instance}") as connection:
        assert not connection.session_present
    async with Connection(settings, client_id=f"racing-coach-{instance}", clean=True):
        pass


async def test_two_that_start_at_once_do_not_fight(
    broker: Broker, database_url: str, rig: LapClient, instance: str
) -> None:
    """Neither sees the other beforehand, and the broker lets in one after the other: one of them ends for good."""
    settings = app_settings(broker, database_url, instance=instance, health={"interval_s": INTERVAL_S})
    apps = [App(settings) for _ in range(2)]
    tasks = {asyncio.create_task(app.run()): app for app in apps}
    try:
        (lost,), (goes_on,) = await asyncio.wait(tasks, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)

        assert isinstance(lost.exception(), ClientIdInUseError)
        assert (await rig.send(arrow(new_lap()))).status == "success"
        assert not goes_on.done()
        assert sum(app.client.connects for app in apps) < 20
    finally:
        for app in apps:
            app._stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(forget, broker, settings.client_id, instance)


async def test_one_whose_session_was_taken_by_no_daemon_comes_back(
    run_app: RunApp, broker: Broker, rig: LapClient, instance: str
) -> None:
    """Such as a connection of its own that the network had swallowed: no heartbeat, so nobody is there."""
    async with run_app(instance=instance, health={"interval_s": INTERVAL_S}) as app:
        async with Connection(mqtt_settings(broker, DAEMON), client_id=app.settings.client_id):
            # mosquitto 2.0.11 does not say why it ends a connection: then it is back at once.
            await eventually(lambda: app.client.outgoing is None or app.client.connects == 2)
        await eventually(lambda: app.client.outgoing is not None and app.client.connects == 2)

        assert (await rig.send(arrow(new_lap()))).status == "success"
