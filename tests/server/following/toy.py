"""A feature for tests: follows laps, says so, and has a second follower that follows the first.

What happens with a lap is ordered in the database, by its number: to wait for a lock, to fail, to lose the connection.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from tests.server.following.toy_events import LapSeen
from tests.server.support import Stored

from racing_coach_server.dependencies import Dependencies
from racing_coach_server.feature import Feature
from racing_coach_server.following.follower import Followed, Follower, Publication, PublishingFollower
from racing_coach_server.messaging.messages import Failure
from racing_coach_server.telemetry.events import LapStored
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.reading import StoredLaps

FRESH_S = 60
GATE = 4_711
"""The advisory lock that a lap which is ordered to wait waits for."""

_metadata = MetaData()
SEEN = Table(
    "toy_seen",
    _metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=True),
    Column("lap_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("speed", Integer),
    Column("failure", Text),
    Column("published_at", DateTime(timezone=True)),
)
AFTER = Table("toy_after", _metadata, Column("lap_id", Uuid, nullable=False))
ORDERS = Table("toy_orders", _metadata, Column("lap_number", Integer), Column("what", Text))


async def create_tables(stored: Stored) -> None:
    """Nothing is unique in them: what is done twice shows."""
    await stored.query("create table toy_seen (number bigserial, lap_id uuid not null, version int not null,"
                       " pid int not null, speed int, failure text, published_at timestamptz)")  # fmt: skip
    await stored.query("create table toy_after (lap_id uuid not null)")
    await stored.query("create table toy_orders (lap_number int, what text)")
    await stored.query("create sequence toy_deadlocks")


_BROKEN_OFF_ONCE = """
    do $$ begin
        if nextval('toy_deadlocks') = 1 then
            raise exception 'deadlock detected' using errcode = 'deadlock_detected';
        end if;
    end $$
"""
"""What a sequence has counted stays counted, also where the transaction is rolled back."""


class Toy(PublishingFollower[LapStored]):
    """Notes every lap, computes something, publishes a note."""

    name = "toy"
    follows = LapStored

    def __init__(self, dependencies: Dependencies, version: int) -> None:
        self.version = version
        self._dependencies = dependencies

    def _is_mine(self) -> object:
        return (SEEN.c.lap_id == LapRecord.id) & (SEEN.c.version == self.version)

    async def pending(self, session: AsyncSession, limit: int) -> Sequence[LapStored]:
        done = exists().where(self._is_mine())
        unsaid = exists().where(self._is_mine(), SEEN.c.failure.is_(None), SEEN.c.published_at.is_(None))
        fresh = LapRecord.created_at > func.now() - text(f"interval '{FRESH_S} s'")
        return await StoredLaps(session).events(or_(~done, unsaid & fresh), limit=limit)

    async def behind(self, session: AsyncSession) -> int:
        done = exists().where(self._is_mine())
        laps = select(LapRecord.id).where(~done).limit(1_000).subquery()
        return (await session.execute(select(func.count()).select_from(laps))).scalar_one()

    async def is_due(self, session: AsyncSession, event: LapStored) -> bool:
        done = select(SEEN.c.lap_id).where(SEEN.c.lap_id == event.lap_id, SEEN.c.version == self.version)
        return (await session.execute(done)).first() is None

    async def follow(self, session: AsyncSession, event: LapStored) -> Followed:
        values = {"lap_id": event.lap_id, "version": self.version, "pid": os.getpid()}
        await session.execute(insert(SEEN).values(**values))
        await self._obey(session, event)
        channels = await StoredLaps(session).channels(event.lap_id, ["speed"])
        fastest = await self._dependencies.background.run(max, channels["speed"])
        await session.execute(update(SEEN).where(SEEN.c.lap_id == event.lap_id).values(speed=int(fastest)))
        return Followed(events=(LapSeen(event.lap_id),), log={"fastest": fastest})

    async def _obey(self, session: AsyncSession, event: LapStored) -> None:
        orders = await session.execute(select(ORDERS.c.what).where(ORDERS.c.lap_number == event.lap_number))
        for what in orders.scalars():
            match what:
                case "wait":
                    await session.execute(select(func.pg_advisory_xact_lock_shared(GATE)))
                case "fail":
                    raise ValueError("ordered to fail")
                case "be broken off once":
                    await session.execute(text(_BROKEN_OFF_ONCE))
                case "lose the connection":
                    await session.execute(select(func.pg_terminate_backend(func.pg_backend_pid())))

    async def fail(self, session: AsyncSession, event: LapStored, failure: Failure) -> None:
        values = {"lap_id": event.lap_id, "version": self.version, "pid": os.getpid(), "failure": failure.traceback}
        await session.execute(insert(SEEN).values(**values))

    async def publications(self, session: AsyncSession, event: LapStored) -> Sequence[Publication]:
        unsaid = select(SEEN.c.speed).where(
            SEEN.c.lap_id == event.lap_id, SEEN.c.failure.is_(None), SEEN.c.published_at.is_(None)
        )
        speed = (await session.execute(unsaid)).scalar_one_or_none()
        if speed is None or (datetime.now(UTC) - event.stored_at).total_seconds() > FRESH_S:
            return ()
        topic = self._dependencies.topics.coaching.build(rig=event.rig_id, car=event.car_id)
        return [Publication(topic, f'{{"lap_id": "{event.lap_id}", "speed": {speed}}}'.encode())]

    async def published(self, session: AsyncSession, event: LapStored) -> None:
        await session.execute(update(SEEN).where(SEEN.c.lap_id == event.lap_id).values(published_at=func.now()))


class After(Follower[LapSeen]):
    """Follows what the first one has done."""

    name = "after"
    version = 1
    follows = LapSeen

    async def pending(self, session: AsyncSession, limit: int) -> Sequence[LapSeen]:
        done = exists().where(AFTER.c.lap_id == SEEN.c.lap_id)
        rows = await session.execute(select(SEEN.c.lap_id).where(SEEN.c.failure.is_(None), ~done).limit(limit))
        return [LapSeen(lap_id) for lap_id in rows.scalars()]

    async def behind(self, session: AsyncSession) -> int:
        return len(await self.pending(session, 1_000))

    async def is_due(self, session: AsyncSession, event: LapSeen) -> bool:
        return not (await session.execute(select(exists().where(AFTER.c.lap_id == event.lap_id)))).scalar_one()

    async def follow(self, session: AsyncSession, event: LapSeen) -> Followed:
        await session.execute(insert(AFTER).values(lap_id=event.lap_id))
        return Followed()

    async def fail(self, session: AsyncSession, event: LapSeen, failure: Failure) -> None:
        raise AssertionError(event, failure)


def toy(dependencies: Dependencies, *, version: int = 1) -> Feature:
    return Feature("toy", followers=[Toy(dependencies, version), After()])


async def order(stored: Stored, lap_number: int, what: str) -> None:
    await stored.query("insert into toy_orders values ($1, $2)", lap_number, what)


async def seen(stored: Stored) -> list[UUID]:
    """The laps that were noted, as often as they were."""
    return [row[0] for row in await stored.query("select lap_id from toy_seen where failure is null order by number")]
