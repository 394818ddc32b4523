"""Nothing of somebody who is erased is left, nothing of anybody else is gone, and what was done is noted."""

import asyncio
import gzip
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from tests.server.analytics.rows import Drive
from tests.server.commands.stints import racing_coach, told
from tests.server.lifecycle.refused import document, reject
from tests.server.lifecycle.support import coached, delete_and_relabel, features, rows
from tests.server.support import Stored, new_lap, with_session

from racing_coach_core.codecs.compression import decompress, detect
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.comparison.service import ComparisonService
from racing_coach_server.database.engine import Database
from racing_coach_server.lifecycle.deletion import LapDeletion
from racing_coach_server.lifecycle.erasure import Erasure, Erasures
from racing_coach_server.lifecycle.subjects import Kind, Subject
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService

INES = Subject(Kind.DRIVER, "ines")
LIMIT = 1 << 20


async def everything(stored: Stored) -> str:
    """All rows of all tables, as one text; bytes as what they are when they are read as text, also compressed ones."""
    tables = await stored.query("select tablename from pg_tables where schemaname = 'public'")
    found: list[str] = []
    for table in tables:
        found += [row["row"] for row in await stored.query(f"select t::text as row from {table['tablename']} t")]
        for row in await stored.query(f"select * from {table['tablename']}"):
            found += [as_text(value) for value in row if isinstance(value, bytes)]
    return "\n".join(found)


def as_text(value: bytes) -> str:
    return decompress(value, detect(value), LIMIT).decode(errors="replace")


async def test_nothing_of_a_driver_is_left(database: Database, database_url: str, stored: Stored) -> None:
    """Laps and all that was made of them, on every rig; choices; what was said of others by them; rejected messages."""
    lap = await coached(database, Drive(lap_time=58))
    await coached(database, Drive(lap_time=59, minute=1, rig="rig-2"))
    mika = await coached(database, Drive(lap_time=61, minute=2, driver="mika"))
    async with database.transaction() as session:
        await ReferenceService(session).choose(lap.lap_id, "ines")
        await ReferenceService(session).choose(lap.lap_id, "mika")
    await reject(database, document("ines"))
    await reject(database, gzip.compress(document("ines", "Ines"), mtime=0))
    await reject(database, document("mika"))
    dry = await asyncio.to_thread(racing_coach, database_url, "erase", "--driver", "ines", "--dry-run")
    assert (
        "2 laps, 8 frames, 2 sessions, 2 analyses, 2 comparisons, 2 coaching messages, 2 chosen references"
        in dry.output
    )
    assert "2 rejected messages; nothing was erased" in dry.output
    assert (await rows(stored))["laps"] == 3
    assert "Ines" in await everything(stored)  # which only the compressed payload has
    done = await asyncio.to_thread(racing_coach, database_url, "erase", "--driver", "ines")
    assert done.code == 0, done
    assert done.output.startswith("erased of driver ines: 2 laps, 8 frames, 2 sessions, 2 analyses, 3 comparisons")
    left = await everything(stored)
    assert "ines" not in left.lower()
    # By its id, and hashes, a lap is known if it comes again; nothing else of it is left.
    assert left.count(str(lap.lap_id)) == 1
    assert await stored.value("select rig_id = '' and about = '{}' from deleted_laps where lap_id = $1", lap.lap_id)
    assert await stored.value("select count(*) from rejected_messages") == 1
    # Of the other driver all is there, but for what was said by a lap that is gone: that is made anew.
    assert await stored.value("select id from laps") == mika.lap_id
    async with database.transaction() as session:
        assert [one.lap_id for one in await ComparisonService(session).pending(10)] == [mika.lap_id]


async def test_an_erased_lap_that_comes_again_stays_erased(database: Database, stored: Stored) -> None:
    """A rig that saw no answer sends it again: it is a duplicate, and not stored; the next lap is stored."""
    lap = replace(new_lap(), lap_id=uuid4())
    lap = replace(lap, session=lap.session.model_copy(update={"driver_id": "ines"}))
    assert await store(database, lap)
    await Erasure(database, features(), INES, LIMIT).run()
    assert await store(database, lap) is False
    assert set((await rows(stored)).values()) == {0}
    assert await store(database, with_session(new_lap(), driver_id="ines"))


async def store(database: Database, lap: Lap) -> bool:
    """Store a lap as the daemon does. Whether it is new."""
    received = ReceivedLap(lap, "rig-1", "arrow", payload_sha256(lap.lap_id.bytes), datetime.now(UTC))
    async with database.transaction() as session:
        return (await TelemetryService(session).store_lap(received)).is_new


async def test_what_was_deleted_and_relabelled_before_names_nobody(database: Database, stored: Stored) -> None:
    """A driver's name is in the records of both; the records stay, without it."""
    deleted = await coached(database, Drive())
    relabelled = await coached(database, Drive(minute=1))
    await delete_and_relabel(database, deleted=deleted, relabelled=relabelled)
    assert "ines" in await everything(stored)
    await stored.query("update lap_analyses set driver = 'mika'")  # as the followers would, a moment later
    await Erasure(database, features(), INES, LIMIT).run()
    assert "ines" not in (await everything(stored)).lower()
    assert await stored.value("select count(*) from deleted_laps") == 1
    assert await stored.value("select count(*) from session_relabels where before ? 'track_id'") == 1


async def test_a_name_without_an_id_goes_with_whose_it_is(database: Database, stored: Stored) -> None:
    """Drives that a rig sent without an id, and that were given to a driver; those of a driver who is the rig."""
    for name, given in (("Ines Aubrac", "ines"), ("Mika", "mika")):
        lap = with_session(new_lap(), driver_id=None, driver_name=name)
        await store(database, lap)
        async with database.transaction() as session:
            await LapChanges(session).relabel(lap.session.session_id, {"driver_id": given, "driver_name": None})
    await Erasure(database, features(), INES, LIMIT).run()
    assert "ines" not in (await everything(stored)).lower()
    assert "Mika" in await everything(stored)
    await Erasure(database, features(), Subject(Kind.DRIVER, "rig-1"), LIMIT).run()
    assert "Mika" not in await everything(stored)
    assert await stored.value("select after ->> 'driver_id' from session_relabels where after ? 'driver_id'") == "mika"


async def test_who_drove_on_a_rig_goes_with_the_rig(database: Database, stored: Stored) -> None:
    """From the records of its drives that were relabelled, also where nothing else is left of one; other rigs' stay."""
    for rig, driver in (("rig-1", "ines"), ("rig-2", "mika")):
        for minute in range(2):
            lap = await coached(database, Drive(rig=rig, driver=driver, minute=minute))
            async with database.transaction() as session:
                session_id = await stored.value("select track_session_id from laps where id = $1", lap.lap_id)
                await LapChanges(session).relabel(session_id, {"driver_name": f"The {driver}"})
    async with database.transaction() as session:
        gone = await StoredLaps(session).find(
            await stored.value("select id from laps where rig_id = 'rig-1' order by received_at limit 1")
        )
        assert gone is not None
        await LapChanges(session).note_deletion([gone])
        await LapDeletion(session, features()).delete([gone.lap_id])
    await Erasure(database, features(), Subject(Kind.RIG, "rig-1"), LIMIT).run()
    left = (await everything(stored)).lower()
    assert "ines" not in left
    assert "rig-1" not in left
    assert await stored.value("select count(*) from session_relabels where after ->> 'driver_name' = 'The mika'") == 2


async def test_the_record_names_nobody_and_is_found_by_the_name(
    database: Database, database_url: str, stored: Stored
) -> None:
    """Who asks with the name is told; the row has a salted hash and numbers."""
    await coached(database, Drive())
    await asyncio.to_thread(racing_coach, database_url, "erase", "--driver", "ines")
    (row,) = await stored.query("select * from erasures")
    assert (row["kind"], row["laps_erased"], row["frames_erased"], row["ended_at"] is not None) == (
        "driver",
        1,
        4,
        True,
    )
    async with database.transaction() as session:
        assert [one.id for one in await Erasures(session).of(INES)] == [row["id"]]
        assert await Erasures(session).of(Subject(Kind.DRIVER, "mika")) == []
        assert await Erasures(session).of(Subject(Kind.RIG, "ines")) == []
    dry = await asyncio.to_thread(racing_coach, database_url, "erase", "--driver", "ines", "--dry-run")
    assert "of driver ines ended" in dry.output


async def test_a_rig_goes_with_all_that_it_sent(database: Database, database_url: str, stored: Stored) -> None:
    """Every driver's laps from it, and all of its rejected messages, whatever is in them."""
    await coached(database, Drive(rig="rig-1"))
    await coached(database, Drive(rig="rig-1", driver="mika", minute=1))
    other = await coached(database, Drive(rig="rig-2", minute=2))
    await reject(database, b"\x1f\x8bnonsense", rig="rig-1")
    await reject(database, b"nonsense", rig="rig-2")
    done = await asyncio.to_thread(racing_coach, database_url, "erase", "--rig", "rig-1")
    assert done.output.startswith("erased of rig rig-1: 2 laps")
    assert await stored.value("select id from laps") == other.lap_id
    assert await stored.value("select topic from rejected_messages") == "racing-coach/v1/rigs/rig-2/cars/sim-gt3/laps"


class StoppedError(Exception):
    """Somebody pressed Ctrl-C."""


async def test_stopped_in_the_middle_it_goes_on(
    database: Database, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after a transaction, at whichever: run again it erases the rest, and one record has the numbers of both."""
    for minute in range(3):
        await coached(database, Drive(lap_time=60 + minute, minute=minute))
    one_by_one(monkeypatch)

    def stop(_: Any) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        await Erasure(database, features(), INES, LIMIT, stop).run()
    assert (await rows(stored))["laps"] == 2
    record = await Erasure(database, features(), INES, LIMIT).run()
    assert (record.laps_erased, record.frames_erased, record.coaching_erased) == (3, 12, 3)
    assert await stored.value("select count(*) from erasures") == 1
    assert {table: count for table, count in (await rows(stored)).items() if count} == {}


async def test_laps_that_come_meanwhile_go_too(
    database: Database, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lap that is stored while it erases is found before it ends."""
    await coached(database, Drive())
    one_by_one(monkeypatch)
    late: list[asyncio.Task[Any]] = []

    def told_of(_: Any) -> None:
        if not late:
            late.append(asyncio.create_task(store(database, with_session(new_lap(), driver_id="ines"))))

    record = await Erasure(database, features(), INES, LIMIT, told_of).run()
    await late[0]
    if await stored.value("select count(*) from laps"):  # it came after the last look, and is the next one's
        record = await Erasure(database, features(), INES, LIMIT).run()
    assert await stored.value("select count(*) from laps") == 0
    assert record.ended_at is not None


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each lap in a transaction of its own."""
    from racing_coach_server.lifecycle import erasure

    find = erasure.first_of

    async def first(session: AsyncSession, laps: Any) -> Sequence[UUID]:
        return (await find(session, laps))[:1]

    monkeypatch.setattr(erasure, "first_of", first)


def test_whose_data_must_be_said(database_url: str) -> None:
    """One of the two, and not both."""
    for words in ((), ("--driver", "ines", "--rig", "rig-1")):
        assert "one of --driver and --rig" in told(racing_coach(database_url, "erase", *words))
