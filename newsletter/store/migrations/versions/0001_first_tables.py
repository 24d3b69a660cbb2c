"""The first tables.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("num", big, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("code_url", sa.Text(), nullable=False),
        sa.Column("pdf_url", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=True),
        sa.Column("comments", sa.Integer(), nullable=True),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("num"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_entries_first_seen", "entries", ["first_seen"], unique=False)
    op.create_table(
        "facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "issues",
        sa.Column("num", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cadence", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("masthead", sa.JSON(), nullable=False),
        sa.Column("templates", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("num"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "senders",
        sa.Column("num", sa.Integer(), nullable=False),
        sa.Column("alive_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("num"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=True),
        sa.Column("succeeded", sa.BigInteger(), nullable=True),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "subscribers",
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("cadence", sa.Text(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("hour", sa.Integer(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("subscribers_status", "subscribers", ["status"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("subscriber", big, nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("sender", sa.Integer(), nullable=True),
        sa.Column("begun", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["issue"], ["issues.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issue", "subscriber"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "deliveries_waiting",
        "deliveries",
        ["issue", "due"],
        unique=False,
        sqlite_where=sa.text("outcome <= 2"),
        postgresql_where=sa.text("outcome <= 2"),
    )
    op.create_table(
        "editions",
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("subscriber", big, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("frozen", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["issue"], ["issues.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issue", "subscriber"),
        sa.UniqueConstraint("message_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("entry", big, nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("ix_names_entry", "names", ["entry"], unique=False)
    op.create_table(
        "pool",
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("entry", big, nullable=False),
        sa.Column("frozen", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["issue"], ["issues.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issue", "entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shown",
        sa.Column("subscriber", big, nullable=False),
        sa.Column("entry", big, nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subscriber", "entry"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("shown")
    op.drop_table("pool")
    op.drop_table("names")
    op.drop_table("editions")
    op.drop_table("deliveries")
    op.drop_table("subscribers")
    op.drop_table("sources")
    op.drop_table("senders")
    op.drop_table("issues")
    op.drop_table("facts")
    op.drop_table("entries")
