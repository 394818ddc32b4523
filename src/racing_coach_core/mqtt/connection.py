"""One MQTT 5 connection with what delivery needs and aiomqtt does not offer.

aiomqtt 2.5 acknowledges a message before anybody has seen it, keeps no session, hides negative PUBACKs and reads
without bound. Here it is otherwise:

- manual acks: a message is acknowledged when its work is done, and only on the connection it came from;
- a session that survives: fixed client id, `clean_start=False` and a session expiry;
- PUBACK reason codes are looked at: 0x87 (not authorised) is an error, 0x10 (nobody subscribed) is told;
- bounded memory: above a budget of messages and bytes the socket is not read, whatever the broker honours;
- the reason of a disconnect is told apart: another client that took over our client id is no outage.

One object is one connection. It is never entered twice, and packet ids never pass from one to another.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Self

from racing_coach_core.concurrency import first_of
from racing_coach_core.mqtt.budget import HeldBytes, ReceiveBudget
from racing_coach_core.mqtt.client import Client
from racing_coach_core.mqtt.delivery import Delivery, Receipt
from racing_coach_core.mqtt.exceptions import ConnectionLostError
from racing_coach_core.mqtt.inbox import Inbox
from racing_coach_core.mqtt.packet_reader import Packet
from racing_coach_core.mqtt.publish_packet import publish_head
from racing_coach_core.mqtt.publishing import Publishing, publish_properties
from racing_coach_core.mqtt.subscribing import subscribe, unsubscribe
from racing_coach_core.mqtt.will import Will
from racing_coach_core.settings import MqttSettings


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
            clean: no session: what was not acknowledged when it ends, the broker gives to others or forgets.
        """
        self.client_id = client_id
        self.receive_maximum = receive_maximum
        self.unacknowledged = 0
        self.most_unacknowledged = 0
        self.held = held if held is not None else HeldBytes()
        self._timeout_s = settings.timeout_s
        self._client = Client(
            settings,
            client_id=client_id,
            receive_maximum=receive_maximum,
            will=will,
            clean=clean,
            on_publish=self._came,
        )
        self._inbox = Inbox(self._client.socket, budget or ReceiveBudget(), self.held)
        self._publishing = Publishing(self._client, self._timeout_s)

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerRefusedError: a negative CONNACK.
            ConnectionLostError: no connection.
        """
        try:
            await self._client.connect()
        except BaseException:
            self._client.abandon()
            raise
        if not self.alive:  # hung up in the moment between
            raise self._client.why()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect; a connection that is already gone is left alone."""
        try:
            await self._client.disconnect()
        finally:
            self._client.abandon()
            # Messages may have come before anybody began to take them; nobody will now.
            self.drop_waiting()

    def abort(self) -> None:
        """Close the socket without a DISCONNECT: the broker publishes the will."""
        self._client.abandon()

    @property
    def alive(self) -> bool:
        """Whether the connection stands, as far as this end can know."""
        return not self._client.ended.done()

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
        await first_of(self._client.ended)
        return self._client.why()

    # --- messages in -----------------------------------------------------------------------------------------

    async def subscribe(self, filters: Sequence[str], *, qos: int = 1, retained: bool = True) -> None:
        """Subscribe to every filter.

        Args:
            filters: what to subscribe to.
            qos: at most this one.
            retained: whether the broker shall send what it keeps, each time.

        Raises:
            BrokerRefusedError: a SUBACK that says no.
            ConnectionLostError: no answer.
        """
        if filters:
            await subscribe(self._client, filters, qos=qos, retained=retained, timeout_s=self._timeout_s)

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Have the broker send nothing more by these filters than what it holds for us already.

        Raises:
            ConnectionLostError: no answer.
        """
        await unsubscribe(self._client, filters, timeout_s=self._timeout_s)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Messages as they come, until the connection ends.

        Raises:
            ConnectionLostError: it ended.
        """
        while True:
            delivery = self._inbox.take() if self.alive else None
            if delivery is not None:
                yield delivery
                continue
            await first_of(self._inbox.arrival(), self._client.ended)
            if not self.alive:
                raise self._client.why()

    def drop_waiting(self) -> int:
        """Forget what was received and not yet taken; the broker sends it again. Returns how many."""
        return self._inbox.drop()

    def _came(self, packet: Packet) -> None:
        """Called for every message."""
        delivery = self._delivery(packet)
        self._inbox.put(delivery)
        if delivery.qos:
            self.unacknowledged += 1
            self.most_unacknowledged = max(self.most_unacknowledged, self.unacknowledged)

    def _delivery(self, packet: Packet) -> Delivery:
        retain, qos, duplicate = packet.flags & 1, packet.flags >> 1 & 3, packet.flags >> 3
        head = publish_head(packet.body, qos=qos)
        if head is None or qos > 1:  # we subscribe with QoS 1
            raise ConnectionError("the broker sent what is no message of QoS 0 or 1")
        return Delivery(
            topic=head.topic,
            payload=bytes(memoryview(packet.body)[head.size :]),
            qos=qos,
            retain=bool(retain),
            duplicate=bool(duplicate),
            content_type=head.content_type,
            response_topic=head.response_topic,
            correlation_data=head.correlation_data,
            received_at=datetime.now(UTC),
            receipt=Receipt(connection=self, packet_id=head.packet_id, qos=qos),
        )

    def acknowledge(self, receipt: Receipt) -> None:
        """Send the PUBACK of a delivery of this connection.

        Raises:
            ConnectionLostError: the connection is gone. A PUBACK on another one would hit another message.
        """
        if receipt.connection is not self or not self.alive:
            raise ConnectionLostError("the connection that brought the message is gone")
        if receipt.qos:
            self._client.acknowledge(receipt.packet_id, receipt.qos)
            self.unacknowledged -= 1

    def release(self, delivery: Delivery) -> None:
        """Give a delivery's bytes back to the budget."""
        self.held.release(len(delivery.payload))

    # --- messages out ----------------------------------------------------------------------------------------

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        content_type: str | None = None,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
    ) -> bool:
        """Publish with QoS 1 and see it accepted.

        Returns:
            Whether anybody was subscribed; True where the broker does not say.

        Raises:
            PublishRefusedError: a negative PUBACK.
            PacketTooLargeError: the broker would end the connection over it.
            ConnectionLostError: no PUBACK.
        """
        properties = publish_properties(content_type, response_topic, correlation_data)
        return await self._publishing.publish(topic, payload, retain=retain, properties=properties)
