"""The checker finds what it is there to find: each kind of damage, done to a database on purpose."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from racing_coach_core.codecs.decode import CONTENT_TYPES, encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.content import content_sha256
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap
from racing_coach_core.messages import LapStatus, LapUploadResponse
from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sources.simulator import Simulator
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database_settings import DatabaseSettings
from racing_coach_server.telemetry.schemas import ReceivedLap
from racing_coach_server.telemetry.service import TelemetryService
from tests.clients import User
from tests.faults.checker import Report, RigFiles, check
from tests.faults.observer import TOPICS, Observations, Observer
from tests.faults.rig_process import SHORT_TRACK, Journal, read_journal
from tests.infra import DAEMON
from tests.outbox_file import alter
from tests.servers import MosquittoProcess
from tests.waiting import TIMEOUT_S

LAPS = 3


class Stored:
    """A rig that has driven three laps, and a database that holds them."""

    def __init__(self, database_url: str, files: RigFiles, laps: list[Lap]) -> None:
        self.database_url = database_url
        self.files = files
        self.laps = laps
        self.id = laps[1].lap_id

    async def damage(self, statement: str, *arguments: object) -> None:
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def check(self) -> Report:
        return await check(self.database_url, [self.files])


@pytest.fixture
async def stored(database_url: str, tmp_path: Path) -> AsyncIterator[Stored]:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    laps = list(Simulator(seed=3, track=SHORT_TRACK).laps(LAPS))
    files = RigFiles("rig-1", tmp_path / "journal", tmp_path / "outbox.sqlite3")
    _spool_and_answer(files, laps)
    engine = create_engine(DatabaseSettings.model_validate({"url": plain}), pool_size=1, application="test")
    database = Database(engine)
    for lap in laps:
        async with database.transaction() as session:
            await TelemetryService(session).store_lap(_received(lap))
    await database.close()
    yield Stored(plain, files, laps)


def _spool_and_answer(files: RigFiles, laps: list[Lap]) -> None:
    outbox = Outbox(OutboxSettings(path=files.outbox))
    outbox.open()
    journal = Journal(files.journal)
    for lap in laps:
        facts = {
            "lap_id": str(lap.lap_id),
            "session_id": str(lap.session.session_id),
            "lap_number": lap.lap_number,
            "frames": lap.frames.num_rows,
            "content_sha256": content_sha256(lap.lap_time, lap.frames).hex(),
        }
        journal.write("driven", **facts)
        entry = outbox.spool(lap, Encoding.ARROW)
        journal.write("spooled", **facts)
        outbox.sent(entry.seq, again_at=0, trouble=None)
        outbox.answered(
            LapUploadResponse(
                status=LapStatus.SUCCESS,
                message="stored",
                payload_sha256=entry.payload_sha256,
                received_at=lap.session.timestamp,
                lap_id=lap.lap_id,
            )
        )
    journal.close()
    outbox.close()


def _received(lap: Lap) -> ReceivedLap:
    payload = encode_lap(lap, Encoding.ARROW)
    assert lap.session.timestamp is not None
    return ReceivedLap(
        lap=lap,
        rig_id="rig-1",
        encoding=CONTENT_TYPES[Encoding.ARROW],
        payload_sha256=payload_sha256(payload),
        received_at=lap.session.timestamp,
    )


async def test_a_whole_database_has_no_findings(stored: Stored) -> None:
    """Nothing is found where nothing is wrong, so that a finding means something."""
    report = await stored.check()
    assert report.findings == []
    assert (report.spooled, report.acked, report.in_database) == (LAPS, LAPS, LAPS)
    assert report.frames == sum(lap.frames.num_rows for lap in stored.laps)


async def test_a_lap_that_is_gone_is_lost(stored: Stored) -> None:
    """A lap that was spooled and acked and is not there is found, and so are frames left behind."""
    await stored.damage("alter table frame_blocks drop constraint fk_frame_blocks_lap_id_laps")
    await stored.damage("delete from laps where id = $1", stored.id)
    report = await stored.check()
    assert report.lost == report.acked_and_lost == report.orphans == {stored.id}


async def test_a_lap_that_was_not_acked_may_not_be_lost_either(stored: Stored) -> None:
    """The journal is the truth, whatever the outbox says."""
    await stored.damage("delete from laps")
    stored.files.outbox.unlink()
    with Outbox(OutboxSettings(path=stored.files.outbox)):
        pass  # made anew, and empty
    report = await stored.check()
    assert report.lost == {lap.lap_id for lap in stored.laps}
    assert not report.acked_and_lost


async def test_a_lap_whose_word_the_rig_took_to_its_grave_is_counted(stored: Stored) -> None:
    """Killed between the outbox's commit and the journal's line, the rig has the lap all the same, and keeps it."""
    *lines, last = stored.files.journal.read_text().splitlines(keepends=True)
    assert '"spooled"' in last
    stored.files.journal.write_text("".join(lines))
    report = await stored.check()
    assert report.findings == []
    assert (report.spooled, report.acked, report.in_database) == (LAPS, LAPS, LAPS)


async def test_a_lap_stored_twice_is_doubled(stored: Stored) -> None:
    """The same session and number, or the same content, under two ids are found without the help of constraints."""
    other = uuid.uuid4()
    await stored.damage("alter table laps drop constraint uq_laps_track_session_id_lap_number")
    await stored.damage(
        "insert into laps select (jsonb_populate_record(l, jsonb_build_object('id', $2::text, 'lap_number', 99))).*"
        " from laps l where id = $1",
        stored.id,
        str(other),
    )
    report = await stored.check()
    assert report.doubled == {stored.id, other}
    assert report.foreign == {other}


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "insert into frame_blocks select (jsonb_populate_record(b, '{\"first_frame\": 48000}')).*"
            " from frame_blocks b where lap_id = $1 and first_frame = 0",
            id="frames doubled",
        ),
        pytest.param(
            "update frame_blocks set frame_count = frame_count - 1 where lap_id = $1 and first_frame = 0",
            id="frame gone",
        ),
        pytest.param("delete from frame_blocks where lap_id = $1 and first_frame = 0", id="first block gone"),
        pytest.param("delete from frame_blocks where lap_id = $1 and first_frame > 0", id="other blocks gone"),
        pytest.param("delete from frame_blocks where lap_id = $1", id="all frames gone"),
        pytest.param(
            "update frame_blocks set speed[7] = speed[7] + 0.001 where lap_id = $1 and first_frame = 0",
            id="value changed",
        ),
        pytest.param("update frame_blocks set rpm[7] = null where lap_id = $1 and first_frame = 0", id="value gone"),
        pytest.param(
            "update frame_blocks set first_frame = 480000 where lap_id = $1 and first_frame = 0", id="order changed"
        ),
        pytest.param(
            "update frame_blocks set first_frame = first_frame + 480000 where lap_id = $1", id="index shifted"
        ),
        pytest.param("update laps set lap_time = lap_time + 0.001 where id = $1", id="lap time changed"),
        pytest.param("update laps set frame_count = frame_count - 1 where id = $1", id="count changed"),
        pytest.param("update laps set content_sha256 = '\\x00' where id = $1", id="hash changed"),
        pytest.param("update laps set rig_id = 'rig-2' where id = $1", id="rig changed"),
        pytest.param("update laps set lap_number = 77 where id = $1", id="number changed"),
    ],
)
async def test_a_lap_that_is_not_as_driven_is_partial(stored: Stored, statement: str) -> None:
    """One frame, one value or one field of one lap that is not as it was driven is found, and nothing else is."""
    await stored.damage(statement, stored.id)
    report = await stored.check()
    assert report.partial == {stored.id}
    assert not report.lost | report.doubled | report.foreign | report.orphans


async def test_a_lap_that_nobody_drove_is_found(stored: Stored) -> None:
    """What no journal knows has no business in the database."""
    lines = [entry for entry in read_journal(stored.files.journal) if entry["lap_id"] != str(stored.id)]
    stored.files.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = await stored.check()
    assert report.foreign == {stored.id}


async def test_accounts_that_do_not_add_up_are_found(stored: Stored) -> None:
    """An outbox that counts another number of laps than it answered is found."""
    alter(stored.files.outbox, "update accounts set count = count + 1 where name = 'spooled'")
    assert any("accounts of rig-1" in finding for finding in (await stored.check()).findings)


async def test_a_rejected_lap_is_found(stored: Stored) -> None:
    """No lap of a run may be rejected: neither kept as such by the daemon nor set aside by the rig."""
    await stored.damage(
        "insert into rejected_messages"
        " (topic, reason, errors, payload, payload_sha256, received_at, last_received_at, times_received)"
        " values ('t', 'why', '[]', '', '', now(), now(), 1)"
    )
    alter(stored.files.outbox, "update laps set state = 'rejected' where lap_id = ?", str(stored.id))
    report = await stored.check()
    assert report.rejected == {stored.id}
    assert "a message was rejected: why" in report.findings


async def test_an_answer_before_its_commit_is_early(stored: Stored, need_mosquitto: None) -> None:
    """An answer that is heard while its lap's transaction is still open is found, and one after the commit is not."""
    with MosquittoProcess() as mosquitto:
        observer = Observer(mosquitto.broker, stored.database_url, ["rig-1"])
        listening = asyncio.create_task(observer.run())
        daemon = User(mosquitto.broker, DAEMON)
        early, topic = uuid.uuid4(), TOPICS.lap_answers.build(rig="rig-1", car="sim-gt3")
        connection = await asyncpg.connect(stored.database_url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("delete from frame_blocks where lap_id = $1", stored.id)
        await connection.execute("update laps set id = $2 where id = $1", stored.id, early)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                # What a busy machine was too slow to look up in time, it is asked again.
                while not observer.seen.early or stored.id not in observer.seen.answered:
                    for lap_id in (early, stored.id):
                        daemon.publish(topic, _answer(lap_id))
                    await asyncio.sleep(0.2)
        finally:
            await transaction.rollback()
            await connection.close()
            daemon.close()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    assert observer.seen.early == {early}
    assert observer.seen.answered == {early, stored.id}


def _answer(lap_id: uuid.UUID) -> bytes:
    answer = LapUploadResponse(
        status=LapStatus.SUCCESS,
        message="stored",
        payload_sha256="0" * 64,
        received_at=datetime.now(UTC),
        lap_id=lap_id,
    )
    return answer.model_dump_json().encode()


def test_what_was_seen_is_reported() -> None:
    """Early answers, wrong heartbeats, rejections and too much memory are findings."""
    early = uuid.uuid4()
    report = Report(peak_rss_bytes=401 * 2**20)
    report.observe(Observations(early={early}, wrong_accounts=["received 3"], rejections=["why not"]))
    text = "\n".join(report.findings)
    for wanted in (str(early), "received 3", "why not", "401 MiB"):
        assert wanted in text
