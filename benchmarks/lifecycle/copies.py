"""Laps by the thousand: copies, made inside the database, of laps that rigs drove and the coach spoke of."""

from datetime import datetime
from typing import Final

import asyncpg

from racing_coach_server.tables import metadata

_LAPS_OF_A_SESSION: Final = 25
_TIMEOUT_S: Final = 1800

# Every lap has an id of its own, in sessions as long as a stint; the originals take turns.
_COPIES: Final = f"""
create temporary table copies on commit drop as
    with stints as materialized (
        select stint, gen_random_uuid() as id from generate_series(0, $1::int / {_LAPS_OF_A_SESSION}) stint
    ), originals as (
        select l.id, l.track_session_id, row_number() over (order by l.id) - 1 as turn, count(*) over () as number
        from laps l join coaching c on c.lap_id = l.id where c.status = 'done' and l.driver <> $2
    )
    select gen_random_uuid() as lap_id, o.id as original, o.track_session_id as original_session,
        s.id as session_id, n % {_LAPS_OF_A_SESSION} as lap_number, $2::text as owner, $3::timestamptz as received_at
    from generate_series(0, $1::int - 1) n
        join stints s on s.stint = n / {_LAPS_OF_A_SESSION}
        join originals o on o.turn = n % o.number
"""
_OWNED: Final = {"driver": "copies.owner", "rig_id": "copies.owner", "lap_id": "copies.lap_id"}
"""What is the copy's own in each table that has it; all else is the original's."""
_SESSION: Final = {"id": "copies.session_id", "driver_id": "copies.owner", "rig_id": "copies.owner"}
_LAP: Final = {
    **_OWNED,
    "id": "copies.lap_id",
    "track_session_id": "copies.session_id",
    "lap_number": "copies.lap_number",
    "received_at": "copies.received_at",
}
_MADE: Final = ("frame_blocks", "lap_analyses", "lap_comparisons", "coaching")


async def copy_laps(connection: asyncpg.Connection, driver: str, laps: int, received_at: datetime) -> None:
    """Give a driver, on a rig of the same name, so many laps with all that was made of them.

    Args:
        connection: to a database with laps of others of which the coach spoke: the originals.
        driver: who has none yet.
        laps: how many.
        received_at: when they came.
    """
    async with connection.transaction():
        await connection.execute("set local synchronous_commit = off")  # preparation, and not what is measured
        await connection.execute(
            _COPIES.replace("$1", str(laps)).replace("$2", _text(driver)).replace("$3", _text(str(received_at)))
        )
        first = "(select distinct on (session_id) * from copies)"
        await connection.execute(_copied("track_sessions", _SESSION, first, "original.id = copies.original_session"))
        await connection.execute(_copied("laps", _LAP, "copies", "original.id = copies.original"), timeout=_TIMEOUT_S)
        for table in _MADE:
            statement = _copied(table, _OWNED, "copies", "original.lap_id = copies.original")
            await connection.execute(statement, timeout=_TIMEOUT_S)
    await connection.execute("vacuum analyze", timeout=_TIMEOUT_S)


def _copied(table: str, own: dict[str, str], copies: str, which: str) -> str:
    """A statement that copies rows of a table."""
    columns = [column.name for column in metadata.tables[table].columns]
    values = [own.get(name, f'original."{name}"') for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    rows = f"select {', '.join(values)} from {copies} copies join {table} original on {which}"
    return f"insert into {table} ({names}) {rows}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
