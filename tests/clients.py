"""MQTT clients for tests of brokers: plain paho, so that nothing of the project stands between test and broker."""

import contextlib
import queue
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from racing_coach_core.topics import Topics
from tests.infra import DAEMON, Broker, Credentials
from tests.waiting import TIMEOUT_S

TOPICS = Topics()


class User:
    """A connected client that remembers what it was sent, and how its packets were answered.

    Without a name it says nothing of itself. With a client id its session outlives the connection by an hour. Unless
    `acknowledges`, it never sends a PUBACK. It comes in where client ids are free unless a `port` is given.
    """

    def __init__(
        self,
        broker: Broker,
        name: str,
        *,
        client_id: str = "",
        password: str | None = None,
        acknowledges: bool = True,
        port: int | None = None,
    ) -> None:
        self._inbox: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: dict[int, Future[ReasonCode]] = {}
        self.connected: Future[ReasonCode] = Future()
        self.disconnected: Future[ReasonCode] = Future()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id or uuid.uuid4().hex,
            protocol=MQTTv5,
            manual_ack=not acknowledges,
        )
        self._client.on_connect = lambda _c, _u, _flags, reason, _p: _settle(self.connected, reason)
        self._client.on_disconnect = lambda _c, _u, _flags, reason, _p: _settle(self.disconnected, reason)
        self._client.on_message = self._on_message
        self._client.on_publish = lambda _c, _u, mid, reason, _p: _settle(self._answer(mid), reason)
        self._client.on_subscribe = lambda _c, _u, mid, reasons, _p: _settle(self._answer(mid), reasons[0])
        if name:
            credentials = broker.credentials(name) if password is None else Credentials(name, password)
            if credentials is not None:
                self._client.username_pw_set(credentials.username, credentials.password)
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has left it so
        session.SessionExpiryInterval = 3600 if client_id else 0
        self._client.connect(broker.host, port or broker.port, clean_start=False, properties=session)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes = b"") -> str:
        """Publish with QoS 1, and the broker's word on it."""
        return str(self._answer(self._client.publish(topic, payload, qos=1).mid).result(TIMEOUT_S))

    def send(self, topic: str, payload: bytes, *, user_properties: Sequence[tuple[str, str]] = ()) -> None:
        """Publish without waiting."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has left it so
        if user_properties:
            properties.UserProperty = list(user_properties)
        self._client.publish(topic, payload, qos=1, properties=properties)

    def subscribe(self, *topics: str) -> None:
        """Subscribe with QoS 1 to what is published from now on, and wait for the broker's word on it."""
        # The broker is shared: what other tests left retained must not reach this one.
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        for topic in topics:
            _, mid = self._client.subscribe(topic, options=options)
            assert mid is not None
            self._answer(mid).result(TIMEOUT_S)

    def receive(self, timeout_s: float = TIMEOUT_S) -> tuple[str, bytes]:
        """The next message: its topic and its payload.

        Raises:
            queue.Empty: none came in time.
        """
        return self._inbox.get(timeout=timeout_s)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _answer(self, mid: int) -> Future[ReasonCode]:
        return self._answers.setdefault(mid, Future())

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self._inbox.put((message.topic, bytes(message.payload)))


def _settle(future: Future[ReasonCode], reason: ReasonCode) -> None:
    if not future.done():
        future.set_result(reason)


def forget(broker: Broker, client_id: str, instance: str) -> None:
    """End a daemon's session, so that a shared broker queues no later test's laps for it, and remove its state."""
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5)
    if credentials := broker.credentials(DAEMON):
        client.username_pw_set(credentials.username, credentials.password)
    ended = threading.Event()
    client.on_disconnect = lambda *_: ended.set()
    with contextlib.suppress(OSError):  # the broker is gone, and the session with it
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has left it so
        session.SessionExpiryInterval = 0
        client.connect(broker.host, broker.port, clean_start=True, properties=session)
        client.loop_start()
        with contextlib.suppress(ValueError, RuntimeError):
            state = TOPICS.health_state.build(instance=instance)
            client.publish(state, b"", 1, retain=True).wait_for_publish(2)
        client.disconnect()
        ended.wait(2)
        client.loop_stop()
