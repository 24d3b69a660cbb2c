"""What is chosen for one reader, and what nothing was found for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from newsletter.selector.kernel import Chosen, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.profile_arrays import Block, spoken
from newsletter.types import Pick


class Selection(NamedTuple):
    """The picks of one reader."""

    picks: tuple[Pick, ...]
    unanswered: tuple[str, ...] = ()  #: names of their interests that nothing fits which they may still get
    unheard: tuple[str, ...] = ()  #: phrases of these that no paper, old or new, has a word of
    general: bool = False  #: they have no interests, so they get what many like


def selections(
    pool: Pool, block: Block, readers: Readers, chosen: Chosen, picks: Iterable[tuple[Pick, ...]]
) -> list[Selection]:
    """The picks of a block's readers, with what was not found."""
    wishes = np.diff(readers.wish_start)
    found = [Selection(some, general=not number) for some, number in zip(picks, wishes.tolist(), strict=True)]
    dry = np.flatnonzero((chosen.matches == 0) & (readers.weight > 0) & ~readers.unassigned)
    owners = np.searchsorted(readers.wish_start, dry, side="right") - 1
    for wish, owner in zip(dry.tolist(), owners.tolist(), strict=True):
        interest, before = block.interest[wish], found[owner]
        if name := interest.name.strip() or ", ".join(interest.keywords[:2]):
            unheard = _unheard(pool, spoken(interest))
            found[owner] = before._replace(unanswered=(*before.unanswered, name), unheard=(*before.unheard, *unheard))
    return found


def _unheard(pool: Pool, phrases: Sequence[str]) -> tuple[str, ...]:
    return tuple(phrase for phrase in phrases if not pool.typed.knows(phrase))
