"""The epoch of a subscriber's links, and how many confirmation mails nobody answered.

Revision: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("asks", "epoch"):
        op.add_column("subscribers", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    people = sa.table("subscribers", *map(sa.column, ("status", "asked", "asks", "epoch")))
    left = people.c.status.in_(("unsubscribed", "complained"))
    op.execute(sa.update(people).where(left).values(epoch=1))  # as if they left today: old links bring nobody back
    waiting = sa.and_(people.c.status == "pending", people.c.asked.is_not(None))
    op.execute(sa.update(people).where(waiting).values(asks=1))  # their confirmation links stay good


def downgrade() -> None:
    for name in ("epoch", "asks"):
        op.drop_column("subscribers", name)
