"""Is a daemon of this instance running, and since when?"""

import asyncio
import secrets
from typing import Final

from pydantic import ValidationError
from sqlalchemy import text

from racing_coach_core.findings import Report
from racing_coach_core.messages import DaemonState
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.exceptions import BrokerError
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import create_engine

_SUBJECT: Final = "daemon"
_RETAINED_S: Final = 0.5
"""A retained message comes right behind the SUBACK."""

_CONNECTED: Final = text(
    "select count(*) from pg_stat_activity where datname = current_database()"
    " and starts_with(application_name, :name || ' ')"
)
_START: Final = "start it: `systemctl start racing-coach`, or `docker compose up -d`; laps wait in broker and rigs"


async def examine_daemon(settings: Settings, report: Report) -> None:
    """Ask the broker what it keeps of the daemon's state, and the database, which is reached, who is connected."""
    try:
        state = await _state(settings)
    except (BrokerError, ValidationError) as error:
        remedy = "mend what is said of the broker; its user has to read health/#"
        report.advice(_SUBJECT, f"not seen: {str(error).splitlines()[0]}", remedy)
        return
    connected = await _connections(settings)
    if state is None or not state.online:
        since = "" if state is None else f", since {state.timestamp:%Y-%m-%d %H:%M:%S} UTC"
        report.advice(_SUBJECT, f"no daemon {settings.instance!r} is running{since}", _START)
    elif not connected:
        report.advice(
            _SUBJECT,
            f"{settings.instance!r} says that it runs, and is not connected to this database",
            "compare its RACING_COACH_DATABASE__URL with ours; its log says whether the database is in trouble",
        )
    else:
        report.good(_SUBJECT, f"{state.version} running since {state.timestamp:%Y-%m-%d %H:%M:%S} UTC")


async def _state(settings: Settings) -> DaemonState | None:
    topic = settings.mqtt.topics.health_state.build(instance=settings.instance)
    probe = f"{settings.client_id}-doctor-{secrets.token_hex(4)}"
    async with Connection(settings.mqtt, client_id=probe, receive_maximum=10, clean=True) as connection:
        await connection.subscribe([topic])
        try:
            async with asyncio.timeout(_RETAINED_S):
                delivery = await anext(connection.deliveries())
        except TimeoutError:
            return None
        delivery.acknowledge()
        delivery.release()
    return DaemonState.model_validate_json(delivery.payload)


async def _connections(settings: Settings) -> int:
    engine = create_engine(settings.database, pool_size=1, application="racing-coach doctor")
    try:
        async with engine.connect() as connection:
            asked = await connection.execute(_CONNECTED, {"name": f"racing-coach {settings.instance}"})
            return int(asked.scalar_one())
    finally:
        await engine.dispose()
