"""The date of an issue: that of its weekday, the day, or the first of the month.

Revision: 0007
"""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("issues", sa.Column("date", sa.Text(), nullable=False, server_default=""))
    table = sa.table("issues", *map(sa.column, ("num", "until", "masthead", "date")))
    connection = op.get_bind()
    for num, until, masthead in connection.execute(sa.select(table.c.num, table.c.until, table.c.masthead)).all():
        day = datetime.fromtimestamp(until, UTC).astimezone(_zone(masthead)).date()
        connection.execute(sa.update(table).where(table.c.num == num).values(date=day.isoformat()))


def downgrade() -> None:
    op.drop_column("issues", "date")


def _zone(masthead: object) -> ZoneInfo:
    """The zone that the issue was dated in, as its masthead says; older mastheads say none."""
    kept = json.loads(masthead) if isinstance(masthead, str) else masthead
    try:
        return ZoneInfo(kept["timezone"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")
