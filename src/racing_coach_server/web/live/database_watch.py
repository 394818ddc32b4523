"""Listens to the database, and has the pit wall hear of what it announces.

On every connection all is asked for once, after it has begun to listen: what was committed before is in the answer, and
what is committed later is announced. So an outage of any length leaves no gap, whatever the order of commits.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_core.backoff import Backoff
from racing_coach_core.concurrency import first_of
from racing_coach_core.exceptions import Fault
from racing_coach_server.config import Settings
from racing_coach_server.database.announcing import CHANNEL, Announced, announcement
from racing_coach_server.database.faults import fault_of, in_words
from racing_coach_server.messaging.trouble import Trouble
from racing_coach_server.web.live.queries import WallQueries
from racing_coach_server.web.live.wall import Cause, Wall
from racing_coach_server.web.reading import ReadOnly

log = structlog.stdlib.get_logger(__name__)

_AWAY: Final = "The database is away: laps, coaching and rejections come when it is back. None is lost."
_PAUSE_S: Final = 0.05
"""Between two looks, so that a burst of laps is a few questions and not as many as laps."""
_PROBE_S: Final = 10.0
_CAP_S: Final = 2.0
"""Longest pause between two tries to connect: somebody is looking."""
_REMEMBERED: Final = 20_000
"""Laps whose commit was heard of."""
_AT_ONCE: Final = 500


class DatabaseWatch:
    """One connection that listens, for all who look."""

    def __init__(self, settings: Settings, wall: Wall) -> None:
        self._settings = settings
        self._wall = wall
        # One connection listens, on the other is read what was heard of; not on a replica, which does not have it yet.
        self._reading = ReadOnly(
            settings.database,
            timeout_s=settings.web.statement_timeout_s,
            connections=2,
            application="racing-coach web, pit wall",
        )
        self.trouble = Trouble("the database is not reached, trying on", "the database is back")
        self._rigs: set[str] = set()
        self._laps: dict[UUID, Cause] = {}
        self._rejected = False
        self._heard_at: OrderedDict[UUID, datetime] = OrderedDict()
        self._work = asyncio.Event()

    def look_at(self, rig: str) -> None:
        """Have a rig read that is not on the wall yet."""
        self._rigs.add(rig)
        self._work.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        backoff = Backoff(cap_s=_CAP_S)
        try:
            while True:
                try:
                    await self._listen(backoff)
                except Exception as error:  # whatever it is, the pages go on
                    self.trouble.began(in_words(error))
                    if fault_of(error) is not Fault.WORLD:
                        log.error("listening to the database failed", exc_info=error)
                    self._wall.put_database(_AWAY)
                await asyncio.sleep(backoff.next_s())
        finally:
            await self._reading.close()

    async def _listen(self, backoff: Backoff) -> None:
        """One connection, from its beginning to its end."""
        async with self._reading.listening() as connection:
            driver = await _driver(connection)
            ended = asyncio.Event()
            driver.add_termination_listener(lambda _: ended.set())
            await driver.add_listener(CHANNEL, self._hear)
            await self._read_all()
            self.trouble.ended()
            self._wall.put_database(None)
            backoff.reset()
            await first_of(self._read_what_is_told(), self._probe(driver), _lost(ended))

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        told = announcement(str(payload))
        if told is None:
            return
        kind, key = told
        if kind is Announced.REJECTED:
            self._rejected = True
        elif kind is Announced.RIG:
            self._rigs.add(key)
        else:
            lap_id = UUID(key)
            if kind is Announced.LAP:
                self._heard_at[lap_id] = datetime.now(UTC)
                if len(self._heard_at) > _REMEMBERED:
                    self._heard_at.popitem(last=False)
            self._laps[lap_id] = "lap" if kind is Announced.LAP or self._laps.get(lap_id) == "lap" else "coaching"
        self._work.set()

    async def _read_all(self) -> None:
        """The whole wall."""
        self._laps.clear()
        self._rejected = False
        async with self._reading.session() as session:
            queries = WallQueries(session)
            names = {*await queries.recent_rigs(self._settings.web.days_on_the_wall), *self._wall.rigs, *self._rigs}
            names |= {name for name, status in self._wall.statuses.items() if status.online}
            self._rigs.clear()
            for some in _pieces(sorted(names)):
                self._wall.put_rigs(await queries.rigs(some, self._answer_ms), {})
            self._wall.put_rejected(await queries.rejected())

    async def _read_what_is_told(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            await self._read_some()
            await asyncio.sleep(_PAUSE_S)

    async def _read_some(self) -> None:
        laps, self._laps = self._laps, {}
        rigs, self._rigs = self._rigs, set()
        rejected, self._rejected = self._rejected, False
        async with self._reading.session() as session:
            queries = WallQueries(session)
            causes: dict[str, tuple[Cause, UUID | None]] = {}
            for lap_id, rig in (await queries.rigs_of(laps) if laps else {}).items():
                causes[rig] = (laps[lap_id], lap_id)
            for some in _pieces(sorted({*rigs, *causes})):
                self._wall.put_rigs(await queries.rigs(some, self._answer_ms), causes)
            if rejected:
                self._wall.put_rejected(await queries.rejected())

    async def _probe(self, driver: "asyncpg.Connection[Any]") -> None:
        """See that the connection still stands, which says nothing by itself when its machine is gone."""
        while True:
            await asyncio.sleep(_PROBE_S)
            await driver.execute("select 1", timeout=_PROBE_S / 2)

    def _answer_ms(self, lap_id: UUID, received_at: datetime) -> float | None:
        """How long after it had arrived a lap's commit was heard of; None where the two clocks do not agree on that."""
        heard_at = self._heard_at.get(lap_id)
        waited_ms = -1.0 if heard_at is None else (heard_at - received_at).total_seconds() * 1e3
        return waited_ms if waited_ms >= 0 else None


async def _driver(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


async def _lost(ended: asyncio.Event) -> None:
    await ended.wait()
    raise ConnectionError("the database closed the connection")


def _pieces(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))
