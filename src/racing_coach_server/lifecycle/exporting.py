"""All data of a driver, or of a rig, as files: of each lap a Parquet of its frames, and a JSON of all else."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import to_json
from sqlalchemy import func, select, tuple_

from racing_coach_server.analytics.comparison.models import ChosenReferenceRecord
from racing_coach_server.config import VERSION
from racing_coach_server.database.engine import Database
from racing_coach_server.database.rows import as_values
from racing_coach_server.exceptions import CommandError
from racing_coach_server.feature import Feature
from racing_coach_server.lifecycle.subjects import Mentions, Subject, names_of, next_rejected
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.telemetry.changing import LapChanges
from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.reading import StoredLaps

_ABOUT: Final = "about.json"
_LAPS: Final = "laps"
_REJECTED: Final = "rejected"
_PAGE: Final = 100


@dataclass(slots=True)
class Exported:
    """How far it came: laps in all, those written now, those that were there already, rejected messages."""

    total: int = 0
    written: int = 0
    there: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Export:
    """Writes all of a subject into a folder. It may be stopped at any time; run again, it goes on.

    Attributes:
        database: hands out the transactions; nothing is written to it.
        features: all of them.
        subject: whose data.
        folder: where to; made if it is not there.
        decoded_bytes: most that a rejected payload may come to.
        told: called after each file.
    """

    database: Database
    features: Sequence[Feature]
    subject: Subject
    folder: Path
    decoded_bytes: int
    told: Callable[[Exported], None]

    async def run(self) -> Exported:
        """Write what is not there yet.

        Raises:
            CommandError: the folder holds the export of somebody else, or a file cannot be written.
        """
        done = Exported()
        about: dict[str, Any] = {
            "of": {"kind": self.subject.kind.value, "name": self.subject.name},
            "racing_coach": VERSION,
        }
        self._begin(about)
        async with self.database.transaction() as session:
            count = select(func.count()).select_from(LapRecord).where(self.subject.owns)
            done.total = (await session.execute(count)).scalar_one()
            chosen = select(ChosenReferenceRecord).where(ChosenReferenceRecord.driver == self.subject.name)
            references = [as_values(one) for one in await session.scalars(chosen)]
            changes = await LapChanges(session).of(self.subject.changes)
        _write(self.folder / "references.json", to_json(references, indent=2))
        _write(self.folder / "changes.json", to_json(changes, indent=2, bytes_mode="hex"))
        await self._each_lap(done)
        await self._each_rejected(done)
        about |= {"laps": done.written + done.there, "rejected": done.rejected, "ended_at": datetime.now(UTC)}
        _write(self.folder / _ABOUT, to_json(about, indent=2))
        return done

    def _begin(self, about: dict[str, Any]) -> None:
        for name in (_LAPS, _REJECTED):
            with _writing(self.folder / name):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        file = self.folder / _ABOUT
        if file.exists() and (of := json.loads(file.read_bytes()).get("of")) != about["of"]:
            raise CommandError(f"{self.folder} holds the export of another: {of}; take another folder")
        _write(file, to_json(about, indent=2))

    async def _each_lap(self, done: Exported) -> None:
        after: tuple[datetime, UUID] | None = None
        while True:
            page = await self._page(after)
            if not page:
                return
            after = page[-1]
            for _, lap_id in page:
                await self._lap(lap_id, done)
                self.told(done)

    async def _page(self, after: tuple[datetime, UUID] | None) -> Sequence[tuple[datetime, UUID]]:
        place = (LapRecord.received_at, LapRecord.id)
        laps = select(*place).where(self.subject.owns).order_by(*place).limit(_PAGE)
        if after is not None:
            laps = laps.where(tuple_(*place) > after)
        async with self.database.transaction() as session:
            return [(received_at, lap_id) for received_at, lap_id in await session.execute(laps)]

    async def _lap(self, lap_id: UUID, done: Exported) -> None:
        """One lap. Its JSON is written last: where that is, the lap is whole."""
        file = self.folder / _LAPS / f"{lap_id}.json"
        if file.exists():
            done.there += 1
            return
        async with self.database.transaction() as session:
            document: dict[str, Any] = {}
            for feature in self.features:
                if feature.kept is not None:
                    document |= await feature.kept(session).of(lap_id)
            frames = await StoredLaps(session).columns(lap_id)
        if "lap" not in document:
            return  # deleted meanwhile
        parquet = file.with_suffix(".parquet")
        with _writing(parquet):
            pq.write_table(pa.Table.from_batches([frames]), _part(parquet), compression="zstd")
            _part(parquet).rename(parquet)
        _write(file, to_json(document, indent=2, bytes_mode="hex"))
        done.written += 1

    async def _each_rejected(self, done: Exported) -> None:
        async with self.database.transaction() as session:
            mentions = Mentions(self.subject, await names_of(session, self.subject), self.decoded_bytes)
        last = 0
        while (message := await self._next_rejected(last)) is not None:
            last = message.id
            if mentions.are_in(message):
                self._rejected(message)
                done.rejected += 1
                self.told(done)

    async def _next_rejected(self, after: int) -> RejectedMessage | None:
        async with self.database.transaction() as session:
            return await next_rejected(session, after)

    def _rejected(self, message: RejectedMessage) -> None:
        file = self.folder / _REJECTED / f"{message.id}.json"
        _write(file.with_suffix(".payload"), message.payload)
        _write(
            file, to_json({name: value for name, value in as_values(message).items() if name != "payload"}, indent=2)
        )


def _part(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


def _write(file: Path, content: bytes) -> None:
    """Write a file whole, or not at all."""
    with _writing(file):
        _part(file).write_bytes(content)
        _part(file).rename(file)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise CommandError(f"{file} cannot be written: {why}") from error
