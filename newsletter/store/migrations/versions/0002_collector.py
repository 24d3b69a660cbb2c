"""Former ids, raw texts, counts over time, sources' health, and what politeness remembers.

Revision: 0002
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TEXTS = ("project_url", "venue", "organisation", "tldr", "title_html", "abstract_html")
LISTS = ("affiliations", "also")


def upgrade() -> None:
    for name in TEXTS:
        op.add_column("entries", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    for name in LISTS:
        op.add_column("entries", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("entries", sa.Column("announced", sa.BigInteger(), nullable=True))
    op.execute("UPDATE entries SET announced = first_seen")
    _shorten_titles()
    op.create_index("ix_entries_announced", "entries", ["announced"], unique=False)
    op.create_table(
        "raws",
        sa.Column("entry", big, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry"),
    )
    op.create_table(
        "former",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("entry", big, nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_former_entry", "former", ["entry"], unique=False)
    op.create_table(
        "snapshots",
        sa.Column("entry", big, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=True),
        sa.Column("comments", sa.Integer(), nullable=True),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["entries.num"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry", "source", "day"),
        sqlite_with_rowid=False,
    )
    op.create_index("snapshots_day", "snapshots", ["day"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fetched", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("modified", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "hosts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("free_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "summaries",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.drop_table("sources")  # what it held is known again after the next collect
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=True),
        sa.Column("dated", sa.BigInteger(), nullable=True),
        sa.Column("news", sa.BigInteger(), nullable=True),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _shorten_titles() -> None:
    """Names made of titles have had a fixed length since then: see collector.identity."""
    connection = op.get_bind()
    for (name,) in connection.execute(sa.text("SELECT name FROM names WHERE name LIKE 'title:%'")).all():
        short = f"title:{hashlib.blake2b(name.encode(), digest_size=9).hexdigest()}"
        connection.execute(sa.text("UPDATE names SET name = :short WHERE name = :name"), {"short": short, "name": name})


def downgrade() -> None:
    op.drop_table("sources")
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
    for name in ("summaries", "hosts", "receipts", "snapshots", "former", "raws"):
        op.drop_table(name)
    op.drop_index("ix_entries_announced", table_name="entries")
    for name in (*TEXTS, *LISTS, "announced"):
        op.drop_column("entries", name)
