"""The tables. Times are whole seconds since 1970 (UTC); outcomes in the ledger are small integers.

entries ──< names (one paper, many names)          subscribers ──< shown >── entries (never repeat)
entries ──< former (ids it had before two were joined) ── raws (as the source wrote) ──< snapshots (counts over time)
sources, receipts (what was fetched when), hosts (whose turn it is), summaries (by content)
subscribers ──< votes >── entries (feedback)       vectors (what an embedder made of a text)
issues ──< pool (entries frozen for it)            issues ──< deliveries (the ledger) ── editions (as rendered)
subscribers ──< bounces (believed reports)
issues ──< pauses (domains that wait)              senders (who is alive)
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    literal_column,
    type_coerce,
)
from sqlalchemy import BigInteger as PlainBigInteger

from newsletter.types import Outcome

REVISION = "0008"  #: the newest migration; a test compares it with the folder

WAITING = (Outcome.PLANNED, Outcome.DEFERRED, Outcome.SENDING)
_OUTCOMES = (
    Outcome.PLANNED,
    Outcome.DEFERRED,
    Outcome.SENDING,
    Outcome.ACCEPTED,
    Outcome.REFUSED,
    Outcome.UNCERTAIN,
    Outcome.SKIPPED,
    Outcome.EXPIRED,
)  #: the place in this tuple is what the database holds; the first three are waiting

BigInteger = PlainBigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole seconds."""

    impl = PlainBigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromtimestamp(value, UTC)


class OutcomeCode(TypeDecorator[Outcome]):
    """An Outcome, kept as its place in a fixed order."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Outcome | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else _OUTCOMES.index(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Outcome | None:  # noqa: ARG002
        return None if value is None else _OUTCOMES[value]


metadata = MetaData()

facts = Table(  # what this installation remembers of itself: its secret, the day it began
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("checked", Moment, nullable=False),
    Column("succeeded", Moment),
    Column("dated", Moment),  # of the newest thing in it
    Column("news", Moment),  # when it last brought an entry that nobody else had brought
    Column("found", Integer, nullable=False, default=0),
    Column("added", Integer, nullable=False, default=0),
    Column("detail", Text, nullable=False, default=""),
)

receipts = Table(  # one per request: for conditional requests, and so that nobody asks more often than is polite
    "receipts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fetched", Moment, nullable=False),
    Column("etag", Text, nullable=False, default=""),
    Column("modified", Text, nullable=False, default=""),
    Column("digest", Text, nullable=False, default=""),
)

hosts = Table(
    "hosts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("free_at", Double, nullable=False),  # seconds since 1970
)

summaries = Table(
    "summaries",
    metadata,
    Column("key", Text, primary_key=True),  # made of model, language and content
    Column("text", Text, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("num", BigInteger, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("abstract", Text, nullable=False, default=""),
    Column("url", Text, nullable=False, default=""),
    Column("authors", JSON, nullable=False),
    Column("published", Moment),
    Column("source", Text, nullable=False, default=""),
    Column("topics", JSON, nullable=False),
    Column("code_url", Text, nullable=False, default=""),
    Column("pdf_url", Text, nullable=False, default=""),
    Column("image_url", Text, nullable=False, default=""),
    Column("votes", Integer),
    Column("comments", Integer),
    Column("stars", Integer),
    Column("project_url", Text, nullable=False, default=""),
    Column("venue", Text, nullable=False, default=""),
    Column("organisation", Text, nullable=False, default=""),
    Column("affiliations", JSON, nullable=False),
    Column("tldr", Text, nullable=False, default=""),
    Column("also", JSON, nullable=False),
    Column("title_html", Text, nullable=False, default=""),
    Column("abstract_html", Text, nullable=False, default=""),
    Column("first_seen", Moment, nullable=False, index=True),
    Column("announced", Moment, index=True),  # news here since; never: a replacement, a library's; 0: withdrawn
)

raws = Table(  # where the readable text is not what the source wrote
    "raws",
    metadata,
    Column("entry", ForeignKey("entries.num", ondelete="CASCADE"), primary_key=True),
    Column("title", Text, nullable=False),
    Column("abstract", Text, nullable=False),
)

former = Table(
    "former",
    metadata,
    Column("id", Text, primary_key=True),
    Column("entry", ForeignKey("entries.num", ondelete="CASCADE"), nullable=False, index=True),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("entry", ForeignKey("entries.num", ondelete="CASCADE"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("day", Integer, primary_key=True),  # days since 1970
    Column("votes", Integer),
    Column("comments", Integer),
    Column("stars", Integer),
    Index("snapshots_day", "day"),
    sqlite_with_rowid=False,
)

names = Table(
    "names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("entry", ForeignKey("entries.num", ondelete="CASCADE"), nullable=False, index=True),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, default=""),
    Column("status", Text, nullable=False),
    Column("profile", JSON, nullable=False),
    Column("cadence", Text),
    Column("weekday", Integer),
    Column("hour", Integer),
    Column("timezone", Text),
    Column("language", Text),
    Column("skim", Boolean),  # titles and reasons only
    Column("origin", Text, nullable=False, default=""),  # "web", "import", "command line": the consent record
    Column("created", Moment, nullable=False),
    Column("confirmed", Moment),
    Column("asked", Moment),  # when the last confirmation mail went out
    Column("asks", Integer, nullable=False, default=0),  # confirmation mails since the last time somebody confirmed
    Column("epoch", Integer, nullable=False, default=0),  # links of an older one are revoked
    Index("subscribers_status", "status"),
    sqlite_autoincrement=True,  # a number in an old link never becomes somebody else's
)

issues = Table(
    "issues",
    metadata,
    Column("num", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("cadence", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("date", Text, nullable=False, default=""),  # ISO 8601; the day that it is an issue of
    Column("state", Text, nullable=False),
    Column("planned", Moment, nullable=False),
    Column("masthead", JSON, nullable=False),
    Column("templates", JSON, nullable=False),
    Column("missing", JSON, nullable=False),
    Column("paused", Text, nullable=False, default=""),  # why the schedule does not send it
    Column("excused", Integer, nullable=False, default=0),  # complaints when it was resumed
)

pauses = Table(  # domains that want nothing of an issue for a while
    "pauses",
    metadata,
    Column("issue", ForeignKey("issues.num", ondelete="CASCADE"), primary_key=True),
    Column("domain", Text, primary_key=True),
    Column("until", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)

pool = Table(
    "pool",
    metadata,
    Column("issue", ForeignKey("issues.num", ondelete="CASCADE"), primary_key=True),
    Column("entry", BigInteger, primary_key=True),
    Column("frozen", JSON, nullable=False),
    sqlite_with_rowid=False,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("issue", ForeignKey("issues.num", ondelete="CASCADE"), primary_key=True),
    Column("subscriber", BigInteger, primary_key=True),
    Column("outcome", OutcomeCode, nullable=False),
    Column("due", Moment, nullable=False),  # of an accepted one: when it was
    Column("expires", Moment, nullable=False),
    Column("attempts", SmallInteger, nullable=False, default=0),
    Column("sender", Integer),  # who claimed it; of one that waits: who sent it away, to come back to it
    Column("begun", SmallInteger, nullable=False, default=0),  # 1: in doubt until settled
    Column("code", SmallInteger, nullable=False, default=0),
    Column("detail", Text, nullable=False, default=""),
    sqlite_with_rowid=False,
)
#: True of planned, deferred and sending rows. A statement must hold this very expression to use the index below.
is_waiting = type_coerce(deliveries.c.outcome, SmallInteger) <= literal_column("2")
Index(
    "deliveries_waiting",
    deliveries.c.issue,
    deliveries.c.due,
    sqlite_where=is_waiting,
    postgresql_where=is_waiting,
)

editions = Table(
    "editions",
    metadata,
    Column("issue", ForeignKey("issues.num", ondelete="CASCADE"), primary_key=True),
    Column("subscriber", BigInteger, primary_key=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("made", Moment, nullable=False),
    Column("frozen", JSON, nullable=False),  # address, name and picks: enough to render the same bytes again
    sqlite_with_rowid=False,
)

shown = Table(
    "shown",
    metadata,
    Column("subscriber", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("entry", BigInteger, primary_key=True),
    Column("issue", Integer, nullable=False),
    sqlite_with_rowid=False,
)

votes = Table(  # what subscribers said of single papers; taking one back deletes the row
    "votes",
    metadata,
    Column("subscriber", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("entry", BigInteger, primary_key=True),
    Column("verb", Text, nullable=False),
    Column("at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

vectors = Table(  # what an embedder made of a text; another model or text makes another row
    "vectors",
    metadata,
    Column("model", Text, primary_key=True),
    Column("digest", Text, primary_key=True),  # of the text
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
)

bounces = Table(  # what came back and was believed; the ledger keeps its "accepted" beside it
    "bounces",
    metadata,
    Column("report", Text, primary_key=True),  # a digest: the same report counts once
    Column("subscriber", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("issue", Text, nullable=False, default=""),  # its key, "" where the report does not tell
    Column("reason", Text, nullable=False),
    Column("hard", Boolean, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("at", Moment, nullable=False),
    Column("status", Text),  # what it made of the person
    Index("bounces_subscriber", "subscriber", "at"),
)

senders = Table(
    "senders",
    metadata,
    Column("num", Integer, primary_key=True),
    Column("alive_until", Moment, nullable=False),
    sqlite_autoincrement=True,
)
