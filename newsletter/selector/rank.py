"""Rank the pool for many readers. Pure: a pool and profiles in, picks out.

profiles ─ gather ─▶ wishes ─ score ─▶ scores ─ rankings ─▶ merge (fair shares) ─▶ choices ─ explain ─▶ picks
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from newsletter.selector.merge import merge
from newsletter.selector.pool import Pool
from newsletter.selector.profile import Wishes, gather
from newsletter.selector.reasons import Choice, Way, explain
from newsletter.selector.scores import Bools, Defaults, Scores, open_to, score
from newsletter.types import Pick, Profile

BLOCK = 256  #: readers scored at once: matrices of some tens of megabytes
OUTSIDE = 0.5  #: an exploratory pick has less than this relevance for every interest of the reader
RISING = 0.75  #: a trend that is worth a word


def select(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]] = (), defaults: Defaults | None = None
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
        chosen += _select(pool, profiles[block], hidden[block], defaults or Defaults())
    return chosen


def _select(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], defaults: Defaults
) -> list[tuple[Pick, ...]]:
    knobs = [defaults.completed(profile) for profile in profiles]
    allowed = open_to(pool, profiles, seen)
    wishes = gather(pool, profiles)
    scores = score(pool, wishes, knobs, allowed)
    rankings = scores.rankings(max(knob.size for knob in knobs))
    own: list[list[int]] = [[] for _ in profiles]
    for number, wish in enumerate(wishes.each):
        if wish.interest.weight > 0:
            own[wish.reader].append(number)
    readers = [Reader(*each) for each in zip(own, allowed, knobs, strict=True)]
    choices = [_choose(reader, pool, wishes, scores, rankings) for reader in readers]
    return explain(pool, wishes, scores.authored, choices)


@dataclass(frozen=True, slots=True)
class Reader:
    """Where one reader stands in the block."""

    own: list[int]  #: numbers of the reader's wishes that have a weight
    free: Bools  #: candidates that the reader may get
    knob: Defaults


def _choose(
    reader: Reader, pool: Pool, wishes: Wishes, scores: Scores, rankings: Sequence[Sequence[int]]
) -> list[Choice]:
    """Fair shares of each interest, then some from a little outside, then popular ones."""
    size, own = reader.knob.size, reader.own
    weights = [wishes.each[number].interest.weight for number in own]
    merged = merge([rankings[number] for number in own], weights, size)
    fair = [Choice(entry, own[turn], float(scores.score[own[turn], entry])) for turn, entry in merged]
    wanted = int(reader.knob.surprise * size + 1e-9)
    strange = _explore(reader, scores, fair[: size - wanted], wanted)
    found = {each.entry for each in strange}
    chosen = [each for each in fair if each.entry not in found][: size - len(strange)] + strange
    return _rated(chosen + _fill(reader, pool, chosen), pool, reader.knob.hype)


def _explore(reader: Reader, scores: Scores, taken: Sequence[Choice], wanted: int) -> list[Choice]:
    """Candidates that share something with an interest, but not much, the most promising first."""
    own = np.array(reader.own, np.intp)
    if not wanted or not len(own):
        return []
    match, relevance = scores.match[own], scores.relevance[own]
    near = match.any(axis=0) & (relevance.max(axis=0) < OUTSIDE)
    near[[each.entry for each in taken]] = False
    values = np.where(match, scores.score[own], -1)
    order = np.lexsort((np.arange(len(near)), -np.round(values.max(axis=0), 6), ~near))
    found = order[: min(wanted, int(near.sum()))]
    nearest = own[values.argmax(axis=0)]
    return [Choice(int(e), int(nearest[e]), float(values[:, e].max()), Way.OUTSIDE) for e in found]


def _fill(reader: Reader, pool: Pool, chosen: Sequence[Choice]) -> list[Choice]:
    free = reader.free.copy()
    free[[each.entry for each in chosen]] = False
    rest = pool.popular[free[pool.popular]][: reader.knob.size - len(chosen)]
    worth = reader.knob.hype * np.nan_to_num(pool.trend[rest], nan=0.5)
    way = Way.POPULAR if reader.own else Way.ALONE
    return [Choice(int(entry), None, float(value), way) for entry, value in zip(rest, worth, strict=True)]


def _rated(chosen: Sequence[Choice], pool: Pool, hype: float) -> list[Choice]:
    """Marks those whose trend did its part in the score."""
    return [replace(each, rising=hype > 0 and bool(pool.trend[each.entry] >= RISING)) for each in chosen]
