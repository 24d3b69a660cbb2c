"""Issues and domains that are paused.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("issues", sa.Column("paused", sa.Text(), nullable=False, server_default=""))
    op.add_column("issues", sa.Column("excused", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "pauses",
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["issue"], ["issues.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issue", "domain"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("pauses")
    op.drop_column("issues", "excused")
    op.drop_column("issues", "paused")
