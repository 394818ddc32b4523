"""A list of laps as a table."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from rich.cells import cell_len
from rich.table import Table

from racing_coach_core.lap_times import format_lap_time
from racing_coach_server.commands.output import GAP, plain_table
from racing_coach_server.commands.text import driver, moment, plain, shown, track
from racing_coach_server.telemetry.schemas import StoredLap

_WIDE: Final = 100
"""Columns from which on there is room for the rig, too."""
_LEAST: Final = 6
"""Columns that a track or a car is never shortened below."""


def lap_table(laps: Sequence[StoredLap], ids: Mapping[UUID, str], *, when: str, width: int | None) -> Table:
    """Laps, a line each. Only track and car are shortened, and only where the line would not fit.

    Args:
        laps: in their order.
        ids: how each is named.
        when: which of its times is shown: "received" or "driven".
        width: columns of the terminal; None where nothing has to fit.
    """
    columns: dict[str, list[str]] = {
        "lap": [ids[lap.lap_id] for lap in laps],
        when: [moment(lap.driven_at if when == "driven" else lap.received_at) for lap in laps],
        "no.": [str(lap.lap_number) for lap in laps],
        "lap time": [format_lap_time(lap.lap_time) for lap in laps],
        "valid": ["yes" if lap.is_valid else "no" for lap in laps],
        "driver": [plain(driver(lap)) for lap in laps],
    }
    if width is None or width >= _WIDE:
        columns["rig"] = [plain(lap.rig_id) for lap in laps]
    tracks, cars = [plain(track(lap)) for lap in laps], [plain(lap.session.car_name) for lap in laps]
    used = sum(_widest(name, texts) + GAP for name, texts in columns.items())
    limits = (
        (None, None) if width is None else _share(_widest("track", tracks), _widest("car", cars), width - used - GAP)
    )
    table = plain_table("")
    for name in columns:
        table.add_column(name, no_wrap=True, justify="right" if name in {"no.", "lap time"} else "left")
    for name, limit in zip(("track", "car"), limits, strict=True):
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=limit)
    for row in zip(*columns.values(), tracks, cars, strict=True):
        table.add_row(*map(shown, row))
    return table


def _widest(name: str, texts: Sequence[str]) -> int:
    return max(map(cell_len, (name, *texts)))


def _share(track: int, car: int, room: int) -> tuple[int, int]:
    """Columns for track and car: what they want, or what is left once the shorter one has what it wants."""
    half = max(room // 2, _LEAST)
    if track + car <= room:
        return track, car
    if track <= half:
        return track, max(room - track, _LEAST)
    if car <= half:
        return max(room - car, _LEAST), car
    return half, half
