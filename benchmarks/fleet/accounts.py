"""The accounts of both sides, lap by lap: what the rigs drove and were told, and what is in the database."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from benchmarks.fleet.rig import Driven
from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.telemetry.exceptions import StoredLapUnreadableError
from racing_coach_server.telemetry.reading import StoredLaps

_GOOD = {"success", "duplicate"}
_READ_BACK = 40
"""Laps whose every value is compared."""

_LAPS = """
    select l.id, l.rig_id, l.track_session_id, l.lap_number, l.frame_count,
        (select count(*) from telemetry t where t.lap_id = l.id) as frames,
        (select count(distinct frame_index) from telemetry t where t.lap_id = l.id) as places,
        a.status as analysis, c.status as coaching, c.published_at
    from laps l left join lap_analyses a on a.lap_id = l.id left join coaching c on c.lap_id = l.id
    where l.id > $1 order by l.id limit 200
"""
_FRAMES = """
    select count(*) from telemetry t where not exists (select from laps l where l.id = t.lap_id)
    and exists (select from pg_class where oid = 'telemetry'::regclass and relkind in ('r', 'p'))
"""
"""Only of a table of its own: below a view lies one with a foreign key, which forbids them."""


@dataclass
class Accounts:
    """Both sides compared.

    Attributes:
        driven: laps that the rigs drove.
        stored: laps that are in the database.
        findings: what must not be, by what it is, with the laps' ids.
    """

    driven: int
    stored: int = 0
    duplicates: int = 0
    sent_again: int = 0
    coached: int = 0
    published: int = 0
    heard: int = 0
    read_back: int = 0
    findings: dict[str, list[str]] = field(default_factory=dict)

    def find(self, what: str, lap: object) -> None:
        self.findings.setdefault(what, []).append(str(lap))


async def compare(laps: Sequence[Driven], database: URL) -> Accounts:
    """Look at every lap of both sides."""
    accounts = Accounts(len(laps))
    by_id = {lap.lap_id: lap for lap in laps}
    for lap in laps:
        _told(lap, accounts)
    connection = await asyncpg.connect(database.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        stored = await _stored(connection)
        orphans = await connection.fetchval(_FRAMES, timeout=1800)
        rejected = await connection.fetchval("select coalesce(sum(times_received), 0) from rejected_messages")
    finally:
        await connection.close()
    accounts.stored = len(stored)
    for row in stored.values():
        _check(row, by_id.get(row["id"]), accounts)
    for lap in laps:
        if lap.status in _GOOD and lap.lap_id not in stored:
            accounts.find("lost: answered as stored, and not there", lap.lap_id)
    for place, count in Counter((row["track_session_id"], row["lap_number"]) for row in stored.values()).items():
        if count > 1:
            accounts.find("doubled: one lap of a session under several ids", place)
    if orphans:
        accounts.find("frames of no lap", orphans)
    if rejected:
        accounts.find("rejected messages", rejected)
    await _read_back([lap for lap in laps if lap.lap_id in stored], database, accounts)
    return accounts


def _told(lap: Driven, accounts: Accounts) -> None:
    """What a rig knows of its lap."""
    accounts.sent_again += lap.sent - 1 if lap.sent else 0
    accounts.duplicates += lap.status == "duplicate"
    accounts.heard += lap.advised is not None
    if lap.answered is None:
        accounts.find("still in the outbox: never answered", lap.lap_id)
    elif lap.status not in _GOOD:
        accounts.find(f"answered {lap.status}", lap.lap_id)


async def _stored(connection: asyncpg.Connection) -> Mapping[uuid.UUID, asyncpg.Record]:
    found: dict[uuid.UUID, asyncpg.Record] = {}
    last = uuid.UUID(int=0)
    while rows := await connection.fetch(_LAPS, last, timeout=1800):
        found |= {row["id"]: row for row in rows}
        last = rows[-1]["id"]
    return found


def _check(row: Any, lap: Driven | None, accounts: Accounts) -> None:
    """One stored lap."""
    if lap is None:
        accounts.find("strange: stored, and driven by nobody", row["id"])
        return
    frames = lap.lap.frames.num_rows
    if (row["rig_id"], row["track_session_id"], row["lap_number"]) != (lap.rig, lap.session_id, lap.number):
        accounts.find("of another rig, session or number than was driven", row["id"])
    if row["frame_count"] != frames or row["frames"] < frames:
        accounts.find("partial: not all frames are there", row["id"])
    if row["frames"] > frames or row["places"] != row["frames"]:
        accounts.find("doubled: more frames than were driven", row["id"])
    accounts.coached += row["coaching"] == "done"
    accounts.published += row["published_at"] is not None
    for what in ("analysis", "coaching"):
        if row[what] == "failed":
            accounts.find(f"{what} failed", row["id"])


async def _read_back(laps: Sequence[Driven], database: URL, accounts: Accounts) -> None:
    """Some laps, evenly taken from all of them, value by value."""
    settings = DatabaseSettings.model_validate({"url": database.render_as_string(hide_password=False)})
    reading = Database(create_engine(settings, pool_size=1, application="fleet"))
    try:
        async with reading.transaction() as session:
            for driven in laps[:: max(1, len(laps) // _READ_BACK)]:
                accounts.read_back += 1
                found = await StoredLaps(session).find(driven.lap_id)
                assert found is not None
                try:
                    is_same = _same(await StoredLaps(session).lap(found), driven)
                except StoredLapUnreadableError:
                    is_same = False
                if not is_same:
                    accounts.find("changed: other values than were driven", driven.lap_id)
    finally:
        await reading.close()


def _same(stored: Lap, driven: Driven) -> bool:
    session = driven.lap.session.model_copy(update={"session_id": driven.session_id})
    expected = replace(driven.lap, lap_id=driven.lap_id, session=session)
    return (
        stored.session.session_id == expected.session.session_id
        and stored.session.track_id == expected.session.track_id
        and stored.lap_time == expected.lap_time
        and stored.frames.equals(expected.frames)
    )
