"""What a believed report makes of a person. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from newsletter.bounces.reasons import Effect
from newsletter.types import Bounce, Status

MAY_BOUNCE = (Status.PENDING, Status.ACTIVE, Status.PAUSED)  #: who left stays as they left


def status_after(effect: Effect, status: Status, counted: int, limit: int) -> Status | None:
    """Return the new status, if it changes. `counted`: soft bounces that count, this one included."""
    if effect is Effect.COMPLAINS:
        return None if status is Status.COMPLAINED else Status.COMPLAINED
    if effect is Effect.LEAVES:
        return Status.UNSUBSCRIBED if status in MAY_BOUNCE else None
    enough = effect is Effect.BOUNCES or (effect is Effect.COUNTS and counted >= limit)
    return Status.BOUNCED if enough and status in MAY_BOUNCE else None


def counted(new: Bounce, earlier: Sequence[Bounce], within: timedelta) -> int:
    """Count soft bounces within a time, the new one included: one an issue, and one a day where no issue is known.

    `earlier`: latest first. What led to a status before does not count again: the person came back since.
    """
    since: datetime = new.at - within
    fresh = takewhile(lambda bounce: bounce.status is None and bounce.at > since, earlier)
    return len({_occasion(bounce) for bounce in (new, *fresh) if bounce.counts})


def _occasion(bounce: Bounce) -> str:
    return bounce.issue or bounce.at.date().isoformat()
