"""The daemon's session with the broker: connects again for ever, and feeds the dispatcher."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from racing_coach_core.backoff import Backoff
from racing_coach_core.concurrency import first_of
from racing_coach_core.mqtt.budget import HeldBytes
from racing_coach_core.mqtt.connection import Connection
from racing_coach_core.mqtt.delivery import Delivery
from racing_coach_core.mqtt.exceptions import BrokerError, ConnectionLostError, SessionTakenOverError
from racing_coach_core.mqtt.will import Will
from racing_coach_server.config import Settings
from racing_coach_server.messaging.dispatcher import Dispatcher
from racing_coach_server.messaging.fairness import Fairness
from racing_coach_server.messaging.link import Link, linked
from racing_coach_server.messaging.receive_maximum import ReceiveMaximumExceededError, check_receive_maximum
from racing_coach_server.messaging.router import Router
from racing_coach_server.messaging.sharing import filters_of, leave
from racing_coach_server.messaging.slots import Slots
from racing_coach_server.messaging.status import MessagingStatus
from racing_coach_server.messaging.takeover import refuse_if_in_use
from racing_coach_server.messaging.trouble import Trouble

log = structlog.stdlib.get_logger(__name__)

_AHEAD: Final = 4
"""Messages that are asked for at once, for each one that is worked on."""
_SOON_S: Final = 10.0
_SOON_LOST_LINKS: Final = 3
_DISCONNECT_S: Final = 5.0

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
            on_connect: called once subscribed, on every link, with the connection for what goes out.
        """
        self._settings = settings
        self._router = router
        self._filters = filters_of(settings.shared_group, router.filters)
        self._dispatcher = dispatcher
        self._will = will
        self._on_connect = on_connect
        self._held = HeldBytes()
        self._slots = Slots(settings.delivery.concurrency)
        self._fairness = Fairness(
            self._slots,
            concurrency=settings.delivery.concurrency,
            budget_bytes=settings.delivery.budget.bytes,
            waste_s=settings.delivery.waste_s,
        )
        # More than are worked on: while one rig's wait for their turn, another's are to be seen.
        self._receive_maximum = _AHEAD * settings.delivery.concurrency
        self._in_flight: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._farewell: OnConnect | None = None
        self._link: Link | None = None
        self._runs: asyncio.Task[None] | None = None
        self._soon_lost = 0
        self._finishing = f"finishing {router.things} in flight"
        self._unfinished = f"{router.things} go back to the broker unfinished"
        self.connected_since: datetime | None = None
        self.connects = 0
        self.trouble = Trouble("the broker is not reached, trying on", "the broker is back")

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What may be wrong with messages, the worst first."""
        dispatcher = self._dispatcher
        return (self.trouble, dispatcher.database_trouble, dispatcher.answer_trouble, self._fairness.trouble)

    @property
    def outgoing(self) -> Connection | None:
        """The connection for what goes out, None while there is none."""
        return self._link.outgoing if self._link is not None else None

    @property
    def receive_maximum(self) -> int:
        """The Receive Maximum in force."""
        return self._receive_maximum

    async def room(self) -> None:
        """Wait until messages leave room for something else."""
        await self._slots.room()

    def status(self) -> MessagingStatus:
        """How messaging is at this moment."""
        return MessagingStatus(
            connected_since=self.connected_since,
            reconnects=max(0, self.connects - 1),
            database_trouble=self._dispatcher.database_trouble.reason,
            answer_trouble=self._dispatcher.answer_trouble.reason,
            counts=self._dispatcher.counts(),
        )

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
        """Find out who took our session over: another daemon, or we ourselves.

        It was we if the network held back the CONNECT of a connection that we had given up, and the broker got it after
        that of the next one. That looks like another daemon, but has no heartbeat.
        """
        self._soon_lost = 0
        try:
            await refuse_if_in_use(self._settings)
        except BrokerError as error:
            self.trouble.began(str(error))
        await self._pause(backoff.next_s())

    async def stop(self, farewell: OnConnect) -> None:
        """Take nothing more, finish what is in flight, say farewell, disconnect."""
        self._farewell = farewell
        if self._settings.shared_group is not None and self._link is not None:
            await leave(self._link, self._filters, timeout_s=self._settings.delivery.stop_grace_s)
        self._stopping.set()
        await self._finish()
        self._stopped.set()
        if self._runs is not None:
            # The broker publishes the will of a client whose DISCONNECT it has not seen.
            await asyncio.wait({self._runs}, timeout=self._settings.mqtt.timeout_s + _DISCONNECT_S)

    async def _say_farewell(self, link: Link) -> None:
        """Said on whatever link stands when we stop, also on one that had only just said that we are there."""
        if self._farewell is None or not link.alive:
            return
        try:
            await self._farewell(link.outgoing)
        except BrokerError as error:
            log.warning("could not say farewell, the will does", error=str(error))
            link.incoming.abort()
            link.outgoing.abort()

    async def _finish(self) -> None:
        """Wait for what is in flight; what takes too long is given back to the broker."""
        if not self._in_flight:
            return
        log.info(self._finishing, in_flight=len(self._in_flight))
        _, unfinished = await asyncio.wait(self._in_flight, timeout=self._settings.delivery.stop_grace_s)
        for task in unfinished:
            task.cancel()
        if unfinished:
            log.warning(self._unfinished, messages=len(unfinished))

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
            await self._say_farewell(link)

    async def _begin(self, link: Link, backoff: Backoff) -> None:
        """Subscribe, and say that we are there."""
        # A retained message came when it was published. With every SUBSCRIBE again, it would be work for nothing, and
        # a rig could retain as many as it likes.
        await link.incoming.subscribe(self._filters, retained=False)
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

    async def _take(self, link: Link, backoff: Backoff, tasks: asyncio.TaskGroup) -> None:
        """Give each delivery to the dispatcher, as many at once as there are slots, until told to stop.

        What the broker kept comes before the SUBACK, and may fill the memory budget: it is worked on meanwhile.
        """
        await first_of(
            self._take_all(link, tasks),
            self._until_ended(link),
            self._begin_and_stay(link, backoff),
            self._stopping.wait(),
        )

    async def _until_ended(self, link: Link) -> None:
        """Wait for the end of the link, and raise it."""
        raise await link.ended()

    async def _begin_and_stay(self, link: Link, backoff: Backoff) -> None:
        await self._begin(link, backoff)
        await self._stopping.wait()

    async def _take_all(self, link: Link, tasks: asyncio.TaskGroup) -> None:
        async for delivery in link.incoming.deliveries():
            link.acks.took(delivery.receipt)
            sender = self._router.sender(delivery.topic)
            # Where they come one at a time there is never another to be seen.
            if self._fairness.takes(sender, delivery, alone=link.incoming.receive_maximum == 1):
                tasks.create_task(self._work(delivery, sender, link), name=f"message {delivery.topic[:200]}")
            else:
                delivery.release()
                with contextlib.suppress(ConnectionLostError):
                    link.acks.done(delivery.receipt)
                await asyncio.sleep(0)  # these come faster than anything that waits
            if self._receive_maximum > 1:
                check_receive_maximum(link.incoming)

    async def _work(self, delivery: Delivery, sender: str, link: Link) -> None:
        try:
            async with self._fairness.turn(sender) as turn:
                if self._stopping.is_set() or not link.alive:
                    return  # the broker sends it again
                task = asyncio.current_task()
                assert task is not None
                self._in_flight.add(task)
                try:
                    turn.outcome = await self._dispatcher.handle(delivery, link)
                finally:
                    self._in_flight.discard(task)
        finally:
            self._fairness.done(sender, delivery)
            delivery.release()
