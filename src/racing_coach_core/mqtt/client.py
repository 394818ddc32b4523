"""aiomqtt's client, with paho under it driven through its public callbacks on a socket of ours.

aiomqtt configures, connects, subscribes and disconnects. What it hides is taken from paho itself: manual
acknowledgements, CONNACK's properties, the reason of a disconnect; and reading can pause.
"""

import asyncio
import contextlib
import math
import re
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiomqtt
import paho.mqtt.client as paho
from aiomqtt import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from racing_coach_core.concurrency import first_of
from racing_coach_core.mqtt import reach
from racing_coach_core.mqtt.exceptions import (
    BrokerRefusedError,
    ConnectionLostError,
    SessionTakenOverError,
    UntrustedBrokerError,
)
from racing_coach_core.mqtt.packet_reader import Packet
from racing_coach_core.mqtt.socket_driver import SocketDriver
from racing_coach_core.mqtt.will import Will
from racing_coach_core.settings import MqttSettings

_NO_REASON: Final = 0x80
_SESSION_TAKEN_OVER: Final = 0x8E
# A queue in paho would hide a stalled connection and hold memory.
_MAX_INFLIGHT: Final = 65_535


class Client:
    """One connection: made, subscribed, ended. All of this runs on the event loop's thread.

    Attributes:
        paho: for what aiomqtt lacks.
        socket: to pause, and to see whether anything moves.
        ended: done once the connection is over; the reason in words.
        session_present: whether the broker had kept our session.
        maximum_packet_size: the largest packet the broker takes, None if it did not say.
        receive_maximum: how many unacknowledged messages the broker takes at once.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        receive_maximum: int,
        will: Will | None,
        clean: bool,
        on_publish: Callable[[Packet], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self._client_id = client_id
        self._where = f"{settings.host}:{settings.port}"
        self._missing = settings.missing_credentials
        self._answered = False
        self._disconnect_code: int | None = None
        self._hung_up: asyncio.Future[Any] = loop.create_future()
        self.ended: asyncio.Future[Any] = loop.create_future()
        self.session_present = False
        self.maximum_packet_size: int | None = None
        self.receive_maximum = _MAX_INFLIGHT
        self._aiomqtt = _aiomqtt_client(settings, client_id, receive_maximum, will, clean=clean)
        self.paho = reach.paho_of(self._aiomqtt)
        self.paho.manual_ack_set(True)
        self.socket = SocketDriver(self.paho, on_publish=on_publish, on_broken=self._end)
        # aiomqtt keeps the callback of SUBACK, and is told of CONNACK and the end.
        self._tell_connect: Any = self.paho.on_connect
        self._tell_disconnect: Any = self.paho.on_disconnect
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = self._on_disconnect

    async def connect(self) -> None:
        """Connect, and wait for the CONNACK.

        Raises:
            BrokerRefusedError: a negative one.
            ConnectionLostError: none.
        """
        try:
            await first_of(self._aiomqtt.__aenter__(), self._hung_up)
        except aiomqtt.MqttCodeError as error:
            code = error.rc.value if isinstance(error.rc, ReasonCode) else int(error.rc or 0)
            raise BrokerRefusedError(
                f"the connection at {self._where}", code, str(error.rc), missing=self._missing
            ) from error
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise self._not_reached(error) from error
        if not self._answered:
            hint = "hung up before it answered; is it an MQTT port, and TLS?"
            raise ConnectionLostError(f"no connection to the broker at {self._where}: {hint}")

    def _not_reached(self, error: BaseException) -> ConnectionLostError:
        """In words. aiomqtt hides what was raised, and Python keeps it as the context."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = cause.verify_message.rstrip(".")
                return UntrustedBrokerError(self._where, f"certificate verify failed: {why}")
            cause = cause.__context__
        reason = re.sub(r"^\[(Errno|SSL)[^\]]*\] ", "", str(error))
        return ConnectionLostError(f"no connection to the broker at {self._where}: {reason}")

    async def disconnect(self) -> None:
        """Say goodbye to a broker that is still there."""
        if not self.ended.done():
            # A broker that does not answer our DISCONNECT has lost us already.
            with contextlib.suppress(aiomqtt.MqttError, OSError, ValueError):
                await first_of(self._aiomqtt.__aexit__(None, None, None), self.ended)

    def abandon(self) -> None:
        """Close the socket without a DISCONNECT, whatever paho believes; also one that a thread is still opening."""
        self.socket.close()
        self._end("closed")

    def why(self) -> ConnectionLostError:
        """Why the connection ended."""
        if self._disconnect_code == _SESSION_TAKEN_OVER:
            return SessionTakenOverError(self._client_id)
        reason = self.ended.result() if self.ended.done() else "closed"
        return ConnectionLostError(f"the connection to the broker ended: {reason}")

    def _end(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        self._answered = True
        self.session_present = bool(flags.session_present)
        self.maximum_packet_size = getattr(properties, "MaximumPacketSize", None)
        self.receive_maximum = getattr(properties, "ReceiveMaximum", _MAX_INFLIGHT)
        self._tell_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if isinstance(reason_code, ReasonCode) and flags.is_disconnect_packet_from_server:
            self._disconnect_code = reason_code.value
        # Whatever the reason, aiomqtt is told of a clean end: the error that it would make nobody would ever fetch.
        self._tell_disconnect(client, userdata, flags, paho.MQTT_ERR_SUCCESS, properties)
        if not self._answered and not self._hung_up.done():
            # A port that hangs up on us, such as one for TLS, need not cost the whole timeout.
            self._hung_up.set_result(None)
        self._end("closed" if reason_code == paho.MQTT_ERR_SUCCESS else _in_words(reason_code, flags))

    async def subscribe(self, filters: Sequence[str], *, qos: int, retained: bool) -> Sequence[ReasonCode | int]:
        """Send SUBSCRIBE, and wait for as long as it takes; the codes of the SUBACK, one for each filter."""
        handling = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if retained else SubscribeOptions.RETAIN_DO_NOT_SEND
        options = SubscribeOptions(qos=qos, retainHandling=handling)
        return await self._aiomqtt.subscribe([(name, options) for name in filters], timeout=math.inf)

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Send UNSUBSCRIBE, and wait for as long as it takes."""
        await self._aiomqtt.unsubscribe([*filters], timeout=math.inf)

    def acknowledge(self, packet_id: int, qos: int) -> None:
        """Send a PUBACK.

        Raises:
            ConnectionLostError: paho knows that the connection is gone.
        """
        code = self.paho.ack(packet_id, qos)
        if code != paho.MQTT_ERR_SUCCESS:
            raise ConnectionLostError(f"could not acknowledge: {paho.error_string(code)}")
        self.socket.send()


def _in_words(reason_code: object, flags: Any) -> str:
    """Why a connection ended; paho has a code of its own for one that is gone without a DISCONNECT."""
    if isinstance(reason_code, ReasonCode) and reason_code.value == _NO_REASON:
        return "the broker gave no reason" if flags.is_disconnect_packet_from_server else "the broker hung up"
    return str(reason_code)


def _aiomqtt_client(
    settings: MqttSettings, client_id: str, receive_maximum: int, will: Will | None, *, clean: bool
) -> aiomqtt.Client:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has left it so
    properties.SessionExpiryInterval = 0 if clean else settings.session_expiry_s
    properties.ReceiveMaximum = receive_maximum
    return aiomqtt.Client(
        hostname=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        identifier=client_id,
        protocol=ProtocolVersion.V5,
        clean_start=clean,
        properties=properties,
        keepalive=settings.keepalive_s,
        timeout=settings.timeout_s,
        tls_context=settings.tls.context(),
        max_inflight_messages=_MAX_INFLIGHT,
        will=aiomqtt.Will(will.topic, will.payload, 1, will.retain) if will else None,
    )
