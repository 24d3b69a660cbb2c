"""Scores of a pool for a block of interests: sparse products and one shared solve, no loop over entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from newsletter.selector._interim.features import Floats, Vocabulary, count, count_words, unit_rows
from newsletter.selector._interim.trend import trends
from newsletter.types import Entry, Interest

RIDGE = 10.0  #: regularisation of the shared ridge regression; larger is closer to the plain centroid
SHIFT = (
    3.0  #: likes at which centroid and ridge count the same: with one like the centroid is better, with many the ridge
)
AUTHOR = 0.5  #: what a pinned author adds to a cosine
LARGEST_GRAM = 6000  #: entries in the shared solve; a larger pool is ranked by the centroid alone


@dataclass(frozen=True, slots=True)
class Pool:
    """One issue, prepared: candidates (rows sorted by id) and the library that profiles refer to."""

    entries: tuple[Entry, ...]
    vocabulary: Vocabulary
    candidates: sparse.csr_matrix  #: float32[entries, terms]
    texts: sparse.csr_matrix  #: candidates, then library
    place: Mapping[str, int]  #: entry id → row of `texts`
    titles: tuple[str, ...]  #: of the rows of `texts`
    trend: Floats  #: float32[entries]; NaN where unknown
    factor: Floats | None  #: Cholesky factor of Gram + RIDGE·I over the candidates


def prepare(entries: Sequence[Entry], library: Sequence[Entry] = (), trend: Mapping[str, float] | None = None) -> Pool:
    """Once per issue. `library`: entries that profiles refer to and that are no candidates; `trend`: id → 0..1."""
    pool = sorted({entry.id: entry for entry in entries}.values(), key=lambda entry: entry.id)
    known = {entry.id for entry in pool}
    others = sorted({each.id: each for each in library if each.id not in known}.values(), key=lambda each: each.id)
    counts = [count(entry) for entry in (*pool, *others)]
    vocabulary = Vocabulary(counts)
    texts = vocabulary.matrix(counts)
    candidates = texts[: len(pool)]
    given = None if trend is None else np.array([trend.get(each.id, np.nan) for each in pool], np.float32)
    return Pool(
        entries=tuple(pool),
        vocabulary=vocabulary,
        candidates=candidates,
        texts=texts,
        place={entry.id: row for row, entry in enumerate((*pool, *others))},
        titles=tuple(entry.title for entry in (*pool, *others)),
        trend=trends(pool) if given is None else given,
        factor=_factor(candidates),
    )


def _factor(candidates: sparse.csr_matrix) -> Floats | None:
    size = candidates.shape[0]
    if not 1 < size <= LARGEST_GRAM:
        return None
    gram = np.asarray((candidates @ candidates.T).todense(), np.float32)
    gram[np.diag_indices(size)] += RIDGE
    return np.asarray(linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)[0], np.float32)


def queries(pool: Pool, interests: Sequence[Interest]) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """float32[interests, terms] twice: the interests' own words, and the mean of their liked papers; unit rows."""
    words = [_words(pool, interest) for interest in interests]
    rows = [(n, pool.place[each]) for n, one in enumerate(interests) for each in one.liked if each in pool.place]
    ones = (np.ones(len(rows), np.float32), tuple(zip(*rows, strict=True)) if rows else ([], []))
    liked = sparse.csr_matrix(ones, shape=(len(interests), pool.texts.shape[0])) @ pool.texts
    return pool.vocabulary.matrix(words), unit_rows(sparse.csr_matrix(liked))


def _words(pool: Pool, interest: Interest) -> Counter[str]:
    words = count_words(interest.keywords or (() if interest.liked else (interest.name,)))
    return Counter({term: number for term, number in words.items() if term in pool.vocabulary.place})


def scores(pool: Pool, words: sparse.csr_matrix, liked: sparse.csr_matrix, likes: Floats) -> Floats:
    """float32[interests, entries]: cosine to the own words plus that to the liked papers.

    With many likes the liked part is the ridge regression that takes the pool as background: for the query v and
    the pool X its scores are λ (X Xᵀ + λ I)⁻¹ X v (the push-through identity), one solve shared by all readers.
    """
    plain = _dense(liked @ pool.candidates.T)
    if pool.factor is not None and plain.any():
        solved = linalg.cho_solve((pool.factor, True), plain.T, check_finite=False).T * RIDGE
        share = (likes / (likes + SHIFT))[:, None]
        plain = (1 - share) * plain + share * solved
    return np.asarray(_dense(words @ pool.candidates.T) + plain, np.float32)


def _dense(matrix: sparse.csr_matrix) -> Floats:
    return np.asarray(matrix.todense(), np.float32)
