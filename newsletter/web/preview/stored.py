"""What the preview site reads from the store. It writes nothing."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from newsletter.engine import Engine
from newsletter.types import Issue, Profile, Status, Subscriber

EVERY_ISSUE = 1_000_000  #: more issues than there can be


def subscribers(engine: Engine, most: int) -> list[Subscriber]:
    """Read the first subscribers of any status."""
    return list(islice(engine.store.subscribers.listed(), most))


def issues(engine: Engine, most: int) -> list[Issue]:
    """Read the latest issues, newest first."""
    return engine.store.issues.listed()[:most]


def subscriber_with(engine: Engine, address: str) -> Subscriber:
    """Read one subscriber by address; raises UnknownSubscriber."""
    return engine.store.subscribers.find(address)


def first_active(engine: Engine) -> Subscriber | None:
    """Read the first active subscriber; None where there is none."""
    return next(engine.store.subscribers.listed(Status.ACTIVE), None)


def profile_of(engine: Engine, number: int) -> Profile:
    """Read the stored profile of a subscriber; raises UnknownSubscriber."""
    return engine.store.subscribers.get(number).profile


def issues_that_showed(engine: Engine, number: int, pool: Collection[str], but: str) -> dict[str, str]:
    """Read entry id of `pool` → key of the latest issue, other than `but`, that showed the entry to this subscriber."""
    showings = engine.store.votes.shown([number], EVERY_ISSUE).get(number, ())
    keys = {showing.entry: showing.issue for showing in showings if showing.issue != but}
    present = engine.store.entries.present(pool)
    today = {name: present.get(name, name) for name in pool}
    return {name: keys[current] for name, current in today.items() if current in keys}
