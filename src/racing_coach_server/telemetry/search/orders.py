"""The orders in which laps are listed, and where in them a page ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from racing_coach_server.telemetry.models import LapRecord
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.cursors import Value, from_cursor, to_cursor
from racing_coach_server.telemetry.search.schemas import LapSort


@dataclass(frozen=True, slots=True)
class Order:
    """An order of laps, in which no two have the same place.

    Attributes:
        name: by which a cursor knows it again.
        columns: the lap's, that make the place.
        kinds: the types of their values.
        place: those values of a lap.
        falls: whether the greatest comes first.
    """

    name: str
    columns: tuple[InstrumentedAttribute[Any], ...]
    kinds: tuple[type[Value], ...]
    place: Callable[[StoredLap], tuple[Value, ...]]
    falls: bool = False

    def by(self, columns: Sequence[ColumnElement[Any]] | None = None) -> list[ColumnElement[Any]]:
        """For an `order by`; of the same columns elsewhere, if they are given."""
        return [one.desc() if self.falls else one.asc() for one in columns or self.columns]

    def after(self, cursor: str, columns: Sequence[ColumnElement[Any]] | None = None) -> ColumnElement[bool]:
        """What comes after a place.

        Raises:
            InvalidCursorError: this is no cursor of this order.
        """
        here, place = tuple_(*(columns or self.columns)), tuple_(*from_cursor(cursor, self.name, self.kinds))
        return here < place if self.falls else here > place

    def cursor(self, lap: StoredLap) -> str:
        """The place of a lap."""
        return to_cursor(self.name, self.place(lap))


def _fastest_first(lap: StoredLap) -> tuple[Value, ...]:
    assert lap.lap_time is not None  # or it is in no list by time
    return lap.lap_time, lap.lap_id


_BY: Final[dict[LapSort, Order]] = {
    LapSort.RECEIVED: Order(
        "received",
        (LapRecord.received_at, LapRecord.id),
        (datetime, UUID),
        lambda lap: (lap.received_at, lap.lap_id),
    ),
    LapSort.DRIVEN: Order(
        "driven", (LapRecord.driven_at, LapRecord.id), (datetime, UUID), lambda lap: (lap.driven_at, lap.lap_id)
    ),
    LapSort.TIME: Order("time", (LapRecord.lap_time, LapRecord.id), (float, UUID), _fastest_first),
}

BOARD: Final = Order("board", (LapRecord.lap_time, LapRecord.id), (float, UUID), _fastest_first)
"""The best laps on one track in one car."""

WHOSE: Final = Order(
    "whose",
    (LapRecord.track_id, LapRecord.track_config_name, LapRecord.car_id, LapRecord.driver),
    (str, str, str, str),
    lambda lap: (lap.session.track_id, lap.session.track_config_name or "", lap.session.car_id, lap.driver),
)
"""The best laps, one of each driver in each car on each track."""

IDENTIFIED: Final = Order("id", (LapRecord.id,), (UUID,), lambda lap: (lap.lap_id,))


def order_of(sort: LapSort, *, reverse: bool) -> Order:
    """How laps are sorted: the newest or the fastest first, or the other way round."""
    order = _BY[sort]
    falls = (sort is not LapSort.TIME) is not reverse
    return replace(order, name=f"{order.name} {'falling' if falls else 'rising'}", falls=falls)
