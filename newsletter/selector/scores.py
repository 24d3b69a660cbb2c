"""How much each candidate is worth to each interest of a block of readers: matrices, no loop over entries."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.selector.features import Floats
from newsletter.selector.pool import Pool
from newsletter.selector.profile import Wishes, written_by
from newsletter.types import Profile

SIZE, HYPE, SURPRISE = 10, 0.2, 0.1  #: where neither the reader nor the configuration says
WEAK = 0.2  #: no match below this share of the interest's best cosine,
FAINT, CLEAR = 0.02, 0.08  #: within these bounds: of unrelated abstracts 25 % and under 1 % are above [measured]
PINNED = 1.0  #: a paper by an author of the interest stands above the best by words alone
STEPS = 1e6  #: scores differ by 1/STEPS or are equal, and the id decides

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Defaults:
    """For readers who did not say."""

    size: int = SIZE
    hype: float = HYPE
    surprise: float = SURPRISE

    def completed(self, profile: Profile) -> Defaults:
        """The reader's own values where they make sense."""
        size = self.size if profile.size is None else max(profile.size, 0)
        return Defaults(size, _share(profile.hype, self.hype), _share(profile.surprise, self.surprise))


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one block, wishes × candidates."""

    score: Floats  #: relevance, trend and authors together
    relevance: Floats  #: 0..1: what the words say, beside the interest's best; 1 for its authors
    match: Bools  #: the candidate may serve the interest
    authored: Sequence[dict[int, str]]  #: per wish: candidates by its authors, with the name as printed

    def rankings(self, size: int) -> list[list[int]]:
        """Per wish the best `size` matching candidates, best first; equal scores by id, which is their order."""
        width = self.score.shape[1]
        size = min(size, width)
        if not size:
            return [[] for _ in self.authored]
        keys = np.round(self.score * STEPS).astype(np.int64) * width + np.arange(width)[::-1]
        keys[~self.match] = -1
        top = np.argpartition(keys, width - size, axis=1)[:, width - size :]
        found = np.take_along_axis(keys, top, axis=1)
        order = np.argsort(-found, axis=1)
        ranked = np.take_along_axis(top, order, axis=1).tolist()
        return [row[:number] for row, number in zip(ranked, (found >= 0).sum(axis=1).tolist(), strict=True)]


def score(pool: Pool, wishes: Wishes, knobs: Sequence[Defaults], open_to: Bools) -> Scores:
    """open_to: readers × candidates, false for what a reader must not get."""
    readers = np.array([wish.reader for wish in wishes.each], np.intp)
    allowed = open_to[readers]
    candidates = pool.vectors[: pool.size].T.tocsc()
    likeness = (wishes.wanted @ candidates).toarray()
    damped = (wishes.wanted @ pool.background.T).toarray() @ pool.damping
    fitness = likeness - wishes.trust[:, None] * damped - (wishes.unwanted @ candidates).toarray()
    match = allowed & (likeness >= np.clip(WEAK * _best(likeness, allowed), FAINT, CLEAR))
    relevance = np.clip(fitness / np.maximum(_best(fitness, match), 1e-6), 0, 1)
    authored = [written_by(pool, wish) if wish.interest.authors else {} for wish in wishes.each]
    pinned = np.zeros_like(match)
    for number, found in enumerate(authored):
        pinned[number, list(found)] = True
    hype = np.array([knobs[reader].hype for reader in readers], np.float32)[:, None]
    relevance[pinned] = 1
    total = (1 - hype) * relevance + hype * np.nan_to_num(pool.trend, nan=0.5) + PINNED * pinned
    return Scores(total, relevance, match | (pinned & allowed), authored)


def open_to(pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]]) -> Bools:
    """Readers × candidates: neither seen nor liked nor disliked nor muted."""
    muted = {phrase: pool.holding(phrase) for phrase in {word for profile in profiles for word in profile.muted}}
    allowed = np.ones((len(profiles), pool.size), np.bool_)
    for number, (profile, ids) in enumerate(zip(profiles, seen, strict=True)):
        rated = {*profile.liked, *profile.disliked, *(name for each in profile.interests for name in each.liked)}
        allowed[number, [pool.same[name] for name in rated if name in pool.same]] = False
        allowed[number, [pool.same[name] for name in ids if name in pool.same]] = False
        allowed[number, [candidate for phrase in profile.muted for candidate in muted[phrase]]] = False
    return allowed


def _best(values: Floats, match: Bools) -> Floats:
    best: Floats = np.max(values, axis=1, where=match, initial=0.0, keepdims=True)
    return best


def _share(value: float | None, default: float) -> float:
    return default if value is None or math.isnan(value) else min(max(value, 0.0), 1.0)
