"""Why one entry was taken or left for one reader, number by number. Pure: the choice is made as ever, then taken apart.

    fit     (Σ share · score of each liked paper and word  -  what is usual) in deviations, or what a single
            phrase brings it to where that is more;  -  what disliked papers took
    score   (1 - hype) · fit  +  hype · RISE · trend

Every part is told in units of the score, so the parts of a pick add up to what the kernel gave it. Below the floor is
no match.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from newsletter.selector import kernel
from newsletter.selector.features import Floats
from newsletter.selector.kernel import (
    EVERYWHERE,
    EXPLORATORY,
    FAIR,
    OVERALL,
    PINNED,
    RISE,
    Chosen,
    Doubles,
    Interests,
    Readers,
)
from newsletter.selector.pool import Pool
from newsletter.selector.profile_arrays import FORGOTTEN, Block, Defaults, read
from newsletter.selector.rank import choose
from newsletter.selector.reasons import Link, linked, name
from newsletter.selector.score_table import Atom
from newsletter.selector.strength import Strength, strength
from newsletter.types import WANTED, Profile, Verb

WAYS = ("fair", "outside", "popular", "popular")  #: by kernel.FAIR, EXPLORATORY, POPULAR, ALONE
_SAID = {
    Verb.MORE: "you asked for more like it",
    Verb.SAVE: "you saved it",
    Verb.LESS: "you asked for less like it",
    Verb.PASSED: "you passed it over",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One addition to a score."""

    kind: str  #: "liked", "voted", "word", "disliked", "less", "passed", "author" or "trend"
    of: str  #: the paper's title, the word, the author; "" for the trend
    entry: str  #: the paper's id, "" for what is no paper
    amount: float  #: of the score
    likeness: float  #: of the paper or word to the entry, as the table has it; of the trend: its height, 0..1
    share: float  #: 0..1, of all that the interest is made of; of a disliked paper: what is left of the dislike
    own: bool  #: of this very interest; else it speaks for it because it is an unassigned like or word too
    words: tuple[str, ...]  #: what joins them, as the entry writes it
    beside: bool  #: not much alike by its words: what it brings is that its readers like such papers


@dataclass(frozen=True, slots=True)
class Standing:
    """How the entry stands in one interest of the reader."""

    interest: str
    loose: bool  #: unassigned: made of likes and words that belong to no interest
    weight: float
    fair: float  #: share of the places, 0..1, by weight
    places: int  #: that it got
    fit: float  #: deviations above what is usual for older papers
    strength: Strength  #: the same in a word
    best: float  #: fit of what fits it best in this pool and may be shown
    least: float  #: the floor: no match below this fit; 0: there is none
    matched: bool
    rank: int  #: among `matches`; 0 where it has none
    matches: int  #: entries of the pool that match and may be shown
    author: str  #: of this interest, who wrote the entry: a match in any case
    score: float
    parts: tuple[Part, ...]  #: their amounts add up to `score`


@dataclass(frozen=True, slots=True)
class Hidden:
    """What forbids an entry."""

    kind: str  #: "seen", "liked", "disliked", "voted" or "muted"
    by: str  #: the muted phrase, the verb of the vote, the interest that names it


@dataclass(frozen=True, slots=True)
class Twin:
    """A near-duplicate that stands in the way."""

    entry: str
    title: str
    place: int  #: among the picks; 0: it must not be shown, nor must what tells the same


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an entry was taken, and where, or left."""

    entry: str  #: its id in the pool; as asked for, where it is in none
    title: str
    pool: int  #: candidates
    pooled: bool  #: is one of them
    hidden: tuple[Hidden, ...]
    place: int  #: 1..; 0: left
    way: str  #: "fair", "outside" (a little outside the interests) or "popular"; "" when left
    interest: str  #: that it serves
    size: int  #: places of the edition
    picks: int  #: that were filled
    popular: int  #: its rank by trend and date alone
    score: float  #: of the pick; of the best standing when left
    parts: tuple[Part, ...]  #: of that score
    standings: tuple[Standing, ...]  #: best first
    twin: Twin | None
    why: str  #: one sentence


def explain(
    pool: Pool, profile: Profile, seen: Set[str], entry_id: str, defaults: Defaults | None = None
) -> Explanation:
    """As `select` chooses for this reader alone, and from the same numbers."""
    reader = read(pool, [profile], [seen], defaults or Defaults())
    candidate = pool.same.get(entry_id, -1)
    if candidate < 0:
        return _absent(pool, reader, entry_id)
    with pool.table.lock:
        case = _Case(pool, profile, reader, candidate)
    return case.told(forbidden(pool, profile, seen, candidate))


def _absent(pool: Pool, reader: Block, entry_id: str) -> Explanation:
    row = pool.rows.get(entry_id)
    title = "" if row is None else pool.entries[row].title
    why = f"It is not in the pool of this issue, which holds {pool.size} paper{'s' * (pool.size != 1)}."
    blank = (pool.size, False, (), 0, "", "", reader.size[0], 0, 0, 0.0, (), (), None, why)
    return Explanation(entry_id, title, *blank)


def best_and_ranked(pool: Pool, block: Readers, own: Interests, fits: Floats) -> tuple[list[float], list[list[int]]]:
    """Per interest the best fit of what may be shown, and all that match and fit no other interest better, best first.

    By the kernel itself. block: of one reader; fits: interests × candidates, without what is hidden or by its authors.
    """
    scratch = kernel.scratch_for(0, pool.arrays.duplicate_of)._replace(fits=fits.copy())
    keys = kernel.rank_interests(pool.size, block, own, pool.arrays, scratch)
    shown = scratch.fits[: len(keys)]
    plain = np.where(shown >= PINNED, shown - PINNED, shown)
    ranked = [kernel.candidate_of(row[row >= 0], pool.size).tolist() for row in keys]
    return np.maximum(plain.max(axis=1, initial=0), 0).tolist(), ranked


def forbidden(pool: Pool, profile: Profile, seen: Set[str], candidate: int) -> tuple[Hidden, ...]:
    """Everything that forbids it, in the order in which a reader would think of it."""

    def meant(names: Sequence[str]) -> bool:
        return any(pool.same.get(name) == candidate for name in names)

    found = [Hidden("seen", "")] if meant([*seen]) else []
    found += [Hidden("liked", "")] if meant(profile.liked) else []
    found += [Hidden("liked", interest.name) for interest in profile.interests if meant(interest.liked)]
    found += [Hidden("disliked", "")] if meant(profile.disliked) else []
    found += [Hidden("voted", signal.verb.value) for signal in profile.signals if meant([signal.entry])]
    found += [Hidden("muted", phrase) for phrase in profile.muted if candidate in pool.muted.holding(phrase)]
    return tuple(found)


class _Case:
    """One reader and one candidate, with the kernel's numbers of both; made under the table's lock."""

    def __init__(self, pool: Pool, profile: Profile, reader: Block, candidate: int) -> None:
        self.pool, self.profile, self.reader, self.candidate = pool, profile, reader, candidate
        self.block, self.chosen = choose(pool, reader)
        self.atoms = reader.atom
        self.interests = interests(pool, self.block)
        self.owner, self.number = self.interests.owner, len(self.interests.weight)
        self.weight, self.wish = self.interests.weight.tolist(), self.interests.wish.tolist()
        self.shares = shares(self.block, self.interests)
        self.scores = pool.table.score(self.block.atom, candidate)
        self.usual = usual(pool, self.block, self.shares)
        self.trend = float(np.nan_to_num(pool.trend[candidate], nan=0.5))
        self.places: list[int] = self.chosen.entry[0, : int(self.chosen.number[0])].tolist()
        self.kinds = _kinds(pool, profile, reader)
        self.links = self._linked()
        self.fits = self._fits()
        self.best, self.ranked = best_and_ranked(pool, self.block, self.interests, self.fits)
        self.standings = [self._standing(interest) for interest in range(self.number)]
        self.displaced = self.candidate in displaced(pool, reader, self.chosen)

    def told(self, hidden: tuple[Hidden, ...]) -> Explanation:
        place = self.places.index(self.candidate) if self.candidate in self.places else -1
        way = int(self.chosen.way[0, place]) if place >= 0 else -1
        group = int(self.chosen.group[0, place]) if place >= 0 else -1
        order = sorted(range(self.number), key=lambda number: self._order(self.standings[number], number != group))
        standings = tuple(self.standings[number] for number in order)
        score, parts = self._sum(way, group, standings)
        entry, popular = self.pool.entries[self.candidate], self.pool.popular.tolist().index(self.candidate) + 1
        found = Explanation(
            entry=entry.id,
            title=entry.title,
            pool=self.pool.size,
            pooled=True,
            hidden=hidden,
            place=place + 1,
            way=WAYS[way] if way >= 0 else "",
            interest=self.standings[group].interest if way == FAIR else "",
            size=self.reader.size[0],
            picks=len(self.places),
            popular=popular,
            score=score,
            parts=parts,
            standings=standings,
            twin=twin(self.pool, self.places, self.reader.hidden, self.candidate) if place < 0 and not hidden else None,
            why="",
        )
        return with_why(found, self.displaced)

    @staticmethod
    def _order(standing: Standing, other: bool) -> tuple[bool, bool, bool, float]:
        return other, not standing.weight > 0, not standing.matched, -standing.score

    def _sum(self, way: int, group: int, standings: Sequence[Standing]) -> tuple[float, tuple[Part, ...]]:
        """Of the pick as the kernel scored it: an exploratory one gets nothing for its author."""
        parts: tuple[Part, ...] = (self._rise(),)
        if way == EXPLORATORY:
            parts = self._parts(group, "")
        elif standings and (way < 0 or group >= 0):
            parts = standings[0].parts
        return sum(part.amount for part in parts), parts

    # the numbers

    def _fits(self) -> Floats:
        """interests × candidates, by the kernel itself."""
        fits = np.zeros((self.number + 1, self.pool.size), np.float32)
        kernel.fit(self.pool.table.scores, self.block, self.interests, fits)
        return fits

    def _standing(self, interest: int) -> Standing:
        wish = self.wish[interest]
        best, ranked = self.best[interest], self.ranked[interest]
        author = self.reader.authored[wish].get(self.candidate, "")
        parts, least = self._parts(interest, author), max(self.reader.floor, 0.0)
        fit = float(self.fits[interest, self.candidate])
        matches = fit >= self.reader.floor
        if fit <= kernel.VOID:  # of several groups of likes, one that does not match by itself
            fit = float((self.shares[interest] @ self.scores - self.usual.middle[interest]) * self.usual.unit[interest])
        rank = ranked.index(self.candidate) + 1 if self.candidate in ranked else 0
        eligible = self.weight[interest] > 0 and self.candidate not in self.reader.hidden
        fair = (self.chosen.group[0, : len(self.places)] == interest) & (self.chosen.way[0, : len(self.places)] == FAIR)
        return Standing(
            interest=name(self.pool, self.reader, self.owner, wish, interest),
            loose=self.reader.unassigned[wish],
            weight=self.weight[interest],
            fair=self.weight[interest] / (sum(self.weight) or 1.0),
            places=int(fair.sum()),
            fit=fit,
            strength="strong" if author else strength(fit, least) if matches else "",
            best=best,
            least=least,
            matched=rank > 0 or (not eligible and (matches or bool(author))),
            rank=rank,
            matches=len(ranked),
            author=author,
            score=sum(part.amount for part in parts),
            parts=parts,
        )

    # their parts

    def _parts(self, interest: int, author: str) -> tuple[Part, ...]:
        """Largest first; what adds nothing is left out."""
        given = [*self._given(interest)]
        parts = [*given, *self._taken(sum(part.amount for part in given))]
        if author:
            lifted = max(-sum(part.amount for part in parts), 0.0)
            parts.append(Part("author", author, "", lifted, 1.0, 1.0, True, (), False))
        parts.append(self._rise())
        wanted = (part for part in parts if part.amount or part.kind == "author")
        return tuple(sorted(wanted, key=lambda part: -abs(part.amount)))

    def _rise(self) -> Part:
        hype = self.reader.hype[0]
        return Part("trend", "", "", hype * RISE * self.trend, self.trend, hype, True, (), False)

    def _given(self, interest: int) -> Iterator[Part]:
        """What likes and words add; where a phrase by itself says more than all together, that phrase."""
        scale, unit = 1 - self.reader.hype[0], self.usual.unit[interest]
        rows, table = self.block.atom, self.pool.table
        own = [self._is_own(place, interest) for place in range(len(self.atoms))]
        said = {
            place: float(self.scores[place]) / float(table.words[rows[place]])
            for place in range(len(self.atoms))
            if own[place] and table.words[rows[place]] > 0
        }
        together = float((self.shares[interest] @ self.scores - self.usual.middle[interest]) * unit)
        loudest = max(said, key=lambda place: said[place], default=-1)
        alone = kernel.peak(said[loudest], self.reader.floor) if loudest >= 0 else together
        if alone > together:
            yield self._part("word", self.atoms[loudest], scale * alone, float(self.scores[loudest]), 1.0, True)
            return
        for place, atom in enumerate(self.atoms):
            if share := float(self.shares[interest, place]):
                amount = scale * share * float(self.scores[place] - table.means[rows[place]]) * unit
                yield self._part(self.kinds[place], atom, amount, float(self.scores[place]), share, own[place])

    def _is_own(self, place: int, interest: int) -> bool:
        owner, unassigned = self.owner[place], self.interests.unassigned
        return bool(owner == interest or (owner == EVERYWHERE and interest >= unassigned))

    def _taken(self, given: float) -> Iterator[Part]:
        """By each disliked paper in turn, as in kernel.fit."""
        scale, kinds = 1 - self.reader.hype[0], _refusals(self.pool, self.profile)
        left = given / scale if scale else 0.0
        for atom, share, score in zip(self.reader.less, self.reader.less_share, self._refused(), strict=True):
            excess = share * score - max(left, 0.0)
            if excess > 0:
                left -= kernel.taken(excess)
                yield self._part(kinds[atom], atom, -scale * kernel.taken(excess), score, share, True)

    def _refused(self) -> list[float]:
        """How like the disliked papers it is, in deviations."""
        found: list[float] = refused(self.pool, self.block)[:, self.candidate].tolist()
        return found

    def _part(self, kind: str, atom: Atom, amount: float, likeness: float, share: float, own: bool) -> Part:
        words, _, _, beside = self.links[atom]
        if isinstance(atom, str):
            return Part(kind, atom, "", amount, likeness, share, own, words, False)
        paper = self.pool.entries[atom]
        return Part(kind, paper.title, paper.id, amount, likeness, share, own, words, beside)

    def _linked(self) -> dict[Atom, Link]:
        found: dict[Atom, Link] = {}
        every = dict.fromkeys([*self.atoms, *self.reader.less])
        for kind in (int, str):
            pairs = [(atom, self.candidate) for atom in every if isinstance(atom, kind)]
            found.update((pair[0], link) for pair, link in zip(pairs, linked(self.pool, pairs), strict=True))
        return found


# what stands in its way


def twin(pool: Pool, places: Sequence[int], hidden: Sequence[int], candidate: int) -> Twin | None:
    """A pick, or what must not be shown, that tells the same story. `places`: the picks, best first."""
    story = pool.duplicate_of[candidate]
    for place, other in enumerate(places, 1):
        if pool.duplicate_of[other] == story:
            return Twin(pool.entries[other].id, pool.entries[other].title, place)
    other = next((other for other in sorted(hidden) if pool.duplicate_of[other] == story), -1)
    return Twin(pool.entries[other].id, pool.entries[other].title, 0) if other >= 0 else None


def displaced(pool: Pool, reader: Block, chosen: Chosen) -> set[int]:
    """What would be picks if no place were kept for what is a little outside the interests."""
    number = int(chosen.number[0])
    if EXPLORATORY not in chosen.way[0, :number]:
        return set()
    _, calm = choose(pool, replace(reader, surprise=[0.0]))
    return {*calm.entry[0, : int(calm.number[0])].tolist()} - {*chosen.entry[0, :number].tolist()}


def interests(pool: Pool, block: Readers) -> Interests:
    """The interests of a block's only reader."""
    return kernel.group(pool.table.fields, block, 0, np.zeros(len(block.atom), np.int64))


def shares(block: Readers, interests: Interests) -> np.ndarray:
    """interests × atoms: fit = shares @ scores, before dislikes. Groups of unassigned likes speak for each other."""
    owner, number, unassigned = interests.owner, len(interests.weight), interests.unassigned
    share = np.zeros((number, len(owner)))
    for interest in range(number):
        mine = np.where(owner == interest, block.share, 0.0)
        share[interest] = mine / (mine.sum() or 1.0)
    if number - unassigned > 1:
        every = np.where((owner >= unassigned) | (owner == EVERYWHERE), block.share, 0.0)
        share[unassigned:] = OVERALL * every / (every.sum() or 1.0) + (1 - OVERALL) * share[unassigned:]
    return share


class Usual(NamedTuple):
    """What is usual for older papers, by interest."""

    middle: Doubles
    unit: Doubles  #: 1 / deviation


def usual(pool: Pool, block: Readers, share: Doubles) -> Usual:
    """As the kernel adds it up. share: interests × atoms."""
    table = pool.table
    deviations = np.sqrt(((share @ table.sketches[block.atom]) ** 2).sum(axis=1))
    return Usual(share @ table.means[block.atom], 1 / np.maximum(deviations, kernel.FLATTEST))


def refused(pool: Pool, block: Readers) -> Doubles:
    """Disliked papers × candidates: how like they are, in deviations."""
    table, rows = pool.table, block.less
    deviations = np.maximum(np.sqrt((table.sketches[rows].astype(np.float64) ** 2).sum(axis=1)), kernel.FLATTEST)
    scores = table.steps[rows] * table.sizes[rows].astype(np.float64)[:, None]
    found: Doubles = (scores - table.means[rows][:, None]) / deviations[:, None]
    return found


def _kinds(pool: Pool, profile: Profile, reader: Block) -> list[str]:
    """Per atom what it is; unassigned ones are likes, votes and words, in this order, as `read` adds them."""
    wanted = [signal for signal in profile.signals if signal.verb in WANTED and signal.weight > FORGOTTEN]
    voted = sum(signal.entry in pool.rows for signal in wanted)
    found: list[str] = []
    for wish, unassigned in enumerate(reader.unassigned):
        atoms = reader.atoms(wish)
        papers = sum(isinstance(atom, int) for atom in atoms)
        votes = voted if unassigned else 0
        found += ["liked"] * (papers - votes) + ["voted"] * votes + ["word"] * (len(atoms) - papers)
    return found


def _refusals(pool: Pool, profile: Profile) -> dict[Atom, str]:
    against = (signal for signal in profile.signals if signal.verb not in WANTED and signal.entry in pool.rows)
    kinds: dict[Atom, str] = {pool.rows[signal.entry]: signal.verb.value for signal in against}
    return kinds | {pool.rows[name]: "disliked" for name in profile.disliked if name in pool.rows}


# in words


def with_why(found: Explanation, displaced: bool) -> Explanation:
    return replace(found, why=_taken(found) if found.place else _left(found, displaced))


def _taken(found: Explanation) -> str:
    where = f"Place {found.place} of {found.picks}"
    if found.way == "popular":
        free = "the interests left it free, and it is to be filled" if found.standings else "there are no interests"
        return f"{where}: {free}, and this is {_th(found.popular)} of all by trend and date."
    if found.way == "outside":
        return f"{where}: a little outside the interests, which surprise asks for."
    best = found.standings[0]
    return f"{where}: ranked {_th(best.rank)} for {best.interest!r}, which had {best.places} of {found.size} places."


def _left(found: Explanation, displaced: bool) -> str:
    if found.size <= 0:
        return "The edition has no places."
    if found.hidden:
        return f"Not to be shown: {'; '.join(map(_forbidden, found.hidden))}."
    if found.twin:
        told = f"which stands at place {found.twin.place}" if found.twin.place else "which must not be shown again"
        return f"It tells the same as {found.twin.title!r}, {told}."
    if displaced:
        return "Its place went to a paper a little outside the interests, which surprise asks for."
    return _outranked(found)


def _outranked(found: Explanation) -> str:
    if not found.standings:
        return f"No interests: ranked {_th(found.popular)} by trend and date, and there were {found.size} places."
    best = found.standings[0]
    if not best.matched:
        return f"No match: {best.fit:.1f} for {best.interest!r}, which needs {best.least:.1f}."
    if not best.weight > 0:
        return f"It matches only {best.interest!r}, which has no weight."
    return f"Ranked {_th(best.rank)} for {best.interest!r}, which had {best.places} of {found.size} places."


def _forbidden(hidden: Hidden) -> str:
    words = {
        "seen": "you were shown it in another issue",
        "liked": f"you like it already, for {hidden.by!r}" if hidden.by else "you like it already",
        "disliked": "you dislike it",
        "muted": f"muted by {hidden.by!r}",
    }
    return words.get(hidden.kind) or _SAID[Verb(hidden.by)]


def _th(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
