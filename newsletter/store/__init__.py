"""The store: entries, subscribers, issues, editions and the ledger, on SQLite or PostgreSQL.

Synchronous; async doors call it in a thread. Only this package knows SQLAlchemy.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from newsletter.store.bounces import BounceHistory, Bounces
from newsletter.store.changes import Changes
from newsletter.store.database import Database, batched
from newsletter.store.domains import Domains
from newsletter.store.editions import Addressed, Editions, Kept
from newsletter.store.entries import UNSENT, Entries, day_of
from newsletter.store.issues import Frozen, Issues, Plan, PlanOutdated, ready
from newsletter.store.ledger import Claim, Later, Ledger
from newsletter.store.pool_limit import left_out
from newsletter.store.schema import facts
from newsletter.store.sightings import Named, Sightings
from newsletter.store.sources import Sources
from newsletter.store.subscribers import SignUp, Subscribers
from newsletter.store.upsert import file_of
from newsletter.store.vectors import Vectors
from newsletter.store.votes import Votes
from newsletter.store.waiting import Ahead, Waiting
from newsletter.tokens import new_secret

__all__ = [
    "UNSENT",
    "Addressed",
    "Ahead",
    "BounceHistory",
    "Claim",
    "Frozen",
    "Issues",
    "Kept",
    "Later",
    "Named",
    "Plan",
    "PlanOutdated",
    "SignUp",
    "Store",
    "batched",
    "day_of",
    "file_of",
    "left_out",
    "ready",
]


class Store:
    """One database, a part per subject. `check` must come before any other use."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.sources = Sources(self.database)
        self.sightings = Sightings(self.database)
        self.entries = Entries(self.database)
        self.subscribers = Subscribers(self.database)
        self.votes = Votes(self.database)
        self.issues = Issues(self.database)
        self.editions = Editions(self.database)
        self.ledger = Ledger(self.database)
        self.waiting = Waiting(self.database)
        self.bounces = Bounces(self.database)
        self.domains = Domains(self.database)
        self.vectors = Vectors(self.database)
        self.changes = Changes(self.database)

    def check(self) -> None:
        """Set up an empty SQLite file; raises MigrationNeeded or another StoreError."""
        self.database.check()

    def secret(self) -> str:
        """This installation's own secret, for who configured none; made once."""
        return self._remembered("secret", new_secret())

    def installed(self, now: datetime) -> datetime:
        """When this store was first used: no issue is owed for the time before. Never after `now`."""
        return min(now, datetime.fromisoformat(self._remembered("installed", now.isoformat())))

    def noted(self, name: str) -> str:
        """The last note of this name; "" for none."""
        with self.database.read() as connection:
            note = connection.execute(select(facts.c.value).where(facts.c.name == f"note: {name}")).scalar_one_or_none()
        return note or ""

    def note(self, name: str, text: str) -> None:
        """Keep one line until the next one; writes nothing where it says the same."""
        if text != self.noted(name):
            self.database.put(facts, [{"name": f"note: {name}", "value": text}])

    def changed_at(self) -> int:
        """When an SQLite file last changed, in nanoseconds; 0 for another database, which does not say."""
        file = file_of(self.database.url)
        return max(_modified(file), _modified(file.with_name(f"{file.name}-wal"))) if file else 0

    def close(self) -> None:
        self.database.close()

    def _remembered(self, name: str, value: str) -> str:
        query = select(facts.c.value).where(facts.c.name == name)
        with self.database.read() as connection:
            known = connection.execute(query).scalar_one_or_none()
        if known is not None:
            return str(known)
        with self.database.write() as connection:
            known = connection.execute(query).scalar_one_or_none()
            if known is None:
                connection.execute(insert(facts).values(name=name, value=value))
            return str(known or value)


def _modified(file: Path) -> int:
    """0 for a missing file: a write-ahead log comes and goes."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
