"""Profiles to arrays: the interests of a block of readers, each a weighted bag of liked papers and words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from newsletter.selector.kernel import Readers
from newsletter.selector.pool import Author, Pool, person
from newsletter.selector.table import Atom
from newsletter.types import WANTED, Interest, Profile, Verb

SIZE, HYPE, SURPRISE = 10, 0.2, 0.1  #: where neither the reader nor the configuration says
MOST_LIKES = 500  #: of one interest, the newest; older ones change little and cost as much
KEYWORDS = 1.5  #: all keywords of an interest together, in liked papers: a reader chose these words
TEXT = 0.25  #: all loose words together, in parts of the loose likes: what a reader wrote once, about everything
FADE = 0.5  #: a liked paper's weight is 1 / (1 + FADE·log10(place)), the newest in place 1
FORGOTTEN = 0.02  #: signals with less weight are gone


class Bag(NamedTuple):
    """Weighted likes and words."""

    atoms: list[Atom]
    shares: list[float]



@dataclass(frozen=True, slots=True)
class Defaults:
    """For readers who did not say."""

    size: int = SIZE
    hype: float = HYPE
    surprise: float = SURPRISE

    def completed(self, profile: Profile) -> Defaults:
        """The reader's own values where they make sense."""
        if profile.size is None and profile.hype is None and profile.surprise is None:
            return self
        size = self.size if profile.size is None else max(profile.size, 0)
        return Defaults(size, _share(profile.hype, self.hype), _share(profile.surprise, self.surprise))


class Wish(NamedTuple):
    """One interest of one reader, with what is known of it in this pool."""

    interest: Interest
    weight: float  #: 0 where the reader's own makes no sense
    bag: Bag
    loose: bool  #: likes and words that belong to no interest
    authored: Mapping[int, str]  #: candidates by its authors, with the name as printed


class Reader(NamedTuple):
    """One profile as the selector takes it."""

    wishes: tuple[Wish, ...]
    less: Bag
    hidden: Set[int]  #: candidates that must not be picked
    knobs: Defaults


def likes(profile: Profile) -> tuple[str, ...]:
    """Ids of all papers that a reader likes or voted for: what `prepare` learns from."""
    voted = (each.entry for each in profile.signals if each.verb in WANTED)
    named = (name for interest in profile.interests for name in interest.liked)
    return tuple(dict.fromkeys((*named, *profile.liked, *voted)))


def phrases(profile: Profile) -> tuple[str, ...]:
    """All words of a reader's own, as an embedder should know them."""
    named = (phrase for interest in profile.interests for phrase in _spoken(interest))
    return tuple(dict.fromkeys((*named, *_loose_words(profile))))


def read(pool: Pool, profile: Profile, seen: Set[str], defaults: Defaults) -> Reader:
    """What a profile means in this pool; papers that it does not know are left out."""
    wishes = tuple(_wishes(pool, profile))
    return Reader(wishes, _less(pool, profile), hidden(pool, profile, seen), defaults.completed(profile))


def arrays(readers: Sequence[Reader], numbers: Mapping[Atom, int]) -> Readers:
    """The block that `kernel.choose` takes."""
    wishes = [wish for reader in readers for wish in reader.wishes]
    atoms = [atom for wish in wishes for atom in wish.bag.atoms]
    less = [atom for reader in readers for atom in reader.less.atoms]
    return Readers(
        wish_start=_starts(len(reader.wishes) for reader in readers),
        weight=np.array([wish.weight for wish in wishes], np.float64),
        loose=np.array([wish.loose for wish in wishes], np.bool_),
        atom_start=_starts(len(wish.bag.atoms) for wish in wishes),
        atom=np.array([numbers[atom] for atom in atoms], np.int64),
        share=np.array([share for wish in wishes for share in wish.bag.shares], np.float64),
        word=np.array([isinstance(atom, str) for atom in atoms], np.bool_),
        pin_start=_starts(len(wish.authored) for wish in wishes),
        pin=np.array([candidate for wish in wishes for candidate in wish.authored], np.int64),
        less_start=_starts(len(reader.less.atoms) for reader in readers),
        less=np.array([numbers[atom] for atom in less], np.int64),
        less_share=np.array([share for reader in readers for share in reader.less.shares], np.float64),
        hidden_start=_starts(len(reader.hidden) for reader in readers),
        hidden=np.array([candidate for reader in readers for candidate in sorted(reader.hidden)], np.int64),
        size=np.array([reader.knobs.size for reader in readers], np.int64),
        hype=np.array([reader.knobs.hype for reader in readers], np.float64),
        surprise=np.array([reader.knobs.surprise for reader in readers], np.float64),
    )


def wanted(readers: Sequence[Reader]) -> Iterator[Atom]:
    """Every atom that these readers name."""
    for reader in readers:
        for wish in reader.wishes:
            yield from wish.bag.atoms
        yield from reader.less.atoms


def hidden(pool: Pool, profile: Profile, seen: Set[str]) -> Set[int]:
    """Candidates seen, liked, voted on, disliked or muted."""
    rated = (*profile.liked, *profile.disliked, *[each.entry for each in profile.signals])
    same, found = pool.same, set()
    for names in (seen, rated, *[each.liked for each in profile.interests]):
        if not same.keys().isdisjoint(names):
            found.update([same[name] for name in names if name in same])
    for phrase in profile.muted:
        found.update(pool.muted(phrase))
    return found


def _wishes(pool: Pool, profile: Profile) -> Iterator[Wish]:
    """The reader's own interests, then one of all loose words and likes, as weighty as the mean of the others.

    Weights that are no positive number count as 0; when all are 0, they count as equal. The largest becomes 1, so that
    no sum of them overflows.
    """
    weights = [_weight(each.weight) for each in profile.interests]
    largest = max(weights, default=0.0)
    weights = [weight / largest if largest else 1.0 for weight in weights]
    for interest, weight in zip(profile.interests, weights, strict=True):
        bag = _bag(_likes(pool, interest.liked), _spoken(interest), KEYWORDS)
        yield Wish(interest, weight, bag, False, written_by(pool, interest))
    words = _loose_words(profile)
    liked = _likes(pool, profile.liked)
    for each in profile.signals:
        if each.verb in WANTED and each.weight > FORGOTTEN and each.entry in pool.rows:
            liked.atoms.append(pool.rows[each.entry])
            liked.shares.append(min(each.weight, 1.0))
    if words or profile.liked or liked.atoms:
        weight = sum(weights) / len(weights) if weights else 1.0
        bag = _bag(liked, words, TEXT * sum(liked.shares) or 1.0)
        yield Wish(Interest("", weight, words), weight, bag, True, {})


def _loose_words(profile: Profile) -> tuple[str, ...]:
    if not profile.text:
        return ()
    return tuple(part for part in (part.strip() for part in re.split(r"[;\n]", profile.text)) if part)


def _likes(pool: Pool, names: Sequence[str]) -> Bag:
    rows = pool.rows
    found = [rows[name] for name in dict.fromkeys(names) if name in rows]
    return Bag([*found[-MOST_LIKES:]], [*_faded(min(len(found), MOST_LIKES))])


def _bag(liked: Bag, words: Sequence[str], spoken: float) -> Bag:
    share = spoken / max(len(words), 1)
    return Bag([*liked.atoms, *words], [*liked.shares, *[share] * len(words)])


def _less(pool: Pool, profile: Profile) -> Bag:
    """Disliked papers, those voted down, and those passed over."""
    if not profile.disliked and not profile.signals:
        return Bag([], [])
    found: dict[Atom, float] = {pool.rows[name]: 1.0 for name in profile.disliked if name in pool.rows}
    for each in profile.signals:
        if each.verb in (Verb.LESS, Verb.PASSED) and each.weight > FORGOTTEN and each.entry in pool.rows:
            row = pool.rows[each.entry]
            found[row] = max(found.get(row, 0.0), min(each.weight, 1.0))
    return Bag([*found][-MOST_LIKES:], [*found.values()][-MOST_LIKES:])


def written_by(pool: Pool, interest: Interest) -> dict[int, str]:
    """Candidates by the authors that this interest names, with the name as the paper prints it."""
    found: dict[int, str] = {}
    for asked in filter(None, map(person, interest.authors)):
        for name, candidate, printed in pool.authors.get(asked[-1], ()):
            if _same_person(asked, name):
                found.setdefault(candidate, printed)
    return found


def _same_person(one: Author, other: Author) -> bool:
    """Given the same last name: the same first name, or its initial; "Lovelace" alone is any Lovelace."""
    if len(one) == 1 or len(other) == 1:
        return len(one) == 1
    first, second = one[0], other[0]
    return first == second or (1 in (len(first), len(second)) and first[0] == second[0])


def _spoken(interest: Interest) -> tuple[str, ...]:
    """Name and keywords, each once."""
    found: dict[str, str] = {}
    for text in (interest.name, *interest.keywords):
        if plain := text.strip():
            found.setdefault(plain.casefold(), text)
    return tuple(found.values())


def _weight(weight: float) -> float:
    return weight if math.isfinite(weight) and weight > 0 else 0.0


@lru_cache(maxsize=MOST_LIKES + 1)
def _faded(number: int) -> tuple[float, ...]:
    """Weights of likes, newest last; they sum to the number of likes."""
    weights = [1 / (1 + FADE * math.log10(place)) for place in range(number, 0, -1)]
    return tuple(weight * number / sum(weights) for weight in weights)


def _share(value: float | None, default: float) -> float:
    return default if value is None or math.isnan(value) else min(max(value, 0.0), 1.0)


def _starts(sizes: Iterator[int]) -> np.ndarray:
    return np.fromiter(accumulate(sizes, initial=0), np.int64)
