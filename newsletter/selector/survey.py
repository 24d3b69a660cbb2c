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
    displaced,
    forbidden,
    interests,
    shares,
    twin,
    with_why,
)
from newsletter.selector.features import Floats
from newsletter.selector.kernel import EXPLORATORY, FAIR, LESS, NONE, PINNED, Doubles, Interests, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.profile_arrays import Block, Defaults, read
from newsletter.selector.rank import choose
from newsletter.selector.reasons import name
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
        shown = fits.copy()
        shown[reader.hidden] = NONE
        self.best, self.ranks = self._ranked(shown)
        self.least = float(kernel.least_of(np.float32(self.best)))
        self.fit = np.where(fits > NONE, fits, left)
        self.top = np.full(pool.size, self.best)
        self.top[reader.hidden] = np.maximum(self.best, fits[reader.hidden])
        scale = np.divide(1 - whole.hype, self.top, out=np.zeros(pool.size), where=self.top > 0)
        self.unpinned = scale * whole.disliked(left) + whole.rise
        self.score = self.unpinned.copy()
        pinned = [*self.authored]
        self.score[pinned] = PINNED + 1 - whole.hype + whole.rise[pinned]

    def _ranked(self, shown: Floats) -> tuple[float, dict[int, int]]:
        """The best fit; and each matching candidate's rank, by the kernel itself."""
        whole, width = self.whole, self.whole.pool.size
        value, tops = np.zeros(width, np.float32), np.zeros(kernel.LANES, np.float32)
        keys = np.full(width, -1, np.int64)
        best = kernel.fill_values(shown, whole.arrays.trend, whole.hype, value, tops)
        if self.weight > 0:
            pins = np.array([*self.authored], np.int64)
            kernel.pin(pins, shown, whole.arrays.trend, whole.hype, value, tops)
            kernel.rank(value, tops, whole.arrays, keys)
        order = kernel.candidate_of(keys[keys >= 0], width).tolist()
        return float(best), {candidate: rank for rank, candidate in enumerate(order, 1)}

    def matches(self, candidate: int) -> bool:
        if candidate in self.ranks:
            return True
        eligible = self.weight > 0 and candidate not in self.whole.hidden
        return not eligible and (self.fit[candidate] >= self.least or candidate in self.authored)

    def order(self, candidate: int, group: int) -> tuple[bool, bool, bool, float]:
        """The least of these is the standing that counts."""
        return (
            self.number != group,
            not self.weight > 0,
            not self.matches(candidate),
            -float(self.score[candidate]),
        )

    def standing(self, candidate: int) -> Standing:
        author, top = self.authored.get(candidate, ""), float(self.top[candidate])
        fit = float(self.fit[candidate])
        return Standing(
            interest=self.name,
            loose=self.loose,
            weight=self.weight,
            fair=self.fair,
            places=self.places,
            fit=fit,
            best=self.best,
            least=self.least,
            matched=self.matches(candidate),
            rank=self.ranks.get(candidate, 0),
            matches=len(self.ranks),
            relevance=1.0 if author else fit / top if top > 0 else 0.0,
            author=author,
            score=float(self.score[candidate]),
            parts=(),
        )


class _Survey:
    """One reader and every candidate; made under the table's lock."""

    def __init__(self, pool: Pool, reader: Block) -> None:
        self.pool, self.reader = pool, reader
        block, self.chosen = choose(pool, reader)
        own = interests(pool, block)
        self.owner, self.weight, self.wish = own.owner, own.weight.tolist(), own.wish.tolist()
        self.hype, self.hidden = reader.hype[0], {*reader.hidden}
        self.arrays = pool.arrays
        self.rise = self.hype * self.arrays.trend.astype(np.float64)
        self.picks = int(self.chosen.number[0])
        self.places = self.chosen.entry[0, : self.picks].tolist()
        self.place = {candidate: place for place, candidate in enumerate(self.places)}
        self.popular = {candidate: rank for rank, candidate in enumerate(pool.popular.tolist(), 1)}
        self.displaced = displaced(pool, reader, self.chosen)
        self.refused = [*self._refused(block)]
        self.interests = [*self._interests(block, own)]

    def _interests(self, block: Readers, own: Interests) -> Iterator[_Interest]:
        number, total = len(self.weight), sum(self.weight) or 1.0
        fits = np.zeros((number + 1, self.pool.size), np.float32)
        table = self.pool.table
        kernel.fit(table.scores, block, own, fits)
        scores = table.steps[block.atom] * table.sizes[block.atom].astype(np.float64)[:, None]
        left = shares(block, own) @ scores
        for interest in range(number):
            yield _Interest(self, interest, fits[interest], left[interest], self.weight[interest] / total)

    def _refused(self, block: Readers) -> Iterator[Doubles]:
        table = self.pool.table
        for row, share in zip(block.less, block.less_share, strict=True):
            yield share * table.steps[row] * float(table.sizes[row])

    def disliked(self, left: Doubles) -> Doubles:
        """What disliked papers leave of these fits, each in its turn."""
        for refused in self.refused:
            left = left - LESS * np.maximum(refused - np.maximum(left, 0.0), 0.0)
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
