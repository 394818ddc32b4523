"""The telemetry service on a real database: what it writes, finds and refuses, and that it never commits."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.server.support import Stored, faster, new_lap, new_laps, with_session

from racing_coach_core.codecs.decode import encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap
from racing_coach_server.database.engine import Database
from racing_coach_server.telemetry.exceptions import LapConflictError, SessionConflictError
from racing_coach_server.telemetry.schemas import LapOutcome, ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService


def received(lap: Lap, *, rig_id: str = "rig-1") -> ReceivedLap:
    return ReceivedLap(
        lap=lap,
        rig_id=rig_id,
        encoding="arrow",
        payload_sha256=payload_sha256(encode_lap(lap, Encoding.ARROW)),
        received_at=datetime.now(UTC),
    )


async def store(database: Database, lap: Lap, *, rig_id: str = "rig-1") -> LapOutcome:
    async with database.transaction() as session:
        return await TelemetryService(session).store_lap(received(lap, rig_id=rig_id))


async def test_a_lap_is_new_once(database: Database, stored: Stored) -> None:
    """The second time it is found, as what it was stored as and when."""
    lap = new_lap()

    first = await store(database, lap)
    second = await store(database, lap)

    assert (first.is_new, second.is_new) == (True, False)
    assert first.lap_id == second.lap_id == lap.lap_id
    assert first.stored_at == second.stored_at
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_who_drove_makes_no_other_lap(database: Database, stored: Stored) -> None:
    """A lap that was stored before rigs said who drives is a duplicate when it comes again and says so."""
    lap = new_lap()
    await store(database, lap)

    again = await store(database, with_session(lap, driver_id="4712", driver_name="Jo Example"))

    assert (again.is_new, again.lap_id) == (False, lap.lap_id)
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_the_same_bytes_are_the_same_lap_whatever_is_made_of_them(database: Database, stored: Stored) -> None:
    """A daemon that decodes them to other columns than the one before it still knows the lap."""
    lap = new_lap()
    await store(database, lap)
    await stored.value("update laps set content_sha256 = $1 returning 1", b"as an older daemon had it")

    again = await store(database, lap)

    assert (again.is_new, again.lap_id) == (False, lap.lap_id)
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_it_flushes_and_never_commits(database: Database, stored: Stored) -> None:
    """All of a lap is gone if the caller does not commit."""
    with pytest.raises(RuntimeError, match="no commit"):  # noqa: PT012 (the block is the transaction)
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(received(new_lap()))
            raise RuntimeError("no commit")

    assert await stored.counts() == (0, 0, 0)


async def test_an_answer_is_made_before_the_commit(database: Database, stored: Stored) -> None:
    """Once, of what becomes of the lap: a new one and a known one."""
    made: list[LapOutcome] = []

    def answer(outcome: LapOutcome) -> int:
        made.append(outcome)
        return len(made)

    lap = new_lap()
    for number in (1, 2):
        async with database.transaction() as session:
            assert await TelemetryService(session).store_and(received(lap), answer) == number
            assert await stored.counts() == ((0, 0, 0) if number == 1 else (1, 1, lap.frames.num_rows))
    assert [(outcome.is_new, outcome.lap_id) for outcome in made] == [(True, lap.lap_id), (False, lap.lap_id)]


async def test_a_lap_whose_answer_cannot_be_made_is_not_stored(database: Database, stored: Stored) -> None:
    """The frames are all sent by then, and are taken back."""

    def fail(_outcome: LapOutcome) -> None:
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError, match="no answer"):
        async with database.transaction() as session:
            await TelemetryService(session).store_and(received(new_lap()), fail)
    assert await stored.counts() == (0, 0, 0)
    assert (await store(database, new_lap())).is_new  # on the same connection


async def test_the_same_lap_twice_at_once_is_stored_once(database: Database, stored: Stored) -> None:
    """Two transactions: the second waits for the first and finds its lap."""
    lap = new_lap()

    outcomes = await asyncio.gather(*(store(database, lap) for _ in range(4)))

    assert sorted(outcome.is_new for outcome in outcomes) == [False, False, False, True]
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_the_second_stores_it_if_the_first_gives_up(database: Database, stored: Stored) -> None:
    """Who waits for a transaction that is rolled back stores the lap itself."""
    lap = new_lap()
    written = asyncio.Event()

    async def give_up() -> None:
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(received(lap))
            written.set()
            await asyncio.sleep(0.2)
            raise RuntimeError("give up")

    async def second() -> LapOutcome:
        await written.wait()
        return await store(database, lap)

    first, outcome = await asyncio.gather(give_up(), second(), return_exceptions=True)

    assert isinstance(first, RuntimeError)
    assert isinstance(outcome, LapOutcome)
    assert outcome.is_new
    assert await stored.counts() == (1, 1, lap.frames.num_rows)


async def test_laps_of_one_new_session_at_once_share_it(database: Database, stored: Stored) -> None:
    """Whoever comes first makes the session; nobody fails over it."""
    laps = new_laps(5)

    outcomes = await asyncio.gather(*(store(database, lap) for lap in laps))

    assert all(outcome.is_new for outcome in outcomes)
    assert (await stored.counts())[:2] == (1, 5)


@pytest.mark.parametrize(
    "change", [{"track_id": "x"}, {"track_config_name": None}, {"car_id": "x"}], ids=lambda change: next(iter(change))
)
async def test_a_session_is_one_drive(database: Database, change: dict[str, str | None]) -> None:
    """Another track, configuration or car: refused, with both in the error's attributes."""
    first, second = new_laps(2)
    await store(database, first)

    with pytest.raises(SessionConflictError) as raised:
        await store(database, with_session(second, **change))

    (field,) = change
    assert raised.value.field == field
    assert raised.value.session_id == first.session.session_id
    assert (raised.value.stored, raised.value.sent) == (
        str(getattr(first.session, field)),
        str(change[field]),
    )


async def test_a_session_is_of_one_rig(database: Database) -> None:
    """Another rig cannot add to it."""
    first, second = new_laps(2)
    await store(database, first)

    with pytest.raises(SessionConflictError, match="rig_id 'rig-1'"):
        await store(database, second, rig_id="rig-2")


async def test_other_words_for_the_same_session_are_no_conflict(database: Database, stored: Stored) -> None:
    """Names, class and type may be spelled anew: the first spelling stays."""
    first, second = new_laps(2)
    await store(database, first)

    outcome = await store(database, with_session(second, car_name="The Same Car", session_type="Race"))

    assert outcome.is_new
    assert (await stored.session(first.session.session_id))["car_name"] == first.session.car_name


@pytest.mark.parametrize("same_id", [True, False])
async def test_other_content_in_the_same_place_is_a_conflict(database: Database, *, same_id: bool) -> None:
    """Refused, naming the lap that is stored."""
    lap = new_lap()
    await store(database, lap)
    other = faster(lap) if same_id else replace(faster(lap), lap_id=uuid.uuid4())

    with pytest.raises(LapConflictError) as raised:
        await store(database, other)

    assert raised.value.stored_lap_id == lap.lap_id
    assert raised.value.lap_number == lap.lap_number


async def test_the_same_id_in_another_session_is_a_conflict(database: Database) -> None:
    """Even with the same content."""
    lap = new_lap()
    await store(database, lap)

    with pytest.raises(LapConflictError):
        await store(database, replace(with_session(lap, session_id=uuid.uuid4()), lap_id=lap.lap_id))
