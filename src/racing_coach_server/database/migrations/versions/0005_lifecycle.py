"""Lifecycle: what was erased, and indexes by which laps are forgotten.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIMESTAMP = sa.DateTime(timezone=True)

_COUNTS = ("laps", "frames", "sessions", "analyses", "comparisons", "coaching", "references", "rejected")

_INDEXES = (
    # By a lap that goes, what points to it: else every deleted lap would cost a look at every comparison.
    ("lap_comparisons", "reference_lap_id"),
    ("chosen_references", "lap_id"),
)


def upgrade() -> None:
    for table, column in _INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("began_at", _TIMESTAMP, server_default=sa.func.now(), nullable=False),
        sa.Column("ended_at", _TIMESTAMP),
        *(sa.Column(f"{name}_erased", sa.BigInteger(), server_default="0", nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )


def downgrade() -> None:
    op.drop_table("erasures")
    for table, column in reversed(_INDEXES):
        op.drop_index(f"ix_{table}_{column}", table)
