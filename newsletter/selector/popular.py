"""What many like, beside anybody's own papers."""

from __future__ import annotations

from collections.abc import Sequence, Set

from newsletter.selector.pool import Pool
from newsletter.selector.readers import hidden
from newsletter.types import RISING, Entry, Pick, Profile

MOST = 3  #: told to a reader
LOOKED_AT = 30  #: candidates, so that who has seen some gets others


def popular(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], picks: Sequence[Sequence[Pick]]
) -> list[tuple[Entry, ...]]:
    """The rising papers that each profile neither gets as a pick nor saw, muted or spoke about; best first.

    A story of which the reader has one paper is not told by another one. Nothing for hype 0, which asks for that.
    """
    rising = [candidate for candidate in pool.popular[:LOOKED_AT].tolist() if pool.trend[candidate] >= RISING]
    found = []
    for profile, gone, own in zip(profiles, seen, picks, strict=True):
        wanted = rising if rising and profile.hype != 0 else []
        found.append(_for_one(pool, wanted, hidden(pool, profile, gone), own) if wanted else ())
    return found


def _for_one(pool: Pool, rising: Sequence[int], gone: Set[int], picks: Sequence[Pick]) -> tuple[Entry, ...]:
    told = {int(pool.story[pool.same[pick.entry.id]]) for pick in picks}
    found: list[Entry] = []
    for candidate in rising:
        story = int(pool.story[candidate])
        if candidate not in gone and story not in told and len(found) < MOST:
            told.add(story)
            found.append(pool.entries[candidate])
    return tuple(found)
