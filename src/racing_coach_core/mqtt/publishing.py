"""Messages on their way out, each until its PUBACK says what became of it."""

import asyncio
import contextlib
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from racing_coach_core.concurrency import first_of
from racing_coach_core.mqtt.client import Client
from racing_coach_core.mqtt.exceptions import ConnectionLostError, PacketTooLargeError, PublishRefusedError

_FAILURE: Final = 0x80
_NO_MATCHING_SUBSCRIBERS: Final = 0x10
_FIXED_PARTS: Final = 16
"""Bytes of a PUBLISH besides topic, properties and payload, at most: type, length, the topic's length, packet id."""
_UTF8: Final = 4
"""Bytes of a character, at most."""
_MOST: Final = _FIXED_PARTS + 3 * (3 + 0xFFFF)
"""The same with the three properties that we set."""


def publish_properties(
    content_type: str | None, response_topic: str | None, correlation_data: bytes | None
) -> Properties:
    """The properties of a PUBLISH, of those that are not None."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has left it so
    if content_type is not None:
        properties.ContentType = content_type
    if response_topic is not None:
        properties.ResponseTopic = response_topic
    if correlation_data is not None:
        properties.CorrelationData = correlation_data
    return properties


class Publishing:
    """Publishes with QoS 1 on one connection."""

    def __init__(self, client: Client, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._pubacks: dict[int, asyncio.Future[int]] = {}
        self._under_way: set[int] = set()
        """What the broker has not acknowledged, whether or not somebody still waits for that."""
        self._acknowledged = asyncio.Event()
        client.paho.on_publish = self._on_puback

    async def publish(self, topic: str, payload: bytes, *, retain: bool, properties: Properties) -> bool:
        """Publish, and see it accepted; the rest is said in `Connection.publish`."""
        self._check_size(topic, payload, properties)
        await self._room()
        info = self._client.paho.publish(topic, payload, 1, retain, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise ConnectionLostError(f"could not publish to {topic!r}: {paho.error_string(info.rc)}")
        puback: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pubacks[info.mid] = puback
        self._under_way.add(info.mid)
        self._client.socket.send()
        try:
            await self._until_acknowledged(puback)
        finally:
            self._pubacks.pop(info.mid, None)
        if not puback.done():
            if self._client.ended.done():
                raise self._client.why()
            # Nothing that waits for this connection, such as a PUBACK of a message behind this one, would ever come.
            self._client.abandon()
            raise ConnectionLostError(f"no PUBACK for {topic!r} within {self._timeout_s:g} s")
        code = puback.result()
        if code >= _FAILURE:
            raise PublishRefusedError(topic, code)
        return code != _NO_MATCHING_SUBSCRIBERS

    async def _room(self) -> None:
        """Wait until the broker takes one more: it may end the connection over one beyond its Receive Maximum."""
        while not self._client.ended.done() and len(self._under_way) >= self._client.receive_maximum:
            self._acknowledged.clear()
            await first_of(self._acknowledged.wait(), self._client.ended)
        if self._client.ended.done():
            raise self._client.why()

    async def _until_acknowledged(self, puback: asyncio.Future[int]) -> None:
        """Wait for a PUBACK, in vain if nothing moves for so long: a slow line takes its time with a large message."""
        leaving = True
        while leaving:
            sent, leaving = self._client.socket.sent, self._client.paho.want_write()
            with contextlib.suppress(TimeoutError):
                await first_of(puback, self._client.ended, timeout_s=self._timeout_s)
            if puback.done() or self._client.ended.done() or self._client.socket.sent == sent:
                return

    def _check_size(self, topic: str, payload: bytes, properties: Properties) -> None:
        limit = self._client.maximum_packet_size
        if limit is None or len(payload) + _UTF8 * len(topic) + _MOST <= limit:
            return  # whatever its properties are
        packed = len(properties.pack())  # type: ignore[no-untyped-call]  # paho has left it so
        size = len(payload) + len(topic.encode()) + packed + _FIXED_PARTS
        if size > limit:
            raise PacketTooLargeError(topic, size, limit)

    def _on_puback(self, _paho: Any, _userdata: Any, packet_id: int, reason_code: Any, _properties: Any) -> None:
        self._under_way.discard(packet_id)
        self._acknowledged.set()
        puback = self._pubacks.pop(packet_id, None)
        if puback is not None and not puback.done():
            puback.set_result(int(reason_code.value))
