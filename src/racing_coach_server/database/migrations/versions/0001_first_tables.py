"""First tables: sessions, laps, frames, rejected messages.

Revision ID: 0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, REAL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_track_sessions()
    _create_laps()
    _create_rejected_messages()
    _create_telemetry()


def downgrade() -> None:
    for table in ("telemetry", "rejected_messages", "laps", "track_sessions"):
        op.drop_table(table)


def _create_track_sessions() -> None:
    op.create_table(
        "track_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rig_id", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Text(), nullable=False),
        sa.Column("track_name", sa.Text(), nullable=False),
        sa.Column("car_id", sa.Text(), nullable=False),
        sa.Column("car_name", sa.Text(), nullable=False),
        sa.Column("track_config_name", sa.Text()),
        sa.Column("track_type", sa.Text(), nullable=False),
        sa.Column("car_class_id", sa.Text()),
        sa.Column("series_id", sa.Text()),
        sa.Column("session_type", sa.Text()),
        sa.Column("timestamp", _TIMESTAMP),
        sa.Column("created_at", _TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_track_sessions"),
    )
    op.create_index("ix_track_sessions_created_at", "track_sessions", ["created_at"])


def _create_laps() -> None:
    op.create_table(
        "laps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("track_session_id", sa.Uuid(), nullable=False),
        sa.Column("rig_id", sa.Text(), nullable=False),
        sa.Column("lap_number", sa.Integer(), nullable=False),
        sa.Column("lap_time", sa.Double()),
        sa.Column("is_valid", sa.Boolean(), nullable=False),
        sa.Column("frame_count", sa.Integer(), nullable=False),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("received_at", _TIMESTAMP, nullable=False),
        sa.Column("created_at", _TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_laps"),
        sa.ForeignKeyConstraint(
            ["track_session_id"], ["track_sessions.id"], name="fk_laps_track_session_id_track_sessions"
        ),
        sa.UniqueConstraint("track_session_id", "lap_number", name="uq_laps_track_session_id_lap_number"),
    )
    op.create_index("ix_laps_received_at", "laps", ["received_at"])


def _create_rejected_messages() -> None:
    op.create_table(
        "rejected_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("errors", JSONB(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text()),
        sa.Column("traceback", sa.Text()),
        sa.Column("received_at", _TIMESTAMP, nullable=False),
        sa.Column("last_received_at", _TIMESTAMP, nullable=False),
        sa.Column("times_received", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rejected_messages"),
        sa.UniqueConstraint("topic", "payload_sha256", name="uq_rejected_messages_topic_payload_sha256"),
    )
    op.create_index("ix_rejected_messages_received_at", "rejected_messages", ["received_at"])


_REQUIRED_REALS = ("lap_distance_pct", "speed", "throttle", "brake")


def _real(name: str) -> sa.Column[float]:
    return sa.Column(name, REAL(), nullable=name not in _REQUIRED_REALS)


def _create_telemetry() -> None:
    # Written out rather than derived from the channels: a migration must not change when the code does.
    wheels = ("lf", "rf", "lr", "rr")
    tread = ("left", "middle", "right")
    columns: list[sa.Column[Any]] = [
        sa.Column("timestamp", _TIMESTAMP, nullable=False),
        sa.Column("session_time", sa.Double(), nullable=False),
        sa.Column("lap_number", sa.Integer(), nullable=False),
        *map(
            _real,
            (
                "lap_distance_pct",
                "lap_distance",
                "current_lap_time",
                "last_lap_time",
                "best_lap_time",
                "speed",
                "rpm",
            ),
        ),
        sa.Column("gear", sa.SmallInteger()),
        *map(
            _real,
            (
                *("throttle", "brake", "clutch", "steering_angle"),
                *("lateral_acceleration", "longitudinal_acceleration", "vertical_acceleration"),
                *("yaw_rate", "roll_rate", "pitch_rate"),
                *("velocity_x", "velocity_y", "velocity_z"),
                *("yaw", "pitch", "roll"),
            ),
        ),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        _real("altitude"),
        *(_real(f"{w}_tire_temp_{p}") for w in wheels for p in tread),
        *(_real(f"{w}_tire_wear_{p}") for w in wheels for p in tread),
        *(_real(f"{w}_brake_pressure") for w in wheels),
        _real("track_temp"),
        _real("air_temp"),
        sa.Column("track_wetness", sa.SmallInteger()),
        sa.Column("session_flags", sa.BigInteger()),
        sa.Column("track_surface", sa.SmallInteger()),
        sa.Column("on_pit_road", sa.Boolean()),
        sa.Column("track_session_id", sa.Uuid(), nullable=False),
        sa.Column("lap_id", sa.Uuid(), nullable=False),
        sa.Column("frame_index", sa.Integer(), nullable=False),
    ]
    op.create_table(
        "telemetry",
        *columns,
        comment="One row a frame. Its columns are those of racing_coach_core.channels; written by COPY only.",
    )
    op.create_index("ix_telemetry_lap_id_frame_index", "telemetry", ["lap_id", "frame_index"])
