"""What a typed phrase says of papers: read as a search engine would, and told in deviations over older papers.

    words ─ stems and pairs, spellings, acronyms ─▶ BM25, title above abstract ─ feedback ─▶ score ─ library ─▶ z

nDCG@10 of 353 keywords under which authors filed their papers, over a venue's whole year [measured]: BM25 of the words
.406, of stems with the title counted four times and pairs of words at half weight .427, with feedback .438.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsletter.selector.acronyms import Acronyms, learn_acronyms
from newsletter.selector.features import PRIOR, Floats, Vocabulary, stemmed
from newsletter.selector.term_counts import TITLE as COUNTED
from newsletter.selector.tokens import asked, is_letter, stem, terms_of, words
from newsletter.types import Entry

TITLE = 4  #: a word of the title or the topics counts as this many in the abstract
K1, B = 1.5, 0.75  #: BM25's saturation and length normalisation, as usual
PAIR = 0.5  #: weight of a pair of words beside that of its words
FEEDBACK = 20  #: best papers that a phrase's further words are taken from,
FURTHER = 45  #: so many at most, from those that a second paper has,
OWN = 0.4  #: beside the phrase's own, which keep this share, and more where fewer papers than that have any of them
STEADY, SLOWER = 8.0, 4.0  #: deviations up to which they count as they are, and how slowly more of them count for more
LETTER = 3.0  #: weight of a pair with a letter by itself, in those of other pairs
LONGER, SHORTER = 0.7, 0.4  #: weight of an acronym's long form beside it, and of the acronym beside the long form
EXPECTED = 30.0  #: papers that the background table counts for where it is reckoned what is usual
HIGHEST, WIDEST = 2.0, 4.5  #: mean and deviation of a score, at most, in deviations that the background expects:
#: over 400 papers of one conference they are .5 to 2 and 1.7 to 4.3 for nine phrases of ten [measured]
ENOUGH = 200  #: older papers from which on the candidates are not needed to tell what is usual
NEAREST = 10  #: best papers whose mean vector is looked for beside the phrase's own
WORDS = 0.5  #: weight of the words beside the vectors, both in deviations
MEANT = 1.6  #: what makes a deviation of both together as telling as one of words alone
LEAST = 1e-6  #: deviation of what no paper has


@dataclass(frozen=True, slots=True)
class TypedIndex:
    """Candidates, and behind them older papers, by their stems."""

    columns: dict[str, int]  #: stem, or pair of stems → its column
    stems: sparse.csr_matrix  #: columns × papers: BM25's weights
    frequent: sparse.csr_matrix  #: papers × columns: share of a stem in a paper
    values: NDArray[np.float64]  #: columns: how telling a stem is
    background: NDArray[np.float64]  #: columns: in what share of all papers of the world a stem stands
    spread: NDArray[np.int64]  #: columns: papers that have it
    usual: NDArray[np.intp]  #: papers that tell what is usual
    acronyms: Acronyms
    vectors: Floats  #: papers × dimensions, of length 1; of no dimension without an embedder
    embedded: NDArray[np.bool_]  #: papers that have a vector
    said: Mapping[str, NDArray[np.float32]]  #: of phrases

    def scores(self, phrases: Sequence[str]) -> Floats:
        """phrases × papers: in deviations above what is usual; 0 where nothing is known of a phrase."""
        found = np.zeros((len(phrases), self.stems.shape[1]), np.float32)
        for row, phrase in enumerate(phrases):
            words, voice = self.query(phrase), self._voice(phrase)
            if voice is not None:
                found[row] = MEANT * self._with_meaning(words, voice)
            elif words:
                found[row] = self._read_by_words(words, self._summed(*_columns_and_shares(words)))
        above = np.maximum(found - STEADY, 0)
        told: Floats = np.minimum(found, STEADY) + np.float32(SLOWER) * np.log1p(above / np.float32(SLOWER))
        return told

    def knows(self, phrase: str) -> bool:
        """Whether any paper, old or new, has a word of it."""
        return bool(self.query(phrase))

    def query(self, phrase: str) -> dict[int, float]:
        """The phrase, with the other ways to write and to say it: column → its weight."""
        own = words(asked(phrase))
        weights = self._read(own, 1.0)
        longer, shorter = self.acronyms.longer(own, phrase), self.acronyms.shorter(own)
        for other, share in [*((way, LONGER) for way in longer), *((way, SHORTER) for way in shorter)]:
            for column, weight in self._read(other, share).items():
                weights[column] = max(weights.get(column, 0.0), weight)
        return weights

    def _read(self, own: Sequence[str], weight: float) -> dict[int, float]:
        found: dict[int, float] = {}
        for term in terms_of([*own]):
            letter = " " in term and any(map(is_letter, term.split(" ")))  # of "T cell" only the pair tells anything
            for column in self._columns(term):
                found[column] = found.get(column, 0.0) + weight * (LETTER if letter else 1)
        return found

    def _columns(self, term: str) -> list[int]:
        """Those of a word or pair: as it stands, written as one word, or as two."""
        names = [stemmed(term)]
        if " " in term:
            names.append(stem(term.replace(" ", "", 1)))
        elif names[0] not in self.columns:
            names += [stemmed(f"{term[:cut]} {term[cut:]}") for cut in range(1, min(len(term), 40))]
        return [self.columns[name] for name in names if name in self.columns]

    def _voice(self, phrase: str) -> NDArray[np.float64] | None:
        """Per paper the cosine of its vector with the phrase's; NaN for papers without one."""
        vector = self.said.get(phrase)
        return None if vector is None else self._cosines(vector)

    def _cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        length = float(np.linalg.norm(vector))
        return np.where(self.embedded, self.vectors @ (vector / length if length else vector), np.nan)

    def _with_meaning(self, words: dict[int, float], voice: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of words and vectors together, both with feedback from what is best by both."""
        near = self._deviations(voice)
        said = self._summed(*_columns_and_shares(words)) if words else np.zeros(len(voice))
        mixed = near + WORDS * (self._read_by_words(words, said) if words else said)
        best = np.argsort(-mixed, kind="stable")[:NEAREST]
        centre = np.exp(mixed[best] - mixed[best[0]]) @ np.where(self.embedded[best, None], self.vectors[best], 0)
        near = self._deviations(near + self._deviations(self._cosines(centre)))
        if not words:
            return near
        leading = np.maximum(
            mixed - np.partition(mixed, -min(FEEDBACK + 1, len(mixed)))[-min(FEEDBACK + 1, len(mixed))], 0
        )
        return self._deviations(near + WORDS * self._read_by_words(words, leading))

    def _deviations(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """In deviations over older papers; 0 where nothing is known."""
        seen = found[self.usual]
        seen = seen[np.isfinite(seen)]
        if len(seen) < 2:
            return np.zeros(len(found))
        told: NDArray[np.float64] = np.nan_to_num((found - seen.mean()) / max(float(seen.std()), LEAST))
        return told

    def _read_by_words(self, words: dict[int, float], leading: NDArray[np.float64]) -> NDArray[np.float64]:
        """In deviations over older papers. leading: how much each paper counts for feedback."""
        columns, shares = self._with_feedback(*_columns_and_shares(words), leading)
        found = self._summed(columns, shares)
        mean, deviation = self._usual(found, columns, shares)
        standing: NDArray[np.float64] = (found - mean) / deviation
        return standing

    def _summed(self, columns: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Per paper the weighted sum of these stems."""
        rows = self.stems[columns]
        data = rows.data * np.repeat(weights, np.diff(rows.indptr))
        return np.bincount(rows.indices, weights=data, minlength=self.stems.shape[1]).astype(np.float64)

    def _with_feedback(
        self, columns: NDArray[np.int64], weights: NDArray[np.float64], found: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Add what the best papers have in common: a relevance model (Lavrenko and Croft 2001; RM3)."""
        best = np.argsort(-found, kind="stable")[:FEEDBACK]
        best = best[found[best] > 0]
        rows = self.frequent[best]
        shares = np.repeat(found[best] / found[best].sum(), np.diff(rows.indptr)) * rows.data
        further, inverse = np.unique(rows.indices, return_inverse=True)
        mass = np.bincount(inverse, weights=shares, minlength=len(further))
        mass[self.spread[further] < 2] = 0
        kept = np.argsort(-mass, kind="stable")[:FURTHER]
        further, mass = further[kept].astype(np.int64), mass[kept]
        if not mass.sum() > 0:
            return columns, weights
        support = found[best].sum() ** 2 / (found[best] ** 2).sum()  # papers, each by what it says of the phrase
        part = (1 - OWN) * min(float(support) / FEEDBACK, 1)
        both = np.concatenate([columns, further])
        share = np.concatenate([(1 - part) * weights, part * mass / mass.sum()])
        whole, inverse = np.unique(both, return_inverse=True)
        return whole.astype(np.int64), np.bincount(inverse, weights=share, minlength=len(whole)).astype(np.float64)

    def _usual(
        self, found: NDArray[np.float64], columns: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Mean and deviation of a score over older papers; few of them are helped by what the background expects.

        Neither is more than in a library of many fields: where a third of all papers speak of it, they still match.
        """
        typical, rates = weights * self.values[columns], self.background[columns]
        mean, variance = float(typical @ rates), float(typical**2 @ (rates * (1 - rates)))
        unit, seen = np.sqrt(variance), found[self.usual]
        whole = len(seen) + EXPECTED
        middle = (seen.sum() + EXPECTED * mean) / whole
        spread = ((seen - middle) ** 2).sum() + EXPECTED * (variance + (mean - middle) ** 2)
        highest, widest = mean + HIGHEST * unit, WIDEST * unit
        return float(min(middle, highest)), float(min(np.sqrt(spread / whole), widest)) or LEAST


def _columns_and_shares(words: dict[int, float]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    weights = np.array([*words.values()])
    return np.array([*words], np.int64), weights / weights.sum()


def typed_index(
    entries: Sequence[Entry],
    size: int,
    vocabulary: Vocabulary,
    counted: sparse.csr_matrix,
    heads: sparse.csr_matrix,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
) -> TypedIndex:
    """Index entries, `size` candidates and behind them older papers; counted, heads: their terms by this vocabulary.

    vectors: of one embedder, sound ones: of entries by id and of phrases by themselves.
    """
    stems = ((counted + (TITLE - COUNTED) * heads) @ vocabulary.views[1].parts).tocsr()
    owner = np.repeat(np.arange(stems.shape[0]), np.diff(stems.indptr))
    pairs = np.fromiter((" " in name for name in vocabulary.stems), np.bool_, stems.shape[1])
    single = stems.data * ~pairs[stems.indices]
    lengths = np.maximum(np.bincount(owner, weights=single, minlength=stems.shape[0]), 1)
    spread = np.bincount(stems.indices, minlength=stems.shape[1])
    rates = (spread + PRIOR * vocabulary.stem_rates) / (stems.shape[0] + PRIOR)
    values = -np.log(rates) * np.where(pairs, PAIR, 1.0)
    saturation = K1 * (1 - B + B * lengths / max(float(lengths.sum()), 1.0) * len(lengths))
    data = values[stems.indices] * stems.data * (K1 + 1) / (stems.data + saturation[owner])
    weighed = sparse.csr_matrix((data.astype(np.float32), stems.indices, stems.indptr), shape=stems.shape)
    shares = (stems.data / lengths[owner]).astype(np.float32)
    frequent = sparse.csr_matrix((shares, stems.indices, stems.indptr), shape=stems.shape)
    older = np.arange(size, len(entries))
    usual = older if len(older) >= ENOUGH else np.arange(len(entries))
    columns = {**vocabulary.stems}
    acronyms = learn_acronyms(entry.abstract for entry in entries)
    rows, embedded = _unit_rows(entries, vectors or {})
    said = vectors if vectors and embedded.any() else {}
    return TypedIndex(
        columns,
        weighed.T.tocsr(),
        frequent,
        values,
        vocabulary.stem_rates,
        spread,
        usual,
        acronyms,
        rows,
        embedded,
        said,
    )


def _unit_rows(
    entries: Sequence[Entry], vectors: Mapping[str, NDArray[np.float32]]
) -> tuple[Floats, NDArray[np.bool_]]:
    """entries × dimensions, each row of length 1 or 0. And which have one."""
    found = [vectors.get(entry.id) for entry in entries]
    embedded = np.array([vector is not None for vector in found], np.bool_)
    known = [vector for vector in found if vector is not None]
    if not known:
        return np.zeros((len(entries), 0), np.float32), embedded
    rows = np.zeros((len(entries), len(known[0])), np.float32)
    rows[embedded] = np.stack(known)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), LEAST)
    return rows, embedded
