"""Why each entry of a pool was taken or left for one reader: what `explain` says of each, all at once.

Without the parts of the scores, whose number is what makes `explain` slow, and with each entry's best standing only.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

import numpy as np

from newsletter.selector import kernel
from newsletter.selector.explain import (
    WAYS,
    Explanation,
    Hidden,
    Standing,
    best_and_ranked,
    displaced,
    forbidden,
    interests,
    refused,
    shares,
    twin,
    usual,
    with_why,
)
from newsletter.selector.features import Floats
from newsletter.selector.kernel import EXPLORATORY, FAIR, RISE, VOID, Doubles, Interests, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.profile_arrays import Block, Defaults, read
from newsletter.selector.rank import choose
from newsletter.selector.reasons import name
from newsletter.selector.strength import strength
from newsletter.types import Profile


def survey(pool: Pool, profile: Profile, seen: Set[str], defaults: Defaults | None = None) -> tuple[Explanation, ...]:
    """One explanation a candidate, in the pool's order, which is by id."""
    reader = read(pool, [profile], [seen], defaults or Defaults())
    with pool.table.lock:
        whole = _Survey(pool, reader)
    hidden = {candidate: forbidden(pool, profile, seen, candidate) for candidate in reader.hidden}
    return tuple(whole.told(candidate, hidden.get(candidate, ())) for candidate in range(pool.size))


class _Interest:
    """One interest of the reader and every candidate: columns where `explain` has a number."""

    def __init__(self, whole: _Survey, number: int, fits: Floats, left: Doubles, share: float) -> None:
        pool, reader, wish = whole.pool, whole.reader, whole.wish[number]
        self.whole, self.number = whole, number
        self.name = name(pool, reader, whole.owner, wish, number)
        self.loose = reader.unassigned[wish]
        self.weight, self.fair = whole.weight[number], share
        self.places = int(((whole.chosen.group[0] == number) & (whole.chosen.way[0] == FAIR))[: whole.picks].sum())
        self.authored = reader.authored[wish]
        self.best = whole.best[number]
        self.ranks = {candidate: rank for rank, candidate in enumerate(whole.ranked[number], 1)}
        self.least = max(reader.floor, 0.0)
        self.fit = np.where(fits > VOID, fits, left)
        self.known = fits > VOID
        self.unpinned = (1 - whole.hype) * self.fit + whole.rise
        self.score = self.unpinned.copy()
        pinned = [*self.authored]
        self.score[pinned] = (1 - whole.hype) * np.maximum(self.fit[pinned], 0) + whole.rise[pinned]

    def matches(self, candidate: int) -> bool:
        if candidate in self.ranks:
            return True
        eligible = self.weight > 0 and candidate not in self.whole.hidden
        return not eligible and (self._fits(candidate) or candidate in self.authored)

    def _fits(self, candidate: int) -> bool:
        return bool(self.known[candidate]) and bool(self.fit[candidate] >= self.whole.reader.floor)

    def order(self, candidate: int, group: int) -> tuple[bool, bool, bool, float]:
        """The least of these is the standing that counts."""
        return (
            self.number != group,
            not self.weight > 0,
            not self.matches(candidate),
            -float(self.score[candidate]),
        )

    def standing(self, candidate: int) -> Standing:
        author, fit = self.authored.get(candidate, ""), float(self.fit[candidate])
        told = "strong" if author else strength(fit, self.least) if self._fits(candidate) else ""
        return Standing(
            interest=self.name,
            loose=self.loose,
            weight=self.weight,
            fair=self.fair,
            places=self.places,
            fit=fit,
            strength=told,
            best=self.best,
            least=self.least,
            matched=self.matches(candidate),
            rank=self.ranks.get(candidate, 0),
            matches=len(self.ranks),
            author=author,
            score=float(self.score[candidate]),
            parts=(),
        )


class _Survey:
    """One reader and every candidate; made under the table's lock."""

    def __init__(self, pool: Pool, reader: Block) -> None:
        self.pool, self.reader = pool, reader
        block, self.chosen = choose(pool, reader)
        self.own = own = interests(pool, block)
        self.owner, self.weight, self.wish = own.owner, own.weight.tolist(), own.wish.tolist()
        self.hype, self.hidden = reader.hype[0], {*reader.hidden}
        self.arrays = pool.arrays
        self.rise = self.hype * RISE * self.arrays.trend.astype(np.float64)
        self.picks = int(self.chosen.number[0])
        self.places = self.chosen.entry[0, : self.picks].tolist()
        self.place = {candidate: place for place, candidate in enumerate(self.places)}
        self.popular = {candidate: rank for rank, candidate in enumerate(pool.popular.tolist(), 1)}
        self.displaced = displaced(pool, reader, self.chosen)
        self.interests = [*self._interests(block, own)]

    def _interests(self, block: Readers, own: Interests) -> Iterator[_Interest]:
        number, total = len(self.weight), sum(self.weight) or 1.0
        fits = np.zeros((number + 1, self.pool.size), np.float32)
        table = self.pool.table
        kernel.fit(table.scores, block, own, fits)
        self.best, self.ranked = best_and_ranked(self.pool, block, own, fits)
        share = shares(block, own)
        scores, what_is = (
            table.steps[block.atom] * table.sizes[block.atom].astype(np.float64)[:, None],
            usual(self.pool, block, share),
        )
        left = self._disliked((share @ scores - what_is.middle[:, None]) * what_is.unit[:, None], block)
        for interest in range(number):
            yield _Interest(self, interest, fits[interest], left[interest], self.weight[interest] / total)

    def _disliked(self, left: Doubles, block: Readers) -> Doubles:
        """What disliked papers leave of these fits, each in its turn."""
        for like, share in zip(refused(self.pool, block), block.less_share, strict=True):
            left = left - kernel.taken(np.maximum(share * like - np.maximum(left, 0.0), 0.0))
        return left

    def told(self, candidate: int, hidden: tuple[Hidden, ...]) -> Explanation:
        place = self.place.get(candidate, -1)
        way = int(self.chosen.way[0, place]) if place >= 0 else -1
        group = int(self.chosen.group[0, place]) if place >= 0 else -1
        best = min(self.interests, key=lambda interest: interest.order(candidate, group), default=None)
        entry = self.pool.entries[candidate]
        stands = place < 0 and not hidden and self.arrays.twin[candidate]
        found = Explanation(
            entry=entry.id,
            title=entry.title,
            pool=self.pool.size,
            pooled=True,
            hidden=hidden,
            place=place + 1,
            way=WAYS[way] if way >= 0 else "",
            interest=best.name if best and way == FAIR else "",
            size=self.reader.size[0],
            picks=self.picks,
            popular=self.popular[candidate],
            score=self._score(candidate, way, group, best),
            parts=(),
            standings=(best.standing(candidate),) if best else (),
            twin=twin(self.pool, self.places, self.reader.hidden, candidate) if stands else None,
            why="",
        )
        return with_why(found, candidate in self.displaced)

    def _score(self, candidate: int, way: int, group: int, best: _Interest | None) -> float:
        """Of the pick; of the best standing where it was left."""
        if best is None or (way >= 0 and group < 0):
            return float(self.rise[candidate])
        return float((best.unpinned if way == EXPLORATORY else best.score)[candidate])
