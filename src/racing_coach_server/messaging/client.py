"""The daemon's session with the broker: connects again for ever, and feeds the dispatcher."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_core.mqtt import (
    BrokerError,
    Connection,
    ConnectionLostError,
    Delivery,
    HeldBytes,
    SessionTakenOverError,
    Will,
)
from racing_coach_server.config import Settings
from racing_coach_server.messaging.dispatcher import Dispatcher
from racing_coach_server.messaging.ordered_acks import OrderedAcks
from racing_coach_server.messaging.router import Router
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

type OnConnect = Callable[[Connection], Awaitable[None]]


class BrokerClient:
    """Takes messages while connected; what is in flight when the connection ends is finished all the same."""

    def __init__(
        self,
        settings: Settings,
        router: Router,
        dispatcher: Dispatcher,
        *,
        will: Will,
        on_connect: OnConnect,
    ) -> None:
        """Describe the session.

        Args:
            settings: the daemon's settings.
            router: says what to subscribe to.
            dispatcher: works on what comes.
            will: published by the broker when the daemon is gone.
            on_connect: called once subscribed, on every connection.
        """
        self._settings = settings
        self._router = router
        self._dispatcher = dispatcher
        self._will = will
        self._on_connect = on_connect
        self._held = HeldBytes()
        self._slots = asyncio.Semaphore(settings.delivery.concurrency)
        self._receive_maximum = settings.delivery.concurrency
        self._in_flight: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self.connection: Connection | None = None
        self.connected_since: datetime | None = None
        self.connects = 0
        self.trouble = Trouble("the broker is not reached, trying on", "the broker is back")

    @property
    def in_flight(self) -> int:
        """Messages being worked on."""
        return len(self._in_flight)

    @property
    def receive_maximum(self) -> int:
        """The Receive Maximum in force."""
        return self._receive_maximum

    async def run(self) -> None:
        """Stay connected until `stop`.

        Raises:
            SessionTakenOverError: another client uses our client id; going on would be a war.
        """
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await self._connect_once(backoff)
            except SessionTakenOverError:
                raise
            except BrokerError as error:
                self.trouble.began(str(error))
                await self._pause(backoff.next_s())
            finally:
                self.connection = None
                self.connected_since = None

    async def stop(self, farewell: OnConnect) -> None:
        """Take nothing more, finish what is in flight, say farewell, disconnect."""
        connection = self.connection
        self._stopping.set()
        grace = self._settings.delivery.stop_grace_s
        if self._in_flight:
            log.info("finishing laps in flight", in_flight=len(self._in_flight))
            _, unfinished = await asyncio.wait(self._in_flight, timeout=grace)
            for task in unfinished:
                task.cancel()
            if unfinished:
                log.warning("laps go back to the broker unfinished", laps=len(unfinished))
        if connection is not None and connection.alive:
            try:
                await farewell(connection)
            except BrokerError as error:
                log.warning("could not say farewell, the will does", error=str(error))
                connection.abort()
        self._stopped.set()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _connect_once(self, backoff: Backoff) -> None:
        settings = self._settings
        connection = Connection(
            settings.mqtt,
            client_id=settings.client_id,
            receive_maximum=self._receive_maximum,
            will=self._will,
            budget=settings.delivery.budget,
            held=self._held,
        )
        async with connection:
            await connection.subscribe(self._filters())
            await self._on_connect(connection)
            self.connection = connection
            self.connected_since = datetime.now(UTC)
            self.connects += 1
            self.trouble.ended()
            log.info(
                "connected to the broker",
                host=settings.mqtt.host,
                port=settings.mqtt.port,
                client_id=settings.client_id,
                session_present=connection.session_present,
                receive_maximum=self._receive_maximum,
            )
            backoff.reset()
            try:
                await self._take(connection)
            finally:
                connection.drop_waiting()
            await self._stopped.wait()

    def _filters(self) -> list[str]:
        group = self._settings.delivery.shared_group
        return [f"$share/{group}/{name}" if group else name for name in self._router.filters]

    async def _take(self, connection: Connection) -> None:
        """Give each delivery to the dispatcher, as many at once as there are slots, until told to stop."""
        acks = OrderedAcks()
        stopping = asyncio.ensure_future(self._stopping.wait())
        taking = asyncio.ensure_future(self._take_all(connection, acks))
        try:
            await asyncio.wait({stopping, taking}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()
        finally:
            stopping.cancel()
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _take_all(self, connection: Connection, acks: OrderedAcks) -> None:
        async for delivery in connection.deliveries():
            await self._slot(connection, delivery)
            acks.took(delivery)
            task = asyncio.create_task(self._work(delivery, acks), name=f"message {delivery.topic}")
            self._in_flight.add(task)
            task.add_done_callback(self._finished)
            self._look_at_receive_maximum(connection)

    async def _slot(self, connection: Connection, delivery: Delivery) -> None:
        """Wait for a free slot, as long as the delivery's connection stands."""
        slot = asyncio.ensure_future(self._slots.acquire())
        ended = asyncio.ensure_future(connection.ended())
        try:
            await asyncio.wait({slot, ended}, return_when=asyncio.FIRST_COMPLETED)
            if slot.done():
                return
            delivery.release()
            raise ended.result()
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                self._slots.release()
            delivery.release()
            raise
        finally:
            ended.cancel()
            if not slot.done():
                slot.cancel()

    async def _work(self, delivery: Delivery, acks: OrderedAcks) -> None:
        try:
            await self._dispatcher.handle(delivery, acks)
        finally:
            self._slots.release()
            delivery.release()
            # An earlier connection's message may have held back the one that stands now.
            if self.connection is not None:
                self.connection.read_on()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("a message's task failed outside of the dispatcher", exc_info=error)

    def _look_at_receive_maximum(self, connection: Connection) -> None:
        """A broker that sends more than we asked for is asked for one at a time from then on."""
        if connection.most_unacknowledged <= connection.receive_maximum or self._receive_maximum == 1:
            return
        log.warning(
            "the broker does not honour Receive Maximum above 1, falling back to 1",
            asked_for=connection.receive_maximum,
            unacknowledged=connection.most_unacknowledged,
            remedy="mosquitto 2.0.21 or newer lets several laps be in flight",
        )
        self._receive_maximum = 1
        raise ConnectionLostError("connecting again with Receive Maximum 1")
