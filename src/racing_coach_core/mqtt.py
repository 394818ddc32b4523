"""One MQTT 5 connection with what delivery needs and aiomqtt does not offer.

aiomqtt 2.5 acknowledges a message before anybody has seen it, keeps no session, hides negative PUBACKs and reads
without bound. This adapter is the only place that reaches into aiomqtt and paho to change that:

- manual acks: a message is acknowledged when its work is done, and only on the connection it came from;
- a session that survives: fixed client id, `clean_start=False` and a session expiry;
- PUBACK reason codes are looked at: 0x87 (not authorised) is an error, 0x10 (nobody subscribed) is told;
- bounded memory: above a budget of messages and bytes the socket is not read, whatever the broker honours;
- the reason of a disconnect is told apart: another client that took over our client id is no outage.

One object is one connection. It is never entered twice, and packet ids never pass from one to another.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self, cast

import aiomqtt
import paho.mqtt.client as paho
from aiomqtt import ProtocolVersion
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import BaseModel, ConfigDict, Field

from racing_coach_core.exceptions import Fault, RacingCoachError
from racing_coach_core.publish_packet import PublishHead, publish_head
from racing_coach_core.settings import MqttSettings

_FAILURE: Final = 0x80
_NO_MATCHING_SUBSCRIBERS: Final = 0x10
_NOT_AUTHORIZED: Final = 0x87
_BAD_CREDENTIALS: Final = 0x86
_SESSION_TAKEN_OVER: Final = 0x8E
_RECV_CHUNK: Final = 1 << 18
# The system would take megabytes off us at once, and whether they leave could not be seen.
_SEND_BUFFER: Final = 1 << 16
_FIXED_PARTS: Final = 16
"""Bytes of a PUBLISH besides topic, properties and payload, at most: type, length, the topic's length, packet id."""

_IN_WORDS: Final = {
    0x10: "nobody is subscribed to the topic",
    0x80: "the broker gives no reason",
    0x83: "the broker refuses it for a reason of its own",
    0x87: "not authorised: the broker's access list does not let this user publish there",
    0x90: "the broker does not accept the topic name",
    0x91: "the packet identifier is in use",
    0x97: "the broker's quota is used up",
    0x99: "the broker does not accept the payload's format",
}


class BrokerError(RacingCoachError):
    """The broker, or the way to it, is in trouble.

    BrokerError
    ├── BrokerRefusedError        CONNACK or SUBACK with a reason: wrong password, not allowed
    ├── ConnectionLostError       the connection ended
    │   └── SessionTakenOverError another client came with our client id
    ├── PublishRefusedError       a negative PUBACK
    └── PacketTooLargeError       larger than the broker takes; it would end the connection
    """

    fault = Fault.WORLD


class BrokerRefusedError(BrokerError):
    """The broker answered, and said no."""

    def __init__(self, what: str, code: int, reason: str) -> None:
        hint = ""
        if code in {_BAD_CREDENTIALS, _NOT_AUTHORIZED, 4, 5}:
            hint = "; check RACING_COACH_MQTT__USERNAME, RACING_COACH_MQTT__PASSWORD and the broker's access list"
        super().__init__(f"the broker refused {what}: {reason} (0x{code:02x}){hint}")
        self.what = what
        self.code = code


class ConnectionLostError(BrokerError):
    """The connection ended, or never came to be."""


class SessionTakenOverError(ConnectionLostError):
    """Another client connected with the same client id."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            f"another client connected with the client id {client_id!r} and took over the session; "
            "give each daemon its own RACING_COACH_MQTT__CLIENT_ID or stop the other one"
        )
        self.client_id = client_id


class PublishRefusedError(BrokerError):
    """The broker acknowledged a message with a reason code that means: not accepted."""

    def __init__(self, topic: str, code: int) -> None:
        super().__init__(f"publishing to {topic!r} was refused: {reason_in_words(code)} (0x{code:02x})")
        self.topic = topic
        self.code = code


class PacketTooLargeError(BrokerError):
    """The broker said at connect that it takes no packet of this size."""

    fault = Fault.SENDER

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(
            f"a message of {size:,} bytes for {topic!r} is larger than the {limit:,} bytes the broker takes; "
            "raise max_packet_size in its configuration"
        )
        self.topic = topic
        self.size = size
        self.limit = limit


def reason_in_words(code: int) -> str:
    """What an MQTT 5 reason code of a PUBACK means."""
    return _IN_WORDS.get(code, "the broker refused it")


class Will(BaseModel):
    """What the broker publishes when this client is gone without a word."""

    model_config = ConfigDict(frozen=True)

    topic: str
    payload: bytes
    retain: bool = True


class ReceiveBudget(BaseModel):
    """How many messages, and how many bytes of them, may be held unacknowledged."""

    model_config = ConfigDict(extra="forbid")

    messages: int = Field(default=64, ge=1)
    bytes: int = Field(default=48 * 2**20, ge=1, description="reading stops above; one message may exceed it")


@dataclass(slots=True)
class HeldBytes:
    """What is held unacknowledged; shared by successive connections so that the bound holds across them.

    `paused` is the connection that stopped reading over it. What makes room for it to read on may have come
    with an earlier one.
    """

    messages: int = 0
    bytes: int = 0
    paused: "Connection | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Receipt:
    """What it takes to acknowledge a delivery, without its payload: the connection it came on, and its packet id."""

    connection: "Connection" = field(repr=False)
    packet_id: int
    qos: int

    def acknowledge(self) -> None:
        """Send the PUBACK.

        Raises:
            ConnectionLostError: the connection is gone; the broker will send the message again.
        """
        self.connection.acknowledge(self)


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """One message as it came, tied to the connection that must acknowledge it."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool
    content_type: str | None
    response_topic: str | None
    correlation_data: bytes | None
    received_at: datetime
    receipt: Receipt

    def acknowledge(self) -> None:
        """Send the PUBACK.

        Raises:
            ConnectionLostError: its connection is gone; the broker will send the message again.
        """
        self.receipt.acknowledge()

    def release(self) -> None:
        """Give the memory back to the budget; once, when the message is done with, acknowledged or not."""
        self.receipt.connection.release(self)


class _Client(aiomqtt.Client):
    """aiomqtt's client with its callbacks opened up. All of them run on the event loop's thread."""

    # aiomqtt and paho have no public way to any of what is reached for here; both are pinned below their next
    # major version, and tests/core/test_mqtt.py holds every behaviour against real brokers.

    def __init__(self, owner: "Connection", **options: Any) -> None:
        super().__init__(**options)
        self.owner = owner
        self.abandoned = False
        self.paused = False
        self.moved = 0
        """Bytes that have left so far."""
        self.session_present = False
        self.maximum_packet_size: int | None = None
        self.disconnect_code: int | None = None
        self.pubacks: dict[int, asyncio.Future[int]] = {}
        self._head = PublishHead(0, 0)
        self._payload = b""
        self._handle_publish = self._client._handle_publish
        self._client._handle_publish = self._take_publish  # type: ignore[method-assign]
        self._client.manual_ack_set(True)
        # A queue in paho would hide a stalled connection and hold memory.
        self._client.max_inflight_messages_set(65_535)

    @property
    def connection_ended(self) -> asyncio.Future[Any]:
        return self._disconnected

    @property
    def raw(self) -> paho.Client:
        return self._client

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        self.session_present = bool(flags.session_present)
        self.maximum_packet_size = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if isinstance(reason_code, ReasonCode) and flags.is_disconnect_packet_from_server:
            self.disconnect_code = reason_code.value
        super()._on_disconnect(client, userdata, flags, reason_code, properties)
        if self._disconnected.done() and not self._disconnected.cancelled():
            # Should it be over before it began, aiomqtt replaces this future, and nobody asks the old one.
            self._disconnected.exception()
        if not self._connected.done():
            # A port that hangs up on us, such as one for TLS, need not cost the whole timeout.
            self._connected.set_exception(aiomqtt.MqttError("hung up before it answered; is it an MQTT port, and TLS?"))
        elif not self._disconnected.done():
            self._disconnected.set_result(None)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        future = self.pubacks.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(int(reason_code.value))
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _take_publish(self) -> MQTTErrorCode:
        """Have paho see topic and packet id of a PUBLISH only; payload and properties are taken here."""
        packet = self._client._in_packet
        content, qos = packet["packet"], packet["command"] >> 1 & 3
        head = publish_head(content, qos=qos)
        if head is None or qos > 1:  # we subscribe with QoS 1
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self._head, self._payload = head, bytes(memoryview(content)[head.size :])
        packet["packet"] = content[: head.properties_at] + b"\0"
        try:
            return self._handle_publish()
        finally:
            self._payload = b""

    def _on_message(self, client: Any, userdata: Any, message: paho.MQTTMessage) -> None:
        message.payload = self._payload
        self.owner.took(message, self._head)

    def _on_socket_open(self, client: Any, userdata: Any, sock: Any) -> None:
        """Read through `_read`, which can pause. Called on the thread that connects."""
        receive, send = self._client._sock_recv, self._client._sock_send

        def receive_in_pieces(size: int) -> bytes:
            if self.paused:
                # paho reads as many packets in a row as there are publishes under way.
                raise BlockingIOError
            # paho asks for the whole rest of a packet each time, and gets a buffer of that size.
            return receive(min(size, _RECV_CHUNK))

        def start() -> None:
            if self.abandoned:
                # Whoever wanted the connection gave up while the thread was making it. Left alone it would live on,
                # and hold the session.
                self._client._sock_close()
                return
            self._loop.add_reader(sock.fileno(), self._read)
            self._misc_task = self._loop.create_task(self._misc_loop(), name="mqtt keepalive")

        def send_and_count(data: bytes | bytearray) -> int:
            count = send(data)
            self.moved += count
            return count

        self._client._sock_send = send_and_count  # type: ignore[method-assign, assignment]  # its argument's name
        self._client._sock_recv = receive_in_pieces  # type: ignore[method-assign, assignment]  # its argument's name
        self._loop.call_soon_threadsafe(start)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        """Called on the thread that connects, too, and by the time the loop gets to it the socket may be gone."""

        def start() -> None:
            if not self.abandoned and sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), self._write)

        self._loop.call_soon_threadsafe(start)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001 (as in `_read`)
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def pause(self) -> None:
        """Stop reading. The kernel's buffers fill, and the broker holds the rest."""
        sock = self._client.socket()
        if not self.paused and sock is not None:
            self.paused = True
            self._loop.remove_reader(sock.fileno())

    def resume(self) -> None:
        """Read again, first what TLS may already have decrypted."""
        sock = self._client.socket()
        if self.paused:
            self.paused = False
            if sock is not None and not self._disconnected.done():
                self._loop.add_reader(sock.fileno(), self._read)
                self._loop.call_soon(self._read_pending)

    def _read(self) -> None:
        try:
            while not self.paused:
                self._client.loop_read()
                sock: Any = self._client.socket()
                if sock is None or not (hasattr(sock, "pending") and sock.pending() > 0):
                    return
        except Exception as error:  # noqa: BLE001 (whatever it is, the connection is of no use any more)
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _read_pending(self) -> None:
        sock: Any = self._client.socket()
        if not self.paused and sock is not None and hasattr(sock, "pending") and sock.pending() > 0:
            self._read()

    async def _misc_loop(self) -> None:
        """Keepalive.

        While paused the broker's PINGRESP waits behind the messages we do not read; and while a large message
        leaves over a slow line, our PINGREQ waits behind that.
        """
        moved = 0
        while True:
            if self.paused or (self.moved != moved and self._client.want_write()):
                moved = self.moved
                self._client._ping_t = 0
                with self._client._msgtime_mutex:
                    self._client._last_bytes_received = paho.time_func()
            if self._client.loop_misc() != paho.MQTT_ERR_SUCCESS:
                return
            await asyncio.sleep(1)


class Connection:
    """One MQTT 5 connection: `async with`, subscribe, iterate, publish, acknowledge."""

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        receive_maximum: int = 1,
        will: Will | None = None,
        budget: ReceiveBudget | None = None,
        held: HeldBytes | None = None,
        clean: bool = False,
    ) -> None:
        """Describe a connection; nothing happens before `async with`.

        Args:
            settings: the way to the broker.
            client_id: the name of the persistent session.
            receive_maximum: most unacknowledged messages we ask the broker for.
            will: published by the broker if we vanish.
            budget: above it the socket is not read.
            held: what earlier connections still hold.
            clean: no session: for a look at the broker that leaves nothing behind.
        """
        self.client_id = client_id
        self.receive_maximum = receive_maximum
        self.unacknowledged = 0
        self.most_unacknowledged = 0
        self.held = held if held is not None else HeldBytes()
        self._settings = settings
        self._budget = budget or ReceiveBudget()
        self._messages: asyncio.Queue[Delivery] = asyncio.Queue()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0 if clean else settings.session_expiry_s
        properties.ReceiveMaximum = receive_maximum
        password = settings.password.get_secret_value() if settings.password else None
        self._client = _Client(
            self,
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=password,
            identifier=client_id,
            protocol=ProtocolVersion.V5,
            clean_start=clean,
            properties=properties,
            keepalive=settings.keepalive_s,
            timeout=settings.timeout_s,
            tls_context=settings.tls.context(),
            socket_options=[(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)],
            will=aiomqtt.Will(will.topic, will.payload, 1, will.retain) if will else None,
        )

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerRefusedError: a negative CONNACK.
            ConnectionLostError: no connection.
        """
        try:
            await self._client.__aenter__()
        except aiomqtt.MqttCodeError as error:
            code = error.rc.value if isinstance(error.rc, ReasonCode) else int(error.rc or 0)
            raise BrokerRefusedError("the connection", code, str(error.rc)) from error
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            self._abandon()
            where = f"{self._settings.host}:{self._settings.port}"
            raise ConnectionLostError(f"no connection to the broker at {where}: {error}") from error
        except BaseException:
            self._abandon()
            raise
        if self._client.raw.socket() is None:
            # Hung up in the moment between; aiomqtt has not noticed, and would never say so.
            self._abandon()
            raise self._why()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect; a connection that is already gone is left alone."""
        self._fail_pending()
        try:
            await self._client.__aexit__(None, None, None)
        except (aiomqtt.MqttError, OSError, ValueError):
            # A broker that does not answer our DISCONNECT has lost us already; the socket is closed below.
            pass
        finally:
            self._abandon()
            # Messages may have come before anybody began to take them; nobody will now.
            self.drop_waiting()

    def abort(self) -> None:
        """Close the socket without a DISCONNECT: the broker publishes the will."""
        self._abandon()

    def _abandon(self) -> None:
        """Close the socket, whatever state paho believes to be in; also one that a thread is still opening."""
        self._client.abandoned = True
        with contextlib.suppress(OSError, ValueError):
            self._client.raw._sock_close()
        ended = self._client.connection_ended
        if not ended.done():
            ended.set_result(None)
        elif not ended.cancelled():
            ended.exception()  # told to whoever asked; asyncio would log it as never retrieved

    @property
    def alive(self) -> bool:
        """Whether the connection stands, as far as this end can know."""
        return not self._client.connection_ended.done()

    @property
    def session_present(self) -> bool:
        """Whether the broker had kept our session."""
        return self._client.session_present

    @property
    def maximum_packet_size(self) -> int | None:
        """The largest packet the broker takes, None if it did not say."""
        return self._client.maximum_packet_size

    async def ended(self) -> ConnectionLostError:
        """Wait for the end of the connection, and say why it ended."""
        await asyncio.wait([self._client.connection_ended])
        return self._why()

    def _why(self) -> ConnectionLostError:
        if self._client.disconnect_code == _SESSION_TAKEN_OVER:
            return SessionTakenOverError(self.client_id)
        future = self._client.connection_ended
        reason: object = None
        if future.done() and not future.cancelled():
            reason = future.exception()
        return ConnectionLostError(f"the connection to the broker ended: {reason or 'closed'}")

    async def subscribe(self, filters: Sequence[str], *, qos: int = 1) -> None:
        """Subscribe to every filter.

        Raises:
            BrokerRefusedError: a SUBACK that says no.
            ConnectionLostError: no answer.
        """
        if not filters:
            return
        try:
            codes = await self._suback(filters, qos)
        except (aiomqtt.MqttError, OSError) as error:
            raise ConnectionLostError(f"could not subscribe: {error}") from error
        for name, code in zip(filters, codes, strict=True):
            value = code.value if isinstance(code, ReasonCode) else code
            if value >= _FAILURE:
                raise BrokerRefusedError(f"the subscription to {name!r}", value, str(code))

    async def _suback(self, filters: Sequence[str], qos: int) -> Sequence[ReasonCode | int]:
        """The answer to SUBSCRIBE. While we do not read it may lie in the socket for any time."""
        answer = asyncio.ensure_future(self._client.subscribe([(name, qos) for name in filters], timeout=math.inf))
        ended = self._client.connection_ended
        try:
            while not answer.done():
                await asyncio.wait(
                    {answer, ended}, timeout=self._settings.timeout_s, return_when=asyncio.FIRST_COMPLETED
                )
                if ended.done():
                    raise self._why()
                if not (answer.done() or self._client.paused):
                    raise ConnectionLostError(f"could not subscribe: no SUBACK within {self._settings.timeout_s:g} s")
            return answer.result()
        finally:
            answer.cancel()

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Messages as they come, until the connection ends.

        Raises:
            ConnectionLostError: it ended.
        """
        ended = self._client.connection_ended
        while True:
            get = asyncio.ensure_future(self._messages.get())
            try:
                await asyncio.wait([get, ended], return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    raise self._why()  # noqa: TRY301 (both ways out give the memory back)
            except BaseException:
                if get.done() and not get.cancelled():
                    self.release(get.result())
                get.cancel()
                raise
            yield get.result()

    def drop_waiting(self) -> int:
        """Forget what was received and not yet taken; the broker sends it again. Returns how many."""
        count = 0
        while not self._messages.empty():
            self.release(self._messages.get_nowait())
            count += 1
        return count

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> bool:
        """Publish with QoS 1 and see it accepted.

        Returns:
            Whether anybody was subscribed; True where the broker does not say.

        Raises:
            PublishRefusedError: a negative PUBACK.
            PacketTooLargeError: the broker would end the connection over it.
            ConnectionLostError: no PUBACK.
        """
        self._check_size(topic, payload, properties)
        if not self.alive:
            raise self._why()
        info = self._client.raw.publish(topic, payload, 1, retain, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise ConnectionLostError(f"could not publish to {topic!r}: {paho.error_string(info.rc)}")
        puback: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._client.pubacks[info.mid] = puback
        try:
            await self._until_acknowledged(puback)
        finally:
            self._client.pubacks.pop(info.mid, None)
        if not puback.done() or puback.cancelled():
            if not self.alive:
                raise self._why()
            # Nothing that waits for this connection, such as a PUBACK of a message behind this one, would ever come.
            self._abandon()
            raise ConnectionLostError(f"no PUBACK for {topic!r} within {self._settings.timeout_s:g} s")
        code = puback.result()
        if code >= _FAILURE:
            raise PublishRefusedError(topic, code)
        return code != _NO_MATCHING_SUBSCRIBERS

    async def _until_acknowledged(self, puback: asyncio.Future[int]) -> None:
        """Wait for a PUBACK, in vain if nothing moves for so long: a slow line takes its time with a large message."""
        leaving = True
        while leaving:
            moved, leaving = self._client.moved, self._client.raw.want_write()
            await asyncio.wait(
                [puback, self._client.connection_ended],
                timeout=self._settings.timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if puback.done() or not self.alive or self._client.moved == moved:
                return

    def _check_size(self, topic: str, payload: bytes, properties: Properties | None) -> None:
        limit = self.maximum_packet_size
        packed = len(properties.pack()) if properties is not None else 1  # type: ignore[no-untyped-call]
        size = len(payload) + len(topic.encode()) + packed + _FIXED_PARTS
        if limit is not None and size > limit:
            raise PacketTooLargeError(topic, size, limit)

    def took(self, message: paho.MQTTMessage, head: PublishHead) -> None:
        """Called by the client for every message; stops reading where the budget is used up."""
        self._messages.put_nowait(self._delivery(message, head))
        self.held.messages += 1
        self.held.bytes += len(message.payload)
        if message.qos:
            self.unacknowledged += 1
            self.most_unacknowledged = max(self.most_unacknowledged, self.unacknowledged)
        if self._over_budget:
            self._client.pause()
            self.held.paused = self

    def _delivery(self, message: paho.MQTTMessage, head: PublishHead) -> Delivery:
        return Delivery(
            topic=_topic_of(message),
            payload=cast("bytes", message.payload),  # bytes-like; nobody here writes to it
            qos=message.qos,
            retain=message.retain,
            duplicate=message.dup,
            content_type=head.content_type,
            response_topic=head.response_topic,
            correlation_data=head.correlation_data,
            received_at=datetime.now(UTC),
            receipt=Receipt(connection=self, packet_id=message.mid, qos=message.qos),
        )

    @property
    def _over_budget(self) -> bool:
        return self.held.messages >= self._budget.messages or self.held.bytes >= self._budget.bytes

    def acknowledge(self, receipt: Receipt) -> None:
        """Send the PUBACK of a delivery of this connection.

        Raises:
            ConnectionLostError: the connection is gone. A PUBACK on another one would hit another message.
        """
        if receipt.connection is not self or not self.alive:
            raise ConnectionLostError("the connection that brought the message is gone")
        if receipt.qos:
            code = self._client.raw.ack(receipt.packet_id, receipt.qos)
            if code != paho.MQTT_ERR_SUCCESS:
                raise ConnectionLostError(f"could not acknowledge: {paho.error_string(code)}")
            self.unacknowledged -= 1

    def release(self, delivery: Delivery) -> None:
        """Give a delivery's bytes back to the budget; whichever connection waited for room reads on."""
        self.held.messages -= 1
        self.held.bytes -= len(delivery.payload)
        if self.held.paused is not None:
            self.held.paused.read_on()

    def read_on(self) -> None:
        """Read again if the budget allows."""
        if not self._over_budget:
            self.held.paused = None
            self._client.resume()

    def _fail_pending(self) -> None:
        for future in self._client.pubacks.values():
            future.cancel()


def _topic_of(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        # A broker must not pass this on (MQTT-1.5.4-1); should one do so, it is refused like any bad topic.
        return bytes(message._topic).decode(errors="replace")
