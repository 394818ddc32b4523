"""The daemon as a real process, and a rig that is nothing but an MQTT 5 client.

    with DaemonProcess(broker, database_url) as daemon:         # started, migrated, subscribed
        async with LapClient(broker, "rig-1") as rig:
            answer = await rig.send(payload)                    # published, and its answer
            assert answer.status == "success"
        assert daemon.stop() == 0

`DaemonProcess` blocks, as `subprocess` does. Where a test's own clients must go on meanwhile, call it in a thread:
`await asyncio.to_thread(daemon.stop)`. To wait without blocking: `await eventually(lambda: daemon.logged("lap stored"))`.
"""

import asyncio
import contextlib
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import psutil
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy.engine import make_url

from racing_coach_core.identity import payload_sha256
from racing_coach_core.messages import LapUploadResponse
from racing_coach_core.mqtt import Connection
from racing_coach_core.settings import MqttSettings
from racing_coach_core.topics import Topics
from tests.infra import DAEMON, Broker

TOPICS = Topics()
CAR = "sim-gt3"
"""The car of the simulator's laps."""

TIMEOUT_S = 30
_POLL_S = 0.02
_LOG_LAGS_S = 2.0

type Facts = dict[str, Any]


async def eventually[T](check: Callable[[], T | Awaitable[T]], timeout_s: float = TIMEOUT_S) -> T:
    """Wait until a check, of either kind, gives something true; returns that.

    Raises:
        TimeoutError: it did not in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        result = check()
        value = cast("T", await result if inspect.isawaitable(result) else result)
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s: {inspect.getsource(check).strip()}")
        await asyncio.sleep(_POLL_S)


class DaemonProcess:
    """`racing-coach serve` in a process of its own: start, stop and kill it, as often as wanted.

    As a context manager it is started and ready on entry; on exit it is killed if it still runs, and the broker
    forgets its session and retained state.

    Args:
        broker: where it takes laps, as the user `DAEMON`.
        database_url: where it puts them; of any driver.
        instance: its name; a new one if not given. The client id follows from it.
        settings: further variables, without their prefix: `{"HEALTH__INTERVAL_S": 0.2}`.
        environment: further variables, whole: `{"WATCHDOG_USEC": "1000000"}`.
    """

    def __init__(
        self,
        broker: Broker,
        database_url: str,
        *,
        instance: str | None = None,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.broker = broker
        self.instance = instance or f"test-{uuid.uuid4().hex[:12]}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not _is_ours(name)},
            **broker.environment(DAEMON),
            "RACING_COACH_DATABASE__URL": _plain(database_url),
            "RACING_COACH_INSTANCE": self.instance,
            "RACING_COACH_LOG__FORMAT": "json",
            **{f"RACING_COACH_{name}": str(value) for name, value in (settings or {}).items()},
            **(environment or {}),
        }
        self.client_id = self.environment.get("RACING_COACH_MQTT__CLIENT_ID", f"racing-coach-{self.instance}")
        self.log: list[Facts] = []
        """Every line of its log, of every start, as the facts that it holds."""
        self.notified: list[str] = []
        """What systemd would have been told since the last start: `READY=1`, `STOPPING=1`, ..."""
        self.command = [str(Path(sys.executable).with_name("racing-coach")), "serve"]
        """What is run; a test may have something else run."""
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []
        self._notify_socket: socket.socket | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="racing-coach-", ignore_cleanup_errors=True)

    # --- its life --------------------------------------------------------------------------------------------

    def start(self, *, wait: bool = True, timeout_s: float = TIMEOUT_S) -> Self:
        """Start it, and wait until it says READY=1 unless told not to."""
        assert not self.is_running
        self.notified = []
        self._lines_before = len(self.log)
        self._listen()
        self._process = subprocess.Popen(
            self.command,
            env=self.environment,
            cwd=self._scratch.name,  # where no .env is
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._in_thread(self._read_log)
        if wait:
            self.wait_until_ready(timeout_s)
        return self

    def wait_until_ready(self, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for READY=1: the database is migrated and the laps are subscribed to.

        Raises:
            AssertionError: it ended, or was not ready in time; with its log.
        """
        deadline = time.monotonic() + timeout_s
        while not self.is_ready:
            assert self.is_running, f"the daemon ended with {self.returncode}\n{self.text}"
            assert time.monotonic() < deadline, f"the daemon was not ready within {timeout_s} s\n{self.text}"
            time.sleep(_POLL_S)
        # It says so on its log first, which another thread reads, maybe later. A quiet log has no such line.
        until = time.monotonic() + _LOG_LAGS_S
        while not self._logged_connected and time.monotonic() < until:
            time.sleep(_POLL_S)

    @property
    def _logged_connected(self) -> bool:
        return any(line.get("event") == "connected to the broker" for line in self.log[self._lines_before :])

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for its end; its exit code, negative where a signal ended it."""
        assert self._process is not None
        code = self._process.wait(timeout_s)
        self._join()
        return code

    def stop(self, timeout_s: float = TIMEOUT_S) -> int:
        """SIGTERM, as systemd does, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """SIGKILL: no farewell, and the broker publishes the will."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT, for example."""
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        """Kill it if it runs, and have the broker forget it."""
        if self.is_running:
            self.signal(signal.SIGCONT)
            self.kill()
        self._join()
        forget(self.broker, self.client_id, self.instance)
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
        if error is not None:
            error.add_note(f"the daemon's log ends:\n{self.text[-6000:]}")

    # --- what it is and says ---------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        return "READY=1" in self.notified

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def rss_bytes(self) -> int:
        """The memory it has now."""
        return psutil.Process(self.pid).memory_info().rss

    def logged(self, event: str, **facts: object) -> list[Facts]:
        """The lines of its log with this event, and these facts where given."""
        return [
            line
            for line in self.log.copy()
            if line.get("event") == event and all(line.get(name) == value for name, value in facts.items())
        ]

    @property
    def text(self) -> str:
        """Its log, to be read."""
        return "\n".join(map(str, self.log))

    def _listen(self) -> None:
        """Be systemd: a socket for datagrams."""
        path = Path(self._scratch.name) / "notify"
        path.unlink(missing_ok=True)
        self._notify_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._notify_socket.bind(str(path))
        self._notify_socket.settimeout(0.1)
        self.environment["NOTIFY_SOCKET"] = str(path)
        self._in_thread(self._read_notifications)

    def _read_notifications(self) -> None:
        sock, notified = self._notify_socket, self.notified
        assert sock is not None
        with sock:
            while True:
                try:
                    notified.extend(sock.recv(65_536).decode().splitlines())
                except TimeoutError:
                    if self._process is not None and self._process.poll() is not None:
                        return

    def _read_log(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        for line in self._process.stderr:
            try:
                facts = json.loads(line)
            except ValueError:
                facts = None
            self.log.append(facts if isinstance(facts, dict) else {"event": line.rstrip(), "is_json": False})

    def _in_thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()


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


def _is_ours(name: str) -> bool:
    """Whether a variable would tell the daemon something; those of the tests would not."""
    return name in {"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} or (
        name.startswith("RACING_COACH_") and not name.startswith("RACING_COACH_TEST_")
    )


def _plain(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


@dataclass(frozen=True)
class Answer:
    """The answer to a lap, and how it came."""

    response: LapUploadResponse
    topic: str
    correlation_data: bytes | None
    content_type: str | None
    raw: Facts
    """The JSON as it came."""

    @property
    def status(self) -> str:
        return self.response.status.value

    @property
    def message(self) -> str:
        return self.response.message

    @property
    def lap_id(self) -> uuid.UUID | None:
        return self.response.lap_id


class LapClient:
    """A rig that publishes whatever payload it is given, and hears every answer to itself.

    It keeps nothing and sends nothing again. When the connection ends, waiting for an answer raises.

    Args:
        broker: the broker, at which it is the user of its own name.
        rig: its name, one of `infra.RIGS`.
    """

    def __init__(self, broker: Broker, rig: str = "rig-1") -> None:
        self.rig = rig
        credentials = broker.credentials(rig)
        settings = MqttSettings.model_validate(
            {
                "host": broker.host,
                "port": broker.port,
                "username": credentials and credentials.username,
                "password": credentials and credentials.password,
            }
        )
        self.connection = Connection(settings, client_id=f"{rig}-{uuid.uuid4().hex}", receive_maximum=100, clean=True)
        self._answers: defaultdict[str, asyncio.Queue[Answer]] = defaultdict(asyncio.Queue)
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.connection.__aenter__()
        await self.connection.subscribe([f"{TOPICS.answers_below(self.rig)}#"])
        self._reader = asyncio.create_task(self._read(), name=f"answers to {self.rig}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._reader is not None
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.connection.__aexit__(None, None, None)

    async def send(
        self,
        payload: bytes,
        *,
        car: str = CAR,
        topic: str | None = None,
        content_type: str | None = None,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
        user_properties: list[tuple[str, str]] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Publish a lap and wait for its answer.

        Raises:
            TimeoutError: none came.
            BrokerError: the broker refused the lap, or the connection ended.
        """
        sha256 = await self.publish(
            payload,
            car=car,
            topic=topic,
            content_type=content_type,
            response_topic=response_topic,
            correlation_data=correlation_data,
            user_properties=user_properties,
        )
        return await self.answer(sha256, timeout_s)

    async def publish(
        self,
        payload: bytes,
        *,
        car: str = CAR,
        topic: str | None = None,
        content_type: str | None = None,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
        user_properties: list[tuple[str, str]] | None = None,
    ) -> str:
        """Publish a lap; its payload_sha256, by which `answer` finds the answer."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has left it so
        if content_type is not None:
            properties.ContentType = content_type
        if response_topic is not None:
            properties.ResponseTopic = response_topic
        if correlation_data is not None:
            properties.CorrelationData = correlation_data
        if user_properties is not None:
            properties.UserProperty = user_properties
        topic = topic or TOPICS.laps.build(rig=self.rig, car=car)
        await self.connection.publish(topic, payload, properties=properties)
        return payload_sha256(payload)

    async def answer(self, sha256: str, timeout_s: float = TIMEOUT_S) -> Answer:
        """The next answer to a payload; each is given once.

        Raises:
            TimeoutError: none came.
            BrokerError: the connection ended.
        """
        assert self._reader is not None
        get = asyncio.ensure_future(self._answers[sha256].get())
        try:
            await asyncio.wait({get, self._reader}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if get.done():
                return get.result()
            if self._reader.done():
                self._reader.result()
            raise TimeoutError(f"no answer within {timeout_s} s")
        finally:
            get.cancel()

    def has_answer(self, sha256: str) -> bool:
        """Whether an answer to a payload waits to be taken."""
        return not self._answers[sha256].empty()

    async def _read(self) -> None:
        async for delivery in self.connection.deliveries():
            raw = json.loads(delivery.payload)
            response = LapUploadResponse.model_validate(raw)
            self._answers[response.payload_sha256].put_nowait(
                Answer(response, delivery.topic, delivery.correlation_data, delivery.content_type, raw)
            )
            delivery.acknowledge()
            delivery.release()
