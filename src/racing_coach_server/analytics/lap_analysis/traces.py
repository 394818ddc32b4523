"""Stored laps as the analysis takes them: read, put on a grid of places, and kept for the next use."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_analysis.lap import LapData
from racing_coach_analysis.trace import Trace, trace
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap

CHANNELS: Final = (
    *("session_time", "current_lap_time", "lap_distance_pct", "lap_distance"),
    *("speed", "throttle", "brake", "steering_angle", "gear", "rpm"),
    *("lateral_acceleration", "longitudinal_acceleration", "yaw_rate"),
    *("latitude", "longitude", "track_surface", "on_pit_road", "track_wetness"),
)
"""What is read of a lap: a quarter of what is stored."""


class Recent[KeyT, ValueT]:
    """Values used last, as many as fit."""

    def __init__(self, size: Callable[[ValueT], int], limit: int) -> None:
        self._size = size
        self._limit = limit
        self._held = 0
        self._values: OrderedDict[KeyT, ValueT] = OrderedDict()

    def get(self, key: KeyT) -> ValueT | None:
        """A value, which is the one used last from now on."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: KeyT, value: ValueT) -> None:
        """Keep a value; what was not used for longest makes room."""
        before = self._values.pop(key, None)
        self._held += self._size(value) - (0 if before is None else self._size(before))
        self._values[key] = value
        while self._held > self._limit and len(self._values) > 1:
            self._held -= self._size(self._values.popitem(last=False)[1])


class Traces:
    """Laps and traces of one process. A lap of 5,000 frames takes 0.7 MB as each."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._background = dependencies.background
        self._laps = Recent[UUID, LapData](_lap_bytes, dependencies.trace_bytes)
        self._traces = Recent[tuple[UUID, UUID | None], Trace](_trace_bytes, dependencies.trace_bytes)

    async def lap(self, session: AsyncSession, stored: StoredLap) -> LapData:
        """The columns of a stored lap."""
        kept = self._laps.get(stored.lap_id)
        if kept is None:
            columns = await StoredLaps(session).channels(stored.lap_id, CHANNELS)
            kept = LapData.of(columns, stored.lap_time)
            self._laps.put(stored.lap_id, kept)
        return kept

    async def trace(self, session: AsyncSession, stored: StoredLap, *, reference: StoredLap | None = None) -> Trace:
        """A stored lap on a grid of places; on the reference's path, if there is one.

        Raises:
            NotALapError: it, or the reference, is not a whole lap on the track.
        """
        key = (stored.lap_id, None if reference is None else reference.lap_id)
        kept = self._traces.get(key)
        if kept is None:
            path = None if reference is None else await self.trace(session, reference)
            kept = await self._background.run(trace, await self.lap(session, stored), reference=path)
            self._traces.put(key, kept)
        return kept


def _lap_bytes(lap: LapData) -> int:
    return sum(column.nbytes for column in lap.channels.values())


def _trace_bytes(one: Trace) -> int:
    return one.pct.nbytes * (len(one.channels) + 4)
