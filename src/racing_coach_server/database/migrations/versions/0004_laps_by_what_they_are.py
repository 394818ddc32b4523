"""Laps by what they are: track, car, driver and when it was driven stand in the lap's own row, with indexes;
and the records of laps that were deleted, of sessions that were relabelled, and of
backups.

Revision ID: 0004
Revises: 0003
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIMESTAMP = sa.DateTime(timezone=True)
_TEXTS: Final = ("track_id", "track_config_name", "car_id", "driver")

_TRACK_REST: Final = ("track_config_name", "car_id")
_INDEXES: Final = {
    "ix_laps_received": ("received_at", "id"),
    "ix_laps_time": ("lap_time", "id"),
    "ix_laps_driven": ("driven_at", "id"),
    "ix_laps_track_received": ("track_id", "received_at", "id", *_TRACK_REST),
    "ix_laps_track_time": ("track_id", "lap_time", "id", *_TRACK_REST),
    "ix_laps_track_driven": ("track_id", "driven_at", "id", *_TRACK_REST),
    "ix_laps_car_received": ("car_id", "received_at", "id"),
    "ix_laps_car_time": ("car_id", "lap_time", "id"),
    "ix_laps_car_driven": ("car_id", "driven_at", "id"),
    "ix_laps_driver_received": ("driver", "received_at", "id"),
    "ix_laps_driver_time": ("driver", "lap_time", "id", "track_id", "car_id"),
    "ix_laps_driver_driven": ("driver", "driven_at", "id"),
    "ix_laps_rig_received": ("rig_id", "received_at", "id"),
    "ix_laps_rig_time": ("rig_id", "lap_time", "id"),
    "ix_laps_rig_driven": ("rig_id", "driven_at", "id"),
    "ix_laps_best": ("track_id", "track_config_name", "car_id", "driver", "lap_time", "id", "is_valid"),
}

_FILL: Final = """
update laps set
    track_id = s.track_id,
    track_config_name = coalesce(s.track_config_name, ''),
    car_id = s.car_id,
    driver = coalesce(s.driver_id, laps.rig_id),
    driven_at = coalesce(
        (select a.driven_at from lap_analyses a where a.lap_id = laps.id),
        (select case when f.timestamp > '1971-01-01 00:00:00+00' then f.timestamp end
            from {frames} f where f.lap_id = laps.id order by f.frame_index desc limit 1),
        laps.received_at
    )
from track_sessions s where s.id = laps.track_session_id
"""
"""An analysis has looked up already when its lap was driven; else the last frame tells, unless its clock is none."""

_NOT_SAID: Final = (
    """
    create function lap_of_an_older_version() returns text language plpgsql as $$ begin
        raise exception 'laps say what they are of, since a newer version has migrated this database: '
            'install that version' using errcode = 'object_not_in_prerequisite_state';
    end $$
    """,
    "alter table laps alter column track_id set default lap_of_an_older_version()",
)
"""A daemon of the version before that still runs waits with its laps, as for any trouble of the database. Without this
it would be told that a value is missing, which looks like a fault of the lap's, and reject them. (A trigger would be
asked for every lap, and Citus takes none.)"""


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("laps", sa.Column(name, sa.Text()))
    op.add_column("laps", sa.Column("driven_at", _TIMESTAMP))
    # Rows that are not in blocks yet have an index that finds the last one.
    rows = op.get_bind().execute(sa.text("select to_regclass('telemetry_rows')")).scalar()
    op.execute(_FILL.format(frames="telemetry" if rows is None else "telemetry_rows"))
    for name in (*_TEXTS, "driven_at"):
        op.alter_column("laps", name, nullable=False)
    for statement in _NOT_SAID:
        op.execute(statement)
    op.drop_index("ix_laps_received_at", "laps")
    for name, columns in _INDEXES.items():
        op.create_index(name, "laps", list(columns))
    _create_deleted_laps()
    _create_session_relabels()
    _create_backups()
    op.create_index("ix_lap_comparisons_reference_lap_id", "lap_comparisons", ["reference_lap_id"])


def _create_backups() -> None:
    op.create_table(
        "backups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("taken_at", _TIMESTAMP, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("laps", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_backups"),
    )


def _create_deleted_laps() -> None:
    op.create_table(
        "deleted_laps",
        sa.Column("lap_id", sa.Uuid(), nullable=False),
        sa.Column("track_session_id", sa.Uuid(), nullable=False),
        sa.Column("rig_id", sa.Text(), nullable=False),
        sa.Column("lap_number", sa.Integer(), nullable=False),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", _TIMESTAMP, nullable=False),
        sa.Column("about", JSONB(), nullable=False),
        sa.Column("deleted_at", _TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("lap_id", name="pk_deleted_laps"),
    )
    op.create_index("ix_deleted_laps_track_session_id_lap_number", "deleted_laps", ["track_session_id", "lap_number"])
    op.create_index("ix_deleted_laps_deleted_at", "deleted_laps", ["deleted_at"])


def _create_session_relabels() -> None:
    op.create_table(
        "session_relabels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("track_session_id", sa.Uuid(), nullable=False),
        sa.Column("laps", sa.Integer(), nullable=False),
        sa.Column("before", JSONB(), nullable=False),
        sa.Column("after", JSONB(), nullable=False),
        sa.Column("relabelled_at", _TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session_relabels"),
    )
    op.create_index("ix_session_relabels_track_session_id", "session_relabels", ["track_session_id"])


def downgrade() -> None:
    op.drop_index("ix_lap_comparisons_reference_lap_id", "lap_comparisons")
    for table in ("backups", "session_relabels", "deleted_laps"):
        op.drop_table(table)
    for name in _INDEXES:
        op.drop_index(name, "laps")
    op.create_index("ix_laps_received_at", "laps", ["received_at"])
    for name in (*_TEXTS, "driven_at"):
        op.drop_column("laps", name)
    op.execute("drop function if exists lap_of_an_older_version")  # which a database of an earlier build has not
