"""`racing-coach-rig`: in a process of its own, or, where that makes no difference, in the test's."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.in_process import Done, run_here
from tests.infra import Broker
from tests.waiting import TIMEOUT_S

from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.settings import MqttSettings
from racing_coach_rig.main import main

PROGRAM = Path(sys.executable).with_name("racing-coach-rig")


class RigProgram:
    """The command with the settings of one rig, in a directory where no .env is."""

    def __init__(self, home: Path, rig: str, broker: Broker | None, settings: Mapping[str, object]) -> None:
        self.home = home
        self.outbox_path = home / "outbox.sqlite3"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RACING_COACH_")},
            "RACING_COACH_RIG": rig,
            "XDG_CONFIG_HOME": str(home),
            "RACING_COACH_OUTBOX__PATH": str(self.outbox_path),
            **(broker.environment(rig) if broker else {"RACING_COACH_MQTT__PORT": "1"}),
            **{f"RACING_COACH_{name}": str(value) for name, value in settings.items()},
            "COLUMNS": "250",
            "NO_COLOR": "1",
        }

    async def start(self, *arguments: str | Path) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            PROGRAM,
            *arguments,
            env=self.environment,
            cwd=self.home,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def __call__(self, *arguments: str | Path) -> Done:
        """Run it to its end, in this process. Not for `run`, which listens to signals."""
        return await asyncio.to_thread(run_here, main, *arguments, environment=self.environment, cwd=self.home)

    async def in_a_process(self, *arguments: str | Path, timeout_s: float = TIMEOUT_S) -> Done:
        """Run it to its end, as a driver does."""
        return await finish(await self.start(*arguments), timeout_s)

    @asynccontextmanager
    async def running(self, *arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run it for the length of the block; it is killed afterwards if it still runs."""
        process = await self.start(*arguments)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()


async def finish(process: asyncio.subprocess.Process, timeout_s: float = TIMEOUT_S) -> Done:
    """Wait for the end of a command."""
    async with asyncio.timeout(timeout_s):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, output.decode(), errors.decode())


async def forget(broker: Broker, rig: str) -> None:
    """Take away what earlier tests left of a rig: its retained presence, and its session with answers to the same laps.

    On our listener for rigs the user's name is the client id, so every program of a rig has one session, and one that
    was killed leaves it.
    """
    variables = broker.environment(rig)
    settings = MqttSettings.model_validate(
        {name.removeprefix("RACING_COACH_MQTT__").lower(): value for name, value in variables.items()}
    )
    async with Connection(settings, client_id=f"forget-{rig}", clean=True) as connection:
        await connection.publish(settings.topics.rig_status.build(rig=rig), b"", retain=True)
