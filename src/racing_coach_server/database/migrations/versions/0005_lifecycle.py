"""Lifecycle: what was erased, and an index by which choices of laps are forgotten.

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


def upgrade() -> None:
    # By a lap that goes, the choices of it.
    op.create_index("ix_chosen_references_lap_id", "chosen_references", ["lap_id"])
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
    op.drop_index("ix_chosen_references_lap_id", "chosen_references")
