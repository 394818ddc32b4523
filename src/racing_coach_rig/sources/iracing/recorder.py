"""Puts what was read of the shared memory together to laps."""

import uuid
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import structlog

from racing_coach_core.frames import SessionFrame
from racing_coach_core.lap import Lap
from racing_coach_rig.sources.iracing.memory import Batch
from racing_coach_rig.sources.iracing.records import UnusableLapError, build_lap, drive_frames, session_number
from racing_coach_rig.sources.iracing.session_info import SessionInfo
from racing_coach_rig.sources.labels import Labels
from racing_coach_rig.sources.splitting.found import IncompleteLap, LapSlice
from racing_coach_rig.sources.splitting.splitter import LapSplitter

log = structlog.stdlib.get_logger(__name__)


class Recorder:
    """Puts batches together to laps.

    Args:
        labels: count more than what the simulator says.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._connection = 0
        self._splitter = LapSplitter()
        self._held: deque[tuple[int, Batch]] = deque()
        self._sessions: dict[tuple[object, ...], SessionFrame] = {}
        self._last_numbers: dict[UUID, int] = {}
        """Of each session, the number of its last lap."""

    def take(self, batch: Batch) -> list[Lap]:
        """The laps that end in this batch."""
        if batch.connection != self._connection:
            self._report(self._splitter.finish().incomplete)
            self._connection = batch.connection
            self.begin_again()
        self._held.append((self._splitter.position, batch))
        found = self._splitter.feed(drive_frames(batch.records))
        self._report(found.incomplete)
        laps = [lap for piece in found.laps if (lap := self._lap(piece))]
        while self._held and self._end_of(*self._held[0]) <= self._splitter.keep_from:
            self._held.popleft()
        return laps

    def begin_again(self) -> None:
        """Forget the frames of the lap that is being driven. Sessions, and which numbers their laps have, are kept."""
        self._splitter = LapSplitter()
        self._held.clear()

    def _lap(self, found: LapSlice) -> Lap | None:
        parts = [
            (batch, batch.records[max(0, found.start - start) : found.stop - start])
            for start, batch in self._held
            if start < found.stop and found.start < self._end_of(start, batch)
        ]
        first, last = parts[0][0], parts[-1][0]
        # One clock for the whole lap, so that its frames are as far apart as the simulator says.
        clock_us = round((first.wall_clock - float(first.records["SessionTime"][-1])) * 1e6)
        records = np.concatenate([records for _, records in parts])
        info = last.info.labelled(self._labels)
        session = self._session(found.session, info, clock_us / 1e6 + records["SessionTime"][0])
        try:
            return build_lap(records, self._numbered(found, session), session, clock_us)
        except UnusableLapError as error:
            log.warning("lap not usable", lap_number=found.lap_number, reason=str(error))
            return None

    def _numbered(self, found: LapSlice, session: SessionFrame) -> LapSlice:
        """The lap with a number that no other lap of its session has.

        The splitter sees to that within one connection. A session can go on over several, and the simulator may count
        from the beginning again: two laps with one number would have one lap id, and the second would be rejected.
        """
        number = max(found.lap_number, self._last_numbers.get(session.session_id, found.lap_number - 1) + 1)
        self._last_numbers[session.session_id] = number
        return replace(found, lap_number=number)

    def _session(self, code: int, info: SessionInfo, first_seen: float) -> SessionFrame:
        stay = info.subsession_id or ("offline", self._connection)
        key = (stay, code, info.track_id, info.car_id)
        if key not in self._sessions:
            at = datetime.fromtimestamp(first_seen, UTC)
            self._sessions[key] = info.frame(uuid.uuid4(), session_number(code), at)
        return self._sessions[key]

    @staticmethod
    def _end_of(start: int, batch: Batch) -> int:
        return start + len(batch.records)

    @staticmethod
    def _report(incomplete: list[IncompleteLap]) -> None:
        for rest in incomplete:
            log.info(
                "no complete lap",
                reason=str(rest.reason),
                lap_number=rest.lap_number,
                frames=rest.frames,
            )
