"""Texts to numbers: three views of a paper, weighed so that the dot product of two papers is their likeness.

    words   single words and pairs of neighbours, as they stand        exact, and what reasons are told in
    stems   the same by their stems, in American spelling              "diffuse", "diffusion", "diffusing"
    grams   three to five letters of each word                         "semanticweb" and "semantic web"

A paper's row holds all three, each of length √(its weight), so the row has length about 1 and one product serves all.
nDCG@10 on the ranking benchmark, titles / abstracts: words alone .249 / .288, with stems .252 / .295, with all three
.258 / .297; of keywords alone .177 / .136, .178 / .136 and .182 / .140 [measured].
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsletter.selector.term_counts import TermCounts
from newsletter.selector.tokens import asked, stem, terms

Floats = NDArray[np.float32]

# Tuned on the public half of the ranking benchmark (short titles and full abstracts together).
K1, B = 0.6, 0.4  #: BM25's saturation and length normalisation
PAIR = 0.8  #: weight of a pair of words beside that of its words
STEMS, GRAMS = 0.8, 0.3  #: weights of these views beside 1 for the words
LENGTHS = (3, 4, 5)  #: letters of a gram; a word's ends count as letters
BROAD = 0.1  #: grams in a larger share of the papers tell little and cost most
COMMON = 4  #: terms in fewer papers than this hardly lengthen a row: few could ever meet them
RARE = 0.05  #: their share in the squared length,
LEAST = 0.25  #: which is never less than this part of the full one
PRIOR = 300.0  #: papers that the background table counts for: a pool of 20 cannot tell what is rare
UNKNOWN, UNKNOWN_PAIR = 2.5e-4, 8e-4  #: rates of what the table does not have; its floors are 5e-4 and 15e-4
REPEAT = 0.6  #: a reader's next paper has a word of rate p that the last one had with chance REPEAT·√p [measured]
SOFTER = 0.75  #: power of the weight that is learnt beside the inverse document frequency
PHRASE = 3.0  #: terms of a usual phrase: two words and their pair
SOME = 2048  #: papers weighed at once: they have some 1,500 features each


def stemmed(term: str) -> str:
    """The stem, or pair of stems, of a term."""
    return " ".join(map(stem, term.split(" ")))


def stems(term: str, known: Container[str]) -> Mapping[str, int]:
    """The stem, or pair of stems, of a term; for a pair that others write as one of the `known` words, that one too.

    So "x-ray", "data set" and "semantic web" meet "xray", "dataset" and "semanticweb".
    """
    joined = term.replace(" ", "", 1)
    return {stemmed(term): 1, stem(joined): 1} if joined != term and joined in known else {stemmed(term): 1}


def grams(word: str) -> Mapping[str, int]:
    """The pieces of a word and how often it has them."""
    whole = f"<{word}>"
    return Counter(whole[i : i + length] for length in LENGTHS for i in range(len(whole) - length + 1))


@lru_cache(maxsize=1)
def background() -> Mapping[str, float]:
    """Term → share of papers it stands in, over all fields: the head of background.txt says which."""
    lines = Path(__file__).with_name("background.txt").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if not line.startswith("#"))
    return {term: float(rate) / 10_000 for term, rate in pairs}


@dataclass(frozen=True, slots=True)
class View:
    """One way to see the terms of a pool; weighs texts into rows of length 1."""

    parts: sparse.csr_matrix | None  #: terms × features of this view; None where they are the same
    values: Floats  #: what a feature weighs
    common: Floats  #: share of each feature in a squared length: 1, or RARE
    length: float  #: mean number of counted features in a paper
    spoken: float = 1.0  #: length of a usual phrase of a reader before it is made 1

    def rows(self, table: sparse.csr_matrix, spoken: bool = False) -> sparse.csr_matrix:
        """Counted terms (texts × terms) to rows of length about 1; empty ones stay empty.

        `spoken`: what readers say keeps its length beside that of a usual phrase, so telling words weigh more.
        BM25's term weights: Robertson and Zaragoza 2009, eq. 3.15.
        """
        weighed, norms = self.weighed(table)
        owner = np.repeat(np.arange(weighed.shape[0]), np.diff(weighed.indptr))
        lengths = self.spoken if spoken else np.where(norms > 0, norms, 1)[owner]
        return sparse.csr_matrix(
            ((weighed.data / lengths).astype(np.float32), weighed.indices, weighed.indptr), shape=weighed.shape
        )

    def weighed(self, table: sparse.csr_matrix) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
        """Rows before they are made 1, and their lengths."""
        counted = table if self.parts is None else (table @ self.parts).tocsr()
        owner = np.repeat(np.arange(counted.shape[0]), np.diff(counted.indptr))
        lengths = np.bincount(owner, weights=counted.data, minlength=counted.shape[0])[owner]
        saturation = K1 * (1 - B + B * lengths / self.length)
        data = self.values[counted.indices] * counted.data * (K1 + 1) / (counted.data + saturation)
        squares = data.astype(np.float64) ** 2
        full = np.bincount(owner, weights=squares, minlength=counted.shape[0])
        met = np.bincount(owner, weights=squares * self.common[counted.indices], minlength=counted.shape[0])
        norms = np.sqrt(np.maximum(met, LEAST * full))
        return sparse.csr_matrix((data, counted.indices, counted.indptr), shape=counted.shape), norms


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms of one pool, with what is needed to weigh further texts."""

    terms: tuple[str, ...]  #: by column
    columns: dict[str, int]  #: term → its place in `terms`, and its column in the rows
    views: tuple[View, ...]
    weights: tuple[float, ...]  #: of the views; their squares sum to 1
    stems: Mapping[str, int]  #: stem, or pair of stems → its column in the second view
    stem_rates: NDArray[np.float64]  #: by column: the share of papers that it stands in, by the background table

    def said(self, phrases: Iterable[str]) -> sparse.csr_matrix:
        """Counted terms of what readers say: phrases × terms."""
        counts = (Counter(term for term in terms(asked(phrase)) if term in self.columns) for phrase in phrases)
        return table(counts, self.columns, len(self.terms))

    def words(self, counted: sparse.csr_matrix, spoken: bool = False) -> sparse.csr_matrix:
        """Counted terms to the view of words alone, as `weigh` puts it first."""
        return self.views[0].rows(counted, spoken) * np.float32(self.weights[0])

    def weigh(self, counted: sparse.csr_matrix, spoken: bool = False) -> sparse.csr_matrix:
        """Counted terms to rows of features, all views side by side. `spoken`: of readers, not of papers."""
        shares = zip(self.views, self.weights, strict=True)
        weighted = [(view, np.float32(weight)) for view, weight in shares]
        rows = [
            sparse.hstack(
                [view.rows(some, spoken) * weight for view, weight in weighted], format="csr", dtype=np.float32
            )
            for some in _some(counted)
        ]
        return sparse.vstack(rows, format="csr", dtype=np.float32)


def learn(counts: TermCounts, likes: Sequence[Sequence[int]] = ()) -> Vocabulary:
    """The vocabulary of these papers, which weighs their counts and those of further texts.

    likes: for each reader the rows of liked papers; from two on they teach which words come back.
    """
    columns, counted = counts.columns, counts.counted
    rates = np.fromiter((_rate(term) for term in columns), np.float64, len(columns))
    pairs = np.fromiter((" " in term for term in columns), np.bool_, len(columns))
    by_stem = _parts(columns, rates, partial(stems, known=columns))
    views = (
        _view(counted, None, rates, np.where(pairs, PAIR, 1.0), likes),
        _mapped(counted, by_stem, likes),
        _mapped(counted, _parts([term for term in columns if " " not in term], rates, grams), None),
    )
    shares = np.sqrt(np.array([1.0, STEMS, GRAMS]) / (1 + STEMS + GRAMS))
    return Vocabulary(tuple(columns), columns, views, tuple(shares.tolist()), by_stem.columns, by_stem.rates)


def table(counts: Iterable[Mapping[str, int]], columns: dict[str, int], width: int = 0) -> sparse.csr_matrix:
    """Counts as a matrix: texts × columns, at least `width`; what is new gets a new column."""
    indices, data, ends = array("i"), array("f"), array("q", [0])
    for row in counts:
        indices.extend([columns.setdefault(term, len(columns)) for term in row])
        data.extend(row.values())
        ends.append(len(indices))
    parts = np.array(data, np.float32), np.array(indices, np.int32), np.array(ends, np.int64)
    found = sparse.csr_matrix(parts, shape=(len(ends) - 1, max(width, len(columns))))
    found.sort_indices()
    return found


def _some(counted: sparse.csr_matrix) -> Iterator[sparse.csr_matrix]:
    for start in range(0, max(counted.shape[0], 1), SOME):
        yield counted[start : start + SOME]


def _rate(term: str) -> float:
    return background().get(term, UNKNOWN_PAIR if " " in term else UNKNOWN)


class _Parts(NamedTuple):
    """What terms are made of."""

    columns: Mapping[str, int]  #: piece → its column
    counted: sparse.csr_matrix  #: terms × pieces
    rates: NDArray[np.float64]  #: of a piece: it is as frequent as the terms that have it together


def _parts(terms: Iterable[str], rates: NDArray[np.float64], pieces: Callable[[str], Mapping[str, int]]) -> _Parts:
    """The pieces of these terms, the first ones of all."""
    known: dict[str, int] = {}
    counted = table(map(pieces, terms), known)
    counted.resize(len(rates), len(known))
    return _Parts(known, counted, np.minimum(np.asarray(counted.T @ rates).ravel(), 0.9))


def _mapped(counted: sparse.csr_matrix, parts: _Parts, likes: Sequence[Sequence[int]] | None) -> View:
    """A view whose features are pieces of terms."""
    weights = np.fromiter((PAIR if " " in piece else 1.0 for piece in parts.columns), np.float64, len(parts.rates))
    return _view(counted, parts.counted, parts.rates, weights, likes)


def _view(
    counted: sparse.csr_matrix,
    parts: sparse.csr_matrix | None,
    rates: NDArray[np.float64],
    weights: NDArray[np.float64],
    likes: Sequence[Sequence[int]] | None,
) -> View:
    """likes None: this view learns nothing and drops what is broad."""
    papers, total = np.zeros(len(rates), np.int64), 0.0
    for some in _some(counted):
        seen = some if parts is None else (some @ parts).tocsr()
        papers += np.bincount(seen.indices, minlength=len(rates))
        total += float(seen.data.sum(dtype=np.float64))
    rate = (papers + PRIOR * rates) / (counted.shape[0] + PRIOR)
    value = -np.log(rate) * weights
    if likes is None:
        value *= rate <= BROAD
    else:
        value *= _learnt(rate, *repeats(counted if parts is None else (counted @ parts).tocsr(), likes))
    length = max(total / max(counted.shape[0], 1), 1.0)
    common = np.where(papers < COMMON, RARE, 1.0)
    view = View(parts, value.astype(np.float32), common.astype(np.float32), length)
    norms = view.weighed(counted[:SOME])[1]
    share = PHRASE / max(counted.nnz / max(counted.shape[0], 1), PHRASE)
    return replace(view, spoken=max(float(norms.mean() * np.sqrt(share)) if len(norms) else 1.0, 1e-6))


EVIDENCE = 10.0  #: pairs of a reader's papers that the rule REPEAT·√p counts for


def _learnt(rate: NDArray[np.float64], again: NDArray[np.float64], chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor beside the idf: how much more often a word comes back in a reader's papers than it should by chance.

    log P(both have it | same reader) / P(both have it | any two) = log(chance to come back) - log(rate), which is the
    idf and log(chance); 2 is added, so that hardly any word counts against a paper.
    """
    chance = (again + EVIDENCE * REPEAT * np.sqrt(rate)) / (chances + EVIDENCE)
    idf = -np.log(rate)
    factor: NDArray[np.float64] = (np.maximum(idf + np.log(chance) + 2, 0.05) / idf) ** SOFTER
    return factor


def repeats(
    counted: sparse.csr_matrix, likes: Sequence[Sequence[int]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per feature: how often it came back in another paper of the same reader, and how often it could have.

    Every reader with n papers counts as n, whatever n: a word of one of them may come back in n - 1 others.
    """
    several = [row for row in likes if len(row) > 1]
    ends = np.cumsum([0, *map(len, several)])
    indices = np.fromiter((paper for row in several for paper in row), np.int64, ends[-1])
    readers = sparse.csr_matrix((np.ones(ends[-1], np.float32), indices, ends), shape=(len(several), counted.shape[0]))
    has = sparse.csr_matrix((np.ones_like(counted.data), counted.indices, counted.indptr), shape=counted.shape)
    holding = (readers @ has).tocsr()
    others = np.diff(ends) - 1
    owner = np.repeat(np.arange(len(several)), np.diff(holding.indptr))
    again = holding.data * (holding.data - 1) / np.maximum(others, 1)[owner]
    width = counted.shape[1]
    return (
        np.bincount(holding.indices, weights=again, minlength=width).astype(np.float64),
        np.bincount(holding.indices, weights=holding.data, minlength=width).astype(np.float64),
    )
