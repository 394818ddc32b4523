"""Does the broker take this rig, as this rig, with laps as large as they are?"""

from filelock import FileLock, Timeout

from racing_coach_core.findings import Report
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError, BrokerRefusedError, PublishRefusedError, UntrustedBrokerError
from racing_coach_rig.config import NAME_IS_USER, RigSettings
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.publisher import presence

_LOOPBACK = ("127.", "localhost", "::1")
_LARGE_LAP = 2 * 2**20
"""Bytes. Three minutes as the rig sends them; a broker that takes less refuses laps that are driven."""


async def examine_broker(settings: RigSettings, outbox: Outbox, report: Report) -> None:
    """Connect as the rig would, unless the rig is connected: a second connection with its name would end the first."""
    _examine_settings(settings, report)
    lock = FileLock(outbox.path.with_suffix(".sender.lock"))
    try:
        with lock.acquire(blocking=False):
            await _connect(settings, outbox, report)
    except Timeout:
        trouble = outbox.way.trouble()
        if trouble is None:
            report.good("broker", "`racing-coach-rig run` is connected; nothing else was tried beside it")
        else:
            report.bad("broker", trouble.reason, "mend it; `racing-coach-rig run` goes on by itself")


def _examine_settings(settings: RigSettings, report: Report) -> None:
    mqtt = settings.mqtt
    if settings.two_names is not None:
        report.advice("name", settings.two_names, NAME_IS_USER)
    else:
        report.good("name", f"rig {settings.rig}")
    if mqtt.tls.context() is not None:
        report.good("TLS", "on")
    elif mqtt.host.startswith(_LOOPBACK):
        report.good("TLS", f"off; the broker is on this machine ({mqtt.host})")
    else:
        report.advice(
            "TLS",
            f"off: whoever listens between here and {mqtt.host} reads the password and the laps",
            "fine in a network of your own; else RACING_COACH_MQTT__TLS__CA_FILE, see mosquitto/README.md",
        )


async def _connect(settings: RigSettings, outbox: Outbox, report: Report) -> None:
    mqtt = settings.mqtt
    try:
        async with Connection(mqtt, client_id=settings.client_id, receive_maximum=32) as connection:
            report.good("broker", f"MQTT 5 connection to {mqtt.host}:{mqtt.port}, as {mqtt.username or 'nobody'}")
            await _examine_access(connection, settings, report)
            _examine_packets(connection, outbox, report)
    except UntrustedBrokerError as error:
        report.bad("TLS", str(error), "copy the authority's certificate to this rig, and name it in the setting")
    except BrokerRefusedError as error:
        report.bad("credentials", str(error), "on the broker's machine, mosquitto_passwd sets a rig's password again")
    except BrokerError as error:
        report.bad("broker", str(error), "check RACING_COACH_MQTT__HOST and __PORT, that it runs, and the network")


async def _examine_access(connection: Connection, settings: RigSettings, report: Report) -> None:
    """What a rig writes and reads, but for laps: every lap that is published is answered and counted."""
    topics = settings.mqtt.topics
    topic = topics.rig_status.build(rig=settings.rig)
    try:
        await connection.publish(topic, presence(online=True), retain=True)
        await connection.publish(topic, presence(online=False), retain=True)
        await connection.subscribe([f"{topics.answers_below(settings.rig)}#"])
    except (PublishRefusedError, BrokerRefusedError) as error:
        report.bad(
            "access list",
            str(error),
            f"the broker's access list must let this user write below rigs/{settings.rig}/: see mosquitto/acl",
        )
    else:
        report.good("access list", f"may write below rigs/{settings.rig}/ and subscribe to its answers")


def _examine_packets(connection: Connection, outbox: Outbox, report: Report) -> None:
    largest = max(outbox.largest_payload(), _LARGE_LAP)
    limit = connection.maximum_packet_size
    if limit is None or limit >= largest:
        report.good("packets", "of any size" if limit is None else f"up to {limit:,} bytes")
        return
    report.bad(
        "packets",
        f"the broker takes up to {limit:,} bytes; a lap may have {largest:,}",
        "set max_packet_size in the broker's configuration, as mosquitto/mosquitto.conf does",
    )
