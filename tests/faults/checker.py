"""Compares what the rigs promised with what the database holds, lap by lap and frame by frame.

The truth is each rig's journal: a lap is promised once `spool` has returned, or would have: a rig that is killed between
the outbox's commit and its own word has the lap on its disk all the same. Everything is looked up by lap id and
content hash, and the hash is worked out again from the stored frames, so that no column of `laps` is believed.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pyarrow as pa

from racing_coach_core.channels import CHANNELS, LAP_SCHEMA
from racing_coach_core.content import content_sha256
from tests.faults.observer import Observations
from tests.faults.rig_process import read_journal

MEMORY_BOUND_BYTES = 400 * 2**20
ADVERSARY_MEMORY_BOUND_BYTES = 1_400 * 2**20
"""With a rig that sends the largest documents that the limits allow; the unit is slowed down from 1,536 MiB on."""
ADVERSARY = "adversary"
"""The rig whose messages are meant to be rejected."""
_SHOWN = 5


@dataclass(frozen=True)
class DrivenLap:
    """A lap as its rig knows it."""

    lap_id: UUID
    session_id: UUID
    lap_number: int
    frames: int
    content_sha256: bytes
    rig: str


@dataclass(frozen=True)
class RigFiles:
    """What a rig leaves on its disk."""

    name: str
    journal: Path
    outbox: Path

    def laps(self, event: str) -> dict[UUID, DrivenLap]:
        """The laps of which the journal says so: `driven` or `spooled`."""
        return {
            UUID(entry["lap_id"]): DrivenLap(
                UUID(entry["lap_id"]),
                UUID(entry["session_id"]),
                entry["lap_number"],
                entry["frames"],
                bytes.fromhex(entry["content_sha256"]),
                self.name,
            )
            for entry in read_journal(self.journal)
            if entry["event"] == event
        }

    def states(self) -> dict[UUID, str]:
        """Every lap of the outbox: waiting, stored or rejected."""
        return {UUID(lap_id): state for lap_id, state in self._query("select lap_id, state from laps")}

    def waiting(self) -> int:
        """How many laps have no answer yet."""
        try:
            return int(self._query("select count(*) from laps where state = 'waiting'")[0][0])
        except sqlite3.OperationalError:
            return 0  # the rig has not made it yet

    def accounts(self) -> Counter[str]:
        """The outbox's own accounts."""
        return Counter(dict(self._query("select name, count from accounts")))

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.outbox}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()


@dataclass
class Report:
    """What the checker found."""

    seed: int | None = None
    driven: int = 0
    spooled: int = 0
    acked: int = 0
    in_database: int = 0
    frames: int = 0
    lost: set[UUID] = field(default_factory=set)
    """Spooled, and not in the database."""
    acked_and_lost: set[UUID] = field(default_factory=set)
    """Answered `success` or `duplicate`, and not in the database."""
    doubled: set[UUID] = field(default_factory=set)
    """In the database more than once, by lap id, by session and number, or by content."""
    partial: set[UUID] = field(default_factory=set)
    """Frames are missing, too many, out of order or not those that were driven."""
    foreign: set[UUID] = field(default_factory=set)
    """Nobody has driven them."""
    orphans: set[UUID] = field(default_factory=set)
    """Frames of a lap that is not there."""
    rejected: set[UUID] = field(default_factory=set)
    early: set[UUID] = field(default_factory=set)
    """Answered before they were committed."""
    violations: list[str] = field(default_factory=list)
    seen: Observations = field(default_factory=Observations)
    faults: dict[str, int] = field(default_factory=dict)
    peak_rss_bytes: int = 0
    memory_bound_bytes: int = MEMORY_BOUND_BYTES
    evidence: Path | None = None
    """Where logs, journals and outboxes are kept."""

    def observe(self, seen: Observations) -> None:
        """Add what was seen while it went on."""
        self.seen = seen
        self.early |= seen.early
        self.violations += [f"a heartbeat's accounts do not add up: {laps}" for laps in seen.wrong_accounts]
        self.violations += [f"a lap was rejected: {reason}" for reason in seen.rejections]

    @property
    def findings(self) -> list[str]:
        """Everything that is wrong; empty if all promises were kept."""
        found = [
            f"{len(laps)} {what}: {', '.join(map(str, sorted(laps)[:_SHOWN]))}"
            for what, laps in self._counted()
            if laps
        ]
        if self.peak_rss_bytes > self.memory_bound_bytes:
            found.append(f"the daemon's memory reached {self.peak_rss_bytes / 2**20:.0f} MiB")
        return found + self.violations

    def _counted(self) -> Iterable[tuple[str, set[UUID]]]:
        return (
            ("lost", self.lost),
            ("acked and lost", self.acked_and_lost),
            ("doubled", self.doubled),
            ("partial", self.partial),
            ("driven by nobody", self.foreign),
            ("frames without a lap", self.orphans),
            ("rejected", self.rejected),
            ("answered before the commit", self.early),
        )

    def table(self) -> str:
        """The findings as text."""
        rows: list[tuple[str, object]] = [(f"fault: {name}", n) for name, n in sorted(self.faults.items())]
        rows += [
            ("faults in all", sum(self.faults.values())),
            ("laps spooled", self.spooled),
            ("laps acked", self.acked),
            ("laps in the database", self.in_database),
            ("frames in the database", self.frames),
            *(
                (f"laps {what}" if what != "frames without a lap" else what, len(laps))
                for what, laps in self._counted()
            ),
            ("answers seen", ", ".join(f"{n} {status}" for status, n in sorted(self.seen.answers.items())) or 0),
            ("answers checked on receipt", self.seen.looked_at),
            ("answers checked later", self.seen.looked_at_late),
            ("words of the coach heard", len(self.seen.spoken)),
            ("heartbeats checked", f"{self.seen.heartbeats}, {self.seen.degraded} degraded"),
            ("peak RSS of the daemon", f"{self.peak_rss_bytes / 2**20:.0f} MiB"),
            ("other findings", len(self.violations)),
            ("seed", self.seed),
        ]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {value}" for name, value in rows]
        if self.evidence is not None:
            lines.append(f"logs, journals and outboxes are kept in {self.evidence}")
        return "\n".join([*lines, *(f"FOUND: {finding}" for finding in self.findings)])


async def check(database_url: str, rigs: list[RigFiles]) -> Report:
    """Compare journals and outboxes with the database."""
    report = Report()
    driven: dict[UUID, DrivenLap] = {}
    spooled: set[UUID] = set()
    acked: set[UUID] = set()
    for rig in rigs:
        states = rig.states()
        driven |= rig.laps("driven")
        spooled |= rig.laps("spooled").keys() | (states.keys() & rig.laps("driven").keys())
        acked |= {lap_id for lap_id, state in states.items() if state == "stored"}
        report.rejected |= {lap_id for lap_id, state in states.items() if state == "rejected"}
        report.violations += _rig_accounts(rig, states)
    report.driven, report.spooled, report.acked = len(driven), len(spooled), len(acked)
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        stored = await connection.fetch(
            "select id, track_session_id, lap_number, lap_time, rig_id, frame_count, content_sha256 from laps"
        )
        kept = await connection.fetch(
            "select reason from rejected_messages where topic not like '%/rigs/' || $1 || '/%'", ADVERSARY
        )
        orphans = await connection.fetch(
            "select distinct lap_id from frame_blocks b where not exists (select from laps l where l.id = b.lap_id)"
        )
        ids = {row["id"] for row in stored}
        report.in_database = len(ids)
        report.frames = await connection.fetchval("select coalesce(sum(frame_count), 0) from frame_blocks")
        report.lost = spooled - ids
        report.acked_and_lost = acked - ids
        report.foreign = ids - driven.keys()
        report.doubled = _doubled(stored)
        report.orphans = {row["lap_id"] for row in orphans}
        report.violations += [f"a message was rejected: {row['reason']}" for row in kept]
        for row in stored:
            if row["id"] in driven and not await _is_whole(connection, row, driven[row["id"]]):
                report.partial.add(row["id"])
    finally:
        await connection.close()
    return report


def _rig_accounts(rig: RigFiles, states: dict[UUID, str]) -> list[str]:
    """Spooled is what was answered and what waits; nothing is answered that was not sent."""
    counts, now = rig.accounts(), Counter(states.values())
    answered = counts["stored"] + counts["duplicate"] + counts["rejected"]
    wrong = []
    if counts["spooled"] != answered + now["waiting"]:
        wrong.append(f"accounts of {rig.name}: {dict(counts)}, and {now['waiting']} wait")
    if counts["sent"] < answered:
        wrong.append(f"accounts of {rig.name}: more answered than sent: {dict(counts)}")
    if (known := len(rig.laps("spooled"))) > counts["spooled"]:
        wrong.append(f"accounts of {rig.name}: the outbox counts {counts['spooled']} of {known} laps")
    return wrong


def _doubled(stored: list[asyncpg.Record]) -> set[UUID]:
    doubled = set()
    for key in (
        lambda row: row["id"],
        lambda row: (row["track_session_id"], row["lap_number"]),
        lambda row: row["content_sha256"],
    ):
        counts = Counter(map(key, stored))
        doubled |= {row["id"] for row in stored if counts[key(row)] > 1}
    return doubled


async def _is_whole(connection: asyncpg.Connection, row: asyncpg.Record, lap: DrivenLap) -> bool:
    """Whether a lap's stored frames are those that were driven, no more, no less, and in order."""
    frames = await connection.fetch(
        f"select {', '.join(LAP_SCHEMA.names)}, frame_index, track_session_id"
        " from telemetry where lap_id = $1 order by frame_index",
        row["id"],
    )
    if not len(frames) == row["frame_count"] == lap.frames:
        return False
    if [frame["frame_index"] for frame in frames] != list(range(len(frames))):
        return False
    if {frame["track_session_id"] for frame in frames} != {lap.session_id}:
        return False
    columns = zip(*(frame.values() for frame in frames), strict=True)
    arrays = [pa.array(values, channel.type) for channel, values in zip(CHANNELS, columns, strict=False)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=LAP_SCHEMA)
    return (
        content_sha256(row["lap_time"], batch) == lap.content_sha256 == bytes(row["content_sha256"])
        and row["rig_id"] == lap.rig
        and row["track_session_id"] == lap.session_id
        and row["lap_number"] == lap.lap_number
    )
