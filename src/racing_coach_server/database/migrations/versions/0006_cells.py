"""Cells: by which a lap came, and where followers of several database nodes take their locks.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SLOTS = 64


def upgrade() -> None:
    # It may be null, so that adding it rewrites nothing, and a daemon of the version before goes on.
    op.add_column("laps", sa.Column("cell", sa.Text()))
    slots = op.create_table(
        "lock_slots",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="pk_lock_slots"),
    )
    op.bulk_insert(slots, [{"slot": slot} for slot in range(_SLOTS)])


def downgrade() -> None:
    op.drop_table("lock_slots")
    op.drop_column("laps", "cell")
