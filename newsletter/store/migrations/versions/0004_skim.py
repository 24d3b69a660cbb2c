"""Who wants titles and reasons only.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("skim", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("subscribers", "skim")
