"""Believed reports on mails that did not arrive, or were not wanted.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bounces",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("subscriber", big, nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("report", "subscriber"),
    )
    op.create_index("bounces_subscriber", "bounces", ["subscriber", "at"])


def downgrade() -> None:
    op.drop_table("bounces")
