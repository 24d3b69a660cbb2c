"""A moment, an issue, and ready-made entries, profiles and subscribers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from newsletter.types import Cadence, Entry, Interest, Issue, Profile, Status, Subscriber

NOON = datetime(2025, 3, 17, 12, tzinfo=UTC)  #: a Monday
WEEK_12 = Issue(key="2025-W12", cadence=Cadence.WEEKLY, since=NOON - timedelta(days=7), until=NOON)


def make_entry(entry_id: str = "mamba", **changes: object) -> Entry:
    """An entry with a title and an abstract; any field may be given."""
    plain = Entry(
        id=entry_id,
        title=f"On {entry_id.replace('-', ' ')}",
        abstract=f"We study {entry_id.replace('-', ' ')} and find that it is 2.4× faster than before.",
        url=f"https://papers.example.org/{entry_id}",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def make_profile(*keywords: str, **changes: object) -> Profile:
    """A profile with one interest per keyword."""
    interests = tuple(Interest(name=word, keywords=(word,)) for word in keywords)
    return replace(Profile(interests=interests), **changes)  # type: ignore[arg-type]


def make_subscriber(name: str = "Ada", number: int = 1, **changes: object) -> Subscriber:
    """An active subscriber at example.org."""
    plain = Subscriber(
        id=number, email=f"{name.lower()}@example.org", name=name, status=Status.ACTIVE, profile=Profile()
    )
    return replace(plain, **changes)  # type: ignore[arg-type]
