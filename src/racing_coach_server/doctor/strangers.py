"""What could others do with the broker as it is: strangers, a rig with its own password, ourselves by mistake."""

import asyncio
import secrets

from pydantic import SecretStr

from racing_coach_core.findings import Report
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError, BrokerRefusedError
from racing_coach_core.settings import MqttSettings
from racing_coach_server.config import Settings

_PROBES = 8
_QUIET_S = 0.5
_LISTENERS = "see `listener` and use_username_as_clientid in mosquitto/mosquitto.conf"


async def examine_strangers(settings: Settings, report: Report) -> None:
    """Try things out that nobody should be able to do.

    Raises:
        BrokerError: the broker is not reached as the daemon.
    """
    await _nobody(settings, report)
    await _several_connections(settings, report)
    rig = _rig(settings)
    if rig is None:
        report.advice(
            "rigs",
            "what a rig's password opens was not tried",
            "set RACING_COACH_DOCTOR__RIG_USERNAME and __RIG_PASSWORD to those of a rig",
        )
        return
    await _daemons_session(settings, rig, report)
    await _shared_group(settings, rig, report)


def _rig(settings: Settings) -> MqttSettings | None:
    """The way to the broker of the rig whose password we were given."""
    doctor = settings.doctor
    if doctor.rig_username is None:
        return None
    return settings.mqtt.model_copy(
        update={
            "username": doctor.rig_username,
            "password": doctor.rig_password or SecretStr(""),
            "host": doctor.rig_host or settings.mqtt.host,
            "port": doctor.rig_port,
        }
    )


def _connection(mqtt: MqttSettings, client_id: str | None = None) -> Connection:
    return Connection(mqtt, client_id=client_id or _name(), receive_maximum=_PROBES, clean=True)


def _name() -> str:
    return f"racing-coach-doctor-{secrets.token_hex(6)}"


async def _nobody(settings: Settings, report: Report) -> None:
    """Promise 5: nobody without a name reads laps."""
    anonymous = settings.mqtt.model_copy(update={"username": None, "password": None})
    subject = "strangers"
    try:
        async with _connection(anonymous) as connection:
            await connection.subscribe([settings.mqtt.topics.laps.filter])
    except BrokerError:
        report.good(subject, "a client without a password reads no laps")
        return
    report.advice(
        subject,
        "a client without a password may read laps",
        "on anything but a closed home network: allow_anonymous false, a password file and an access list",
    )


async def _several_connections(settings: Settings, report: Report) -> None:
    """The daemon has two connections under one user name."""
    subject = "two connections"
    async with _connection(settings.mqtt) as first, _connection(settings.mqtt):
        await asyncio.sleep(_QUIET_S)
        if first.alive:
            report.good(subject, "stand beside each other under one user name")
            return
    report.bad(
        subject,
        f"port {settings.mqtt.port} takes the user name for the client id: the second connection ends the first",
        "set RACING_COACH_MQTT__PORT to the listener that is not for rigs, 1884 with our mosquitto.conf",
    )


async def _daemons_session(settings: Settings, rig: MqttSettings, report: Report) -> None:
    """Come as a rig with the client id of a connection that stands in for the daemon's."""
    subject, name = "client ids", _name()
    async with _connection(settings.mqtt, name) as ours:
        try:
            async with _connection(rig, name):
                await asyncio.sleep(_QUIET_S)
        except BrokerRefusedError as error:
            report.advice(subject, f"not tried: {error}", "correct RACING_COACH_DOCTOR__RIG_USERNAME, __RIG_PASSWORD")
            return
        if ours.alive:
            report.good(subject, f"the rig {rig.username!r} cannot take another user's session")
            return
    found = f"the rig {rig.username!r} takes the session of whosever client id it knows"
    if settings.mqtt.client_id is None:
        report.advice(subject, f"{found}; the daemon's cannot be guessed, those of rigs can", _LISTENERS)
    else:
        report.bad(subject, found, f"unset RACING_COACH_MQTT__CLIENT_ID, so that it cannot be guessed; {_LISTENERS}")


async def _shared_group(settings: Settings, rig: MqttSettings, report: Report) -> None:
    """Join, as a rig, a group whose name is known, and see whether messages are lost to it."""
    subject = "shared groups"
    probe = settings.mqtt.topics.doctor.build(instance=settings.instance)
    shared = f"$share/{_name()}/{probe}"
    async with _connection(settings.mqtt) as ours, _connection(rig) as theirs:
        await ours.subscribe([shared])
        try:
            await theirs.subscribe([shared])
        except BrokerRefusedError:
            report.good(subject, f"the rig {rig.username!r} cannot join one")
            return
        for _ in range(_PROBES):
            await ours.publish(probe, b"{}")
        await asyncio.sleep(_QUIET_S)
        came = ours.most_unacknowledged
    if came == _PROBES:
        report.good(subject, f"the rig {rig.username!r} takes nothing away from one")
    elif settings.delivery.shared_group is None:
        report.good(subject, "a rig that knows the name of one takes messages away from it; none is in use")
    else:
        report.good(subject, "a rig that knows the name of one takes messages away from it; ours cannot be guessed")
