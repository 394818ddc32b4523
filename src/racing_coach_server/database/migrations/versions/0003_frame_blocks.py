"""Frames in blocks, an array a channel, and `telemetry` a view that has them one by one.

Rows that are there stay where they are, in `telemetry_rows`; `racing-coach db convert` makes blocks of them. Until
then `telemetry` has both.

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out rather than derived from the channels: a migration must not change when the code does.
_WHEELS = ("lf", "rf", "lr", "rr")
_TREAD = ("left", "middle", "right")
_CHANNELS = (
    *("timestamp", "session_time", "lap_number"),
    *("lap_distance_pct", "lap_distance", "current_lap_time", "last_lap_time", "best_lap_time", "speed", "rpm", "gear"),
    *("throttle", "brake", "clutch", "steering_angle"),
    *("lateral_acceleration", "longitudinal_acceleration", "vertical_acceleration"),
    *("yaw_rate", "roll_rate", "pitch_rate", "velocity_x", "velocity_y", "velocity_z", "yaw", "pitch", "roll"),
    *("latitude", "longitude", "altitude"),
    *(f"{wheel}_tire_temp_{place}" for wheel in _WHEELS for place in _TREAD),
    *(f"{wheel}_tire_wear_{place}" for wheel in _WHEELS for place in _TREAD),
    *(f"{wheel}_brake_pressure" for wheel in _WHEELS),
    *("track_temp", "air_temp", "track_wetness", "session_flags", "track_surface", "on_pit_road"),
)
_REQUIRED = ("timestamp", "session_time", "lap_number", "lap_distance_pct", "speed", "throttle", "brake")
_NOT_REAL: dict[str, TypeEngine[Any]] = {
    "timestamp": sa.DateTime(timezone=True),
    **dict.fromkeys(("session_time", "latitude", "longitude"), sa.Double()),
    **dict.fromkeys(("gear", "track_wetness", "track_surface"), sa.SmallInteger()),
    "lap_number": sa.Integer(),
    "session_flags": sa.BigInteger(),
    "on_pit_road": sa.Boolean(),
}
_NOT_WRITTEN = (
    """
    create function telemetry_is_not_written() returns trigger language plpgsql as $$ begin
        raise exception 'telemetry is a view over frame_blocks, since a newer version has migrated this database: '
            'install that version' using errcode = 'object_not_in_prerequisite_state';
    end $$
    """,
    """
    create trigger not_written instead of insert on telemetry
        for each row execute function telemetry_is_not_written()
    """,
)
"""A daemon of the version before that still runs waits with its laps, as for any trouble of the database. Without this
it would be told that telemetry is no table, which does not look like trouble that passes, and reject them."""

_READERS = """
    select distinct case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
    from pg_class, aclexplode(relacl) where oid = 'telemetry'::regclass and privilege_type = 'SELECT'
"""
"""Whoever may read `telemetry` may go on."""


def upgrade() -> None:
    _create_frame_blocks()
    _compress()
    op.execute(_view("telemetry_of_blocks"))
    readers = op.get_bind().execute(sa.text(_READERS)).scalars().all()
    # So that no daemon adds a row between the look and what follows from it.
    op.execute("lock table telemetry in access exclusive mode")
    if op.get_bind().execute(sa.text("select exists (select from telemetry)")).scalar_one():
        op.execute("alter table telemetry rename to telemetry_rows")
        # Who deletes a lap deletes its frames, wherever they are. Not checked for what is there, which would take long.
        op.execute(
            "alter table telemetry_rows add constraint fk_telemetry_rows_lap_id_laps"
            " foreign key (lap_id) references laps (id) on delete cascade not valid"
        )
        op.execute(_both())
    else:
        op.drop_table("telemetry")
        op.execute("alter view telemetry_of_blocks rename to telemetry")
    for statement in _NOT_WRITTEN:
        op.execute(statement)
    for reader in readers:
        op.execute(f"grant select on frame_blocks, telemetry to {reader}")


def downgrade() -> None:
    """Rows again, in one table."""
    op.execute("drop trigger not_written on telemetry")
    op.execute("drop function telemetry_is_not_written")
    op.execute("alter view telemetry rename to telemetry_before")
    op.execute("create table telemetry as table telemetry_before")
    op.execute("drop view telemetry_before")
    op.execute("drop view if exists telemetry_of_blocks")
    op.execute("drop table if exists telemetry_rows")
    op.drop_table("frame_blocks")
    required = (*_REQUIRED, "track_session_id", "lap_id", "frame_index")
    op.execute(f"alter table telemetry {', '.join(f'alter column {_quoted(name)} set not null' for name in required)}")
    op.create_index("ix_telemetry_lap_id_frame_index", "telemetry", ["lap_id", "frame_index"])


def _create_frame_blocks() -> None:
    arrays: list[sa.Column[Any]] = [
        sa.Column(name, ARRAY(_NOT_REAL.get(name, REAL())), nullable=name not in _REQUIRED) for name in _CHANNELS
    ]
    op.create_table(
        "frame_blocks",
        sa.Column("lap_id", sa.Uuid(), nullable=False),
        sa.Column("first_frame", sa.Integer(), nullable=False),
        sa.Column("frame_count", sa.Integer(), nullable=False),
        *arrays,
        sa.PrimaryKeyConstraint("lap_id", "first_frame", name="pk_frame_blocks"),
        sa.ForeignKeyConstraint(["lap_id"], ["laps.id"], name="fk_frame_blocks_lap_id_laps", ondelete="CASCADE"),
        sa.CheckConstraint(
            "first_frame % 480 = 0 and frame_count between 1 and 480", name="ck_frame_blocks_whole_blocks"
        ),
        comment="The frames of laps, an array a channel; the view telemetry has them one by one. Written by COPY only.",
    )


def _compress() -> None:
    """With lz4 where this PostgreSQL has it. pglz would take as long as all the rest of a COPY."""
    has_lz4 = sa.text("select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'")
    how = "compression lz4" if op.get_bind().execute(has_lz4).scalar_one() else "storage external"
    op.execute(f"alter table frame_blocks {', '.join(f'alter column {_quoted(name)} set {how}' for name in _CHANNELS)}")


def _view(name: str) -> str:
    """One row a frame.

    An array is taken out of its storage by `|| '{}'`, once a block: `offset 0` keeps the planner from doing it once a
    frame, and it leaves out the arrays of channels that are not asked for.
    """
    arrays = ", ".join(f"block.{_quoted(name)} || '{{}}' as {_quoted(name)}" for name in _CHANNELS)
    frames = ", ".join(f"arrays.{_quoted(name)}[number] as {_quoted(name)}" for name in _CHANNELS)
    return f"""
        create view {name} as
        select {frames}, lap.track_session_id, block.lap_id, block.first_frame + number - 1 as frame_index
        from laps lap
        join frame_blocks block on block.lap_id = lap.id,
        lateral (select block.frame_count, {arrays} offset 0) arrays,
        lateral generate_series(1, arrays.frame_count) number
    """  # noqa: S608 (names of ours)


def _both() -> str:
    """What is in blocks, and the rows of laps that are not yet."""
    columns = ", ".join(map(_quoted, (*_CHANNELS, "track_session_id", "lap_id", "frame_index")))
    return f"""
        create view telemetry as
        select {columns} from telemetry_of_blocks
        union all
        select {columns} from telemetry_rows frame
        where not exists (select from frame_blocks block where block.lap_id = frame.lap_id)
    """  # noqa: S608 (names of ours)


def _quoted(name: str) -> str:
    return f'"{name}"'
