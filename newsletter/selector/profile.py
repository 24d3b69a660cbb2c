"""Profiles to vectors: one row per interest of every reader in a block."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from newsletter.selector.features import Floats, fold
from newsletter.selector.pool import Author, Pool, person
from newsletter.types import Interest, Profile

# Tuned on the public half of the ranking benchmark.
KEYWORDS = 1.5  #: all keywords of an interest together: what a reader wrote says more than one liked paper
FADE = 0.5  #: a liked paper's weight is 1 / (1 + FADE·log10(place)), the newest in place 1
TRUST = 3.0  #: likes at which the ridge regression counts half; with one like the plain centroid is better
LESS = 0.5  #: all disliked papers together, beside the interest's own words


@dataclass(frozen=True, slots=True)
class Wish:
    """One interest of one reader, with its liked papers found in the pool."""

    reader: int
    interest: Interest
    liked: tuple[int, ...]  #: rows of the pool, newest last


@dataclass(frozen=True, slots=True)
class Wishes:
    """All wishes of a block of readers as matrices (wishes × terms)."""

    each: tuple[Wish, ...]
    wanted: sparse.csr_matrix  #: each row of length 1
    unwanted: sparse.csr_matrix  #: distinctive words of disliked papers
    trust: Floats  #: 0..1, how far the ridge regression counts


def interests(profile: Profile) -> tuple[Interest, ...]:
    """The reader's own, then one of all loose words and likes, as weighty as the mean of the others.

    Weights that are no positive number count as 0; when all are 0, they count as equal.
    """
    own = [replace(each, weight=_weight(each.weight)) for each in profile.interests]
    if own and not any(each.weight for each in own):
        own = [replace(each, weight=1.0) for each in own]
    keywords = tuple(part for part in (part.strip() for part in re.split(r"[;\n]", profile.text)) if part)
    if keywords or profile.liked:
        weight = sum(each.weight for each in own) / len(own) if own else 1.0
        own.append(Interest("", weight, keywords, liked=profile.liked))
    return tuple(own)


def gather(pool: Pool, profiles: Sequence[Profile]) -> Wishes:
    """The block's wishes as matrices; liked papers that the pool does not know are left out."""
    each = tuple(
        Wish(reader, interest, tuple(pool.rows[name] for name in dict.fromkeys(interest.liked) if name in pool.rows))
        for reader, profile in enumerate(profiles)
        for interest in interests(profile)
    )
    likes = _rows([_faded(len(wish.liked)) for wish in each], [wish.liked for wish in each], len(pool.entries))
    words = pool.vocabulary.pseudo_papers([_spoken(wish.interest) for wish in each])
    wanted = _unit(likes @ pool.vectors + words.multiply(np.float32(KEYWORDS)))
    numbers = np.array([len(wish.liked) for wish in each], np.float32)
    return Wishes(each, wanted, _unwanted(pool, profiles, each, wanted), numbers / (numbers + TRUST))


def written_by(pool: Pool, wish: Wish) -> dict[int, str]:
    """Candidates by the authors that this interest names, with the name as the paper prints it."""
    found: dict[int, str] = {}
    for asked in filter(None, map(person, wish.interest.authors)):
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
    texts = (interest.name, *interest.keywords)
    return tuple({fold(text).strip(): text for text in reversed(texts)}.values())


def _weight(weight: float) -> float:
    return weight if math.isfinite(weight) and weight > 0 else 0.0


def _faded(number: int) -> Floats:
    """Weights of likes, newest last; they sum to the number of likes."""
    weights = 1 / (1 + FADE * np.log10(np.arange(number, 0, -1)))
    faded: Floats = (weights * number / max(weights.sum(), 1)).astype(np.float32)
    return faded


def _unwanted(
    pool: Pool, profiles: Sequence[Profile], each: Sequence[Wish], wanted: sparse.csr_matrix
) -> sparse.csr_matrix:
    """Words of the disliked papers but those of the interest itself: away from the paper, not from its field."""
    known = [[pool.rows[name] for name in profile.disliked if name in pool.rows] for profile in profiles]
    rows = [known[wish.reader] for wish in each]
    shares = [np.full(len(row), LESS / max(len(row), 1), np.float32) for row in rows]
    disliked = _rows(shares, rows, len(pool.entries)) @ pool.vectors
    return (disliked - disliked.multiply(wanted.sign())).tocsr()


def _unit(table: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows of length 1, so that likeness is a cosine; empty ones stay empty."""
    sizes = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    return sparse.diags(1 / np.where(sizes > 0, sizes, 1)).dot(table).astype(np.float32).tocsr()


def _rows(values: Sequence[Floats], columns: Sequence[Sequence[int]], width: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *map(len, columns)])
    data = np.concatenate([np.zeros(0, np.float32), *values])
    indices = np.fromiter((column for row in columns for column in row), np.int32, ends[-1])
    return sparse.csr_matrix((data, indices, ends), shape=(len(columns), width))
