"""Coaching: drivers, track maps, analyses, references, comparisons, and what the coach said.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Both may be null, so that adding them rewrites nothing.
    op.add_column("track_sessions", sa.Column("driver_id", sa.Text()))
    op.add_column("track_sessions", sa.Column("driver_name", sa.Text()))
    # Followers ask again and again for what is new.
    op.create_index("ix_laps_created_at", "laps", ["created_at"])
    _create_track_maps()
    _create_lap_analyses()
    _create_comparisons()
    _create_coaching()


def downgrade() -> None:
    for table in ("coaching", "lap_comparisons", "chosen_references", "lap_analyses", "track_maps"):
        op.drop_table(table)
    op.drop_index("ix_laps_created_at", "laps")
    op.drop_column("track_sessions", "driver_name")
    op.drop_column("track_sessions", "driver_id")


def _created_at(name: str = "created_at") -> sa.Column[Any]:
    return sa.Column(name, _TIMESTAMP, server_default=sa.func.now(), nullable=False)


def _lap_key(table: str, column: str = "lap_id", ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["laps.id"], name=f"fk_{table}_{column}_laps", ondelete=ondelete)


def _create_track_maps() -> None:
    op.create_table(
        "track_maps",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("track_id", sa.Text(), nullable=False),
        sa.Column("track_config_name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("corners", JSONB(), nullable=False),
        sa.Column("length_m", sa.Double()),
        sa.Column("laps_used", sa.Integer(), nullable=False),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name="pk_track_maps"),
        sa.UniqueConstraint(
            "track_id", "track_config_name", "revision", name="uq_track_maps_track_id_track_config_name_revision"
        ),
    )


def _create_lap_analyses() -> None:
    op.create_table(
        "lap_analyses",
        sa.Column("lap_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Text(), nullable=False),
        sa.Column("track_config_name", sa.Text(), nullable=False),
        sa.Column("car_id", sa.Text(), nullable=False),
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("driven_at", _TIMESTAMP, nullable=False),
        sa.Column("lap_time", sa.Double()),
        sa.Column("is_reference", sa.Boolean(), nullable=False),
        sa.Column("is_wet", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("track_map_id", sa.BigInteger()),
        sa.Column("analysis", JSONB()),
        sa.Column("remembered", JSONB()),
        _created_at(),
        sa.PrimaryKeyConstraint("lap_id", name="pk_lap_analyses"),
        _lap_key("lap_analyses"),
        sa.ForeignKeyConstraint(["track_map_id"], ["track_maps.id"], name="fk_lap_analyses_track_map_id_track_maps"),
    )
    where = ["track_id", "track_config_name", "car_id"]
    good = sa.text("is_reference")
    op.create_index("ix_lap_analyses_best", "lap_analyses", [*where, "is_wet", "lap_time"], postgresql_where=good)
    op.create_index(
        "ix_lap_analyses_own_best", "lap_analyses", ["driver", *where, "is_wet", "lap_time"], postgresql_where=good
    )
    op.create_index("ix_lap_analyses_driver", "lap_analyses", ["driver", *where, "driven_at"])
    op.create_index("ix_lap_analyses_created_at", "lap_analyses", ["created_at"])
    op.create_index(
        "ix_lap_analyses_again",
        "lap_analyses",
        ["track_id", "track_config_name"],
        postgresql_where=sa.text("status = 'failed' or (status = 'done' and track_map_id is null)"),
    )


def _create_comparisons() -> None:
    op.create_table(
        "chosen_references",
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Text(), nullable=False),
        sa.Column("track_config_name", sa.Text(), nullable=False),
        sa.Column("car_id", sa.Text(), nullable=False),
        sa.Column("lap_id", sa.Uuid(), nullable=False),
        _created_at("chosen_at"),
        sa.PrimaryKeyConstraint("driver", "track_id", "track_config_name", "car_id", name="pk_chosen_references"),
        _lap_key("chosen_references"),
    )
    op.create_table(
        "lap_comparisons",
        sa.Column("lap_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("analysed_at", _TIMESTAMP),
        sa.Column("reference_lap_id", sa.Uuid()),
        sa.Column("rule", sa.Text()),
        sa.Column("delta_s", sa.Double()),
        sa.Column("detail", sa.Text()),
        sa.Column("comparison", JSONB()),
        _created_at(),
        sa.PrimaryKeyConstraint("lap_id", name="pk_lap_comparisons"),
        _lap_key("lap_comparisons"),
        _lap_key("lap_comparisons", "reference_lap_id", "SET NULL"),
    )
    op.create_index("ix_lap_comparisons_created_at", "lap_comparisons", ["created_at"])


def _create_coaching() -> None:
    op.create_table(
        "coaching",
        sa.Column("lap_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rig_id", sa.Text(), nullable=False),
        sa.Column("compared_at", _TIMESTAMP),
        sa.Column("message", JSONB()),
        sa.Column("detail", sa.Text()),
        sa.Column("published_at", _TIMESTAMP),
        _created_at(),
        sa.PrimaryKeyConstraint("lap_id", name="pk_coaching"),
        _lap_key("coaching"),
    )
    op.create_index("ix_coaching_rig_id_created_at", "coaching", ["rig_id", "created_at"])
