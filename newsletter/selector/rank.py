"""Rank the pool for a block of readers. Pure: a pool and profiles in, picks out.

    profiles ─ wishes ─▶ likeness (wishes × candidates) ─ trend ─▶ scores ─▶ rankings ─ merge ─▶ picks ─▶ reasons
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.selector.features import Floats
from newsletter.selector.merge import merge
from newsletter.selector.pool import Pool
from newsletter.selector.profile import Wishes, gather, written_by
from newsletter.selector.reasons import Chosen, Way, explain
from newsletter.types import Pick, Profile

SIZE, HYPE, SURPRISE = 10, 0.2, 0.1
BLOCK = 256  #: readers scored at once: matrices of some tens of MB
WEAK = 0.12  #: a likeness below this share of the interest's best is no match
FAINT = 0.01  #: nor is one below this, whatever the best (two papers taken at random: about .005 [measured])
NEAR = 0.5  #: an exploratory pick is less like every interest than this share of that interest's best
PINNED = 1.0  #: a paper by an author of the interest is above the best by words alone
STEPS = 1e6  #: scores differ by at least 1/STEPS, or they are equal and the id decides

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Defaults:
    """For readers who did not say."""

    size: int = SIZE
    hype: float = HYPE
    surprise: float = SURPRISE


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one block, wishes × candidates."""

    score: Floats  #: relevance, trend and authors together
    relevance: Floats  #: 0..1: what the words say, beside the interest's best
    match: Bools  #: the candidate may serve the interest
    authored: Sequence[dict[int, str]]  #: per wish: candidates by its authors


def select(
    pool: Pool,
    profiles: Sequence[Profile],
    seen: Sequence[Set[str]] = (),
    defaults: Defaults = Defaults(),  # noqa: B008, frozen
) -> list[tuple[Pick, ...]]:
    """The picks of each profile, in their order; seen[i] holds ids that profile i must not get again.

    Interests get places by weight, so scores need not fall from one pick to the next. Exploratory picks follow the
    regular ones; popular ones fill what is left and say so. A paper comes once, however many ids it has.
    """
    hidden = seen or [frozenset()] * len(profiles)
    if len(hidden) != len(profiles):
        raise ValueError("seen must hold one set per profile")
    chosen: list[tuple[Pick, ...]] = []
    for start in range(0, len(profiles), BLOCK):
        block = slice(start, start + BLOCK)
        chosen += _select(pool, profiles[block], hidden[block], defaults)
    return chosen


def _select(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], defaults: Defaults
) -> list[tuple[Pick, ...]]:
    wishes = gather(pool, profiles)
    knobs = [_knobs(profile, defaults) for profile in profiles]
    blocked = _blocked(pool, profiles, seen)
    scores = _scores(pool, wishes, knobs, blocked)
    rankings = _rankings(scores, max((knob.size for knob in knobs), default=0))
    own: list[list[int]] = [[] for _ in profiles]
    for number, wish in enumerate(wishes.each):
        own[wish.reader].append(number)
    choices: list[Choice] = []
    for reader, knob in enumerate(knobs):
        choices += _choose(reader, own[reader], wishes, scores, rankings, pool, knob, ~blocked[reader])
    return explain(pool, wishes, scores.authored, choices, len(profiles))
