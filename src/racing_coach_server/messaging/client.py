"""The daemon's session with the broker: connects again for ever, and feeds the dispatcher."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

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
from racing_coach_server.messaging.link import Link, linked
from racing_coach_server.messaging.router import Router
from racing_coach_server.messaging.takeover import refuse_if_in_use
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_SOON_S: Final = 10.0
_SOON_LOST_LINKS: Final = 3
_DISCONNECT_S: Final = 5.0

type OnConnect = Callable[[Connection], Awaitable[None]]


class ReceiveMaximumExceededError(ConnectionLostError):
    """The broker sends more than we asked for: we end the connection and ask for less."""


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
            on_connect: called once subscribed, on every link, with the connection for what goes out.
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
        self._link: Link | None = None
        self._runs: asyncio.Task[None] | None = None
        self._soon_lost = 0
        self.connected_since: datetime | None = None
        self.connects = 0
        self.trouble = Trouble("the broker is not reached, trying on", "the broker is back")

    @property
    def outgoing(self) -> Connection | None:
        """The connection for what goes out, None while there is none."""
        return self._link.outgoing if self._link is not None else None

    @property
    def receive_maximum(self) -> int:
        """The Receive Maximum in force."""
        return self._receive_maximum

    async def run(self) -> None:
        """Stay connected until `stop`.

        Raises:
            ClientIdInUseError: another daemon has taken our session over; going on would be a war.
        """
        self._runs = asyncio.current_task()
        backoff = Backoff()
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                try:
                    await self._session(backoff, tasks)
                except SessionTakenOverError as error:
                    self.trouble.began(str(error))
                    await self._look_who_it_was(backoff)
                except ReceiveMaximumExceededError:
                    self._receive_maximum = 1
                except BrokerError as error:
                    self.trouble.began(str(error))
                    if self._is_lost_soon_again():
                        await self._look_who_it_was(backoff)
                    else:
                        await self._pause(backoff.next_s())
                finally:
                    self._link = None
                    self.connected_since = None

    def _is_lost_soon_again(self) -> bool:
        """Whether link after link was lost soon: mosquitto 2.0.11 ends a session that is taken over without a word."""
        if self.connected_since is not None:
            lasted_s = (datetime.now(UTC) - self.connected_since).total_seconds()
            self._soon_lost = self._soon_lost + 1 if lasted_s < _SOON_S else 0
        return self._soon_lost >= _SOON_LOST_LINKS

    async def _look_who_it_was(self, backoff: Backoff) -> None:
        """Tell another daemon from a connection of our own that the network swallowed and gave back too late."""
        self._soon_lost = 0
        try:
            await refuse_if_in_use(self._settings)
        except BrokerError as error:
            self.trouble.began(str(error))
        await self._pause(backoff.next_s())

    async def stop(self, farewell: OnConnect) -> None:
        """Take nothing more, finish what is in flight, say farewell, disconnect."""
        link = self._link
        self._stopping.set()
        if self._in_flight:
            log.info("finishing laps in flight", in_flight=len(self._in_flight))
            _, unfinished = await asyncio.wait(self._in_flight, timeout=self._settings.delivery.stop_grace_s)
            for task in unfinished:
                task.cancel()
            if unfinished:
                log.warning("laps go back to the broker unfinished", laps=len(unfinished))
        if link is not None and link.alive:
            try:
                await farewell(link.outgoing)
            except BrokerError as error:
                log.warning("could not say farewell, the will does", error=str(error))
                link.incoming.abort()
                link.outgoing.abort()
        self._stopped.set()
        if self._runs is not None:
            # The broker publishes the will of a client whose DISCONNECT it has not seen.
            await asyncio.wait({self._runs}, timeout=_DISCONNECT_S)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _session(self, backoff: Backoff, tasks: asyncio.TaskGroup) -> None:
        """One link, from connect to its end."""
        async with linked(
            self._settings, receive_maximum=self._receive_maximum, will=self._will, held=self._held
        ) as link:
            try:
                await self._take(link, backoff, tasks)
            finally:
                link.incoming.drop_waiting()
            await self._stopped.wait()

    async def _begin(self, link: Link, backoff: Backoff) -> None:
        """Subscribe, and say that we are there."""
        await link.incoming.subscribe(self._filters())
        await self._on_connect(link.outgoing)
        self._link = link
        self.connected_since = datetime.now(UTC)
        self.connects += 1
        self._say_connected(link)
        backoff.reset()

    def _say_connected(self, link: Link) -> None:
        self.trouble.ended()
        log.info(
            "connected to the broker",
            host=self._settings.mqtt.host,
            port=self._settings.mqtt.port,
            client_id=self._settings.client_id,
            session_present=link.incoming.session_present,
            receive_maximum=self._receive_maximum,
        )

    def _filters(self) -> list[str]:
        group = self._settings.delivery.shared_group
        return [f"$share/{group}/{name}" if group else name for name in self._router.filters]

    async def _take(self, link: Link, backoff: Backoff, tasks: asyncio.TaskGroup) -> None:
        """Give each delivery to the dispatcher, as many at once as there are slots, until told to stop.

        What the broker kept for the session comes before the SUBACK, and may fill the memory budget: it is
        worked on while we subscribe.
        """
        beginning = asyncio.ensure_future(self._begin(link, backoff))
        stopping = asyncio.ensure_future(self._stopping.wait())
        ended = asyncio.ensure_future(link.ended())
        taking = asyncio.ensure_future(self._take_all(link, tasks))
        try:
            await asyncio.wait({beginning, stopping, ended, taking}, return_when=asyncio.FIRST_COMPLETED)
            if beginning.done():
                beginning.result()
                await asyncio.wait({stopping, ended, taking}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()
            if ended.done():
                raise ended.result()
        finally:
            for future in (beginning, stopping, ended, taking):
                future.cancel()
            await asyncio.gather(beginning, stopping, ended, taking, return_exceptions=True)

    async def _take_all(self, link: Link, tasks: asyncio.TaskGroup) -> None:
        async for delivery in link.incoming.deliveries():
            await self._slot(delivery)
            link.acks.took(delivery.receipt)
            task = tasks.create_task(self._work(delivery, link), name=f"message {delivery.topic}")
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
            self._look_at_receive_maximum(link.incoming)

    async def _slot(self, delivery: Delivery) -> None:
        """Wait for a free slot; a delivery that is given up meanwhile gives its memory back."""
        try:
            await self._slots.acquire()
        except asyncio.CancelledError:
            delivery.release()
            raise

    async def _work(self, delivery: Delivery, link: Link) -> None:
        try:
            await self._dispatcher.handle(delivery, link)
        finally:
            self._slots.release()
            delivery.release()

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
        raise ReceiveMaximumExceededError("connecting again with Receive Maximum 1")
