"""Does the broker carry what we need, and keep it?"""

import asyncio
import secrets

from racing_coach_core.findings import Report
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError, BrokerRefusedError, PacketTooLargeError, PublishRefusedError
from racing_coach_core.settings import MqttSettings
from racing_coach_server.config import Settings
from racing_coach_server.doctor.strangers import examine_strangers

_SUBJECT = "broker"
_PROBES = 6
_PATIENCE_S = 5.0
_QUIET_S = 0.7


async def examine_broker(settings: Settings, report: Report) -> None:
    """Connect as the daemon would, under another client id, and try things out on a topic of its own."""
    try:
        async with _connection(settings.mqtt, settings.client_id) as connection:
            report.good(_SUBJECT, f"MQTT 5 connection to {settings.mqtt.host}:{settings.mqtt.port}")
            probe = settings.mqtt.topics.doctor.build(instance=settings.instance)
            await _laps(connection, settings, report)
            await _answers(connection, settings, report)
            await _largest(connection, settings, probe, report)
        await _receive_maximum(settings, probe, report)
        await examine_strangers(settings, report)
    except BrokerError as error:
        report.bad(
            _SUBJECT,
            str(error),
            "check RACING_COACH_MQTT__HOST, __PORT, __USERNAME, __PASSWORD and that it runs",
        )


def _connection(mqtt: MqttSettings, client_id: str) -> Connection:
    name = f"{client_id}-doctor-{secrets.token_hex(3)}"
    return Connection(mqtt, client_id=name, receive_maximum=2, clean=True)


async def _laps(connection: Connection, settings: Settings, report: Report) -> None:
    name = settings.mqtt.topics.laps.filter
    try:
        await connection.subscribe([name])
        report.good("laps", f"may subscribe to {name}")
    except BrokerRefusedError as error:
        report.bad("laps", str(error), f"let this user read {name} in the broker's access list")


async def _answers(connection: Connection, settings: Settings, report: Report) -> None:
    topic = settings.mqtt.topics.lap_answers.build(rig="doctor", car="doctor")
    try:
        await connection.publish(topic, b"")
        report.good("answers", f"may publish to {topic}")
    except PublishRefusedError as error:
        report.bad(
            "answers",
            str(error),
            f"let this user write {settings.mqtt.topic_prefix}/acks/# in the access list",
        )


async def _largest(connection: Connection, settings: Settings, probe: str, report: Report) -> None:
    """A broker that drops large messages without a word loses laps: send the largest and see it come."""
    size = settings.limits.wire_bytes
    try:
        await connection.subscribe([probe])
        await connection.publish(probe, bytes(size))
        async with asyncio.timeout(_PATIENCE_S):
            async for delivery in connection.deliveries():
                delivery.acknowledge()
                delivery.release()
                if delivery.topic == probe and len(delivery.payload) == size:
                    break
        report.good("largest lap", f"{size:,} bytes arrive")
    except TimeoutError:
        report.bad(
            "largest lap",
            f"{size:,} bytes were accepted and did not arrive",
            "remove message_size_limit from the broker's configuration and set max_packet_size",
        )
    except (PacketTooLargeError, BrokerRefusedError, PublishRefusedError) as error:
        report.bad("largest lap", str(error), "see mosquitto/mosquitto.conf for limits and access list that work")
    except BrokerError as error:
        report.bad(
            "largest lap",
            f"the broker ended the connection over {size:,} bytes: {error}",
            f"set max_packet_size to {size + 65_536} or more",
        )


async def _receive_maximum(settings: Settings, probe: str, report: Report) -> None:
    """Come back to a queue, hold back acks, and count what comes all the same.

    It takes a queue of an absent session: mosquitto 2.0.11 honours it for what comes one by one.
    """
    subject, asked = "Receive Maximum", 2
    mqtt = settings.mqtt.model_copy(update={"session_expiry_s": 60})
    client_id = f"{settings.client_id}-doctor-{secrets.token_hex(3)}"
    async with Connection(mqtt, client_id=client_id) as connection:
        await connection.subscribe([probe])
    try:
        async with _connection(settings.mqtt, settings.client_id) as publisher:
            for _ in range(_PROBES):
                await publisher.publish(probe, b"{}")
    except PublishRefusedError as error:
        report.advice(subject, f"not examined: {error}", "let this user write below doctor/")
        return
    async with Connection(mqtt, client_id=client_id, receive_maximum=asked) as connection:
        await asyncio.sleep(_QUIET_S)
        seen = connection.most_unacknowledged
    if seen == 0:
        report.advice(subject, "not examined: nothing came", "let this user read below doctor/")
    elif seen > asked:
        report.advice(
            subject,
            f"asked for {asked}, the broker sent {seen}: the daemon falls back to one lap at a time",
            "mosquitto 2.0.21 or newer honours it",
        )
    else:
        report.good(subject, "honoured")
