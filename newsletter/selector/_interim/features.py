"""Texts to numbers: words, their weights, and the pool of one issue that every reader's profile is held against."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsletter.types import Entry

Floats = NDArray[np.float32]

TITLE = 2  #: a word of the title or the topics counts as often as this many of the abstract
K1, B = 1.2, 0.4  #: BM25's saturation and length normalisation

#: Scripts written without spaces between words (and Hangul, whose endings stick to the word): cut into
#: pairs of characters instead.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
UNSPACED += "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
VOWEL_SIGNS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff"  # part of a word, though not \w
ACCENTS = re.compile("[\u0300-\u036f]")
BREAK = ".,;:!?()[]"  # no phrase reaches over these
PLAIN = re.compile(rf"[^\W_]+|[{re.escape(BREAK)}]")
ANY = re.compile(rf"[{UNSPACED}]+|(?:[^\W_{UNSPACED}]|[{VOWEL_SIGNS}])+|[{re.escape(BREAK)}。、，；：！？（）]")
IS_UNSPACED = re.compile(f"[{UNSPACED}]")

STOP = frozenset(
    """a about above across after again against all almost along already also although always am among an and
    another any are around as at be became because become been before behind being below between beyond both but
    by can cannot could did do does doing done due during each either else enough etc even ever every few first for
    from further get give given had has have having he hence her here hers him his how however i ie if in indeed
    instead into is it its itself just last least less made many may me might more moreover most mostly much must
    my namely near neither never nevertheless next no nor not nothing now of off often on once one only onto or
    other others otherwise our ours out over own per perhaps please put rather re same see seem several she should
    since so some something sometimes still such take than that the their theirs them then there therefore these
    they this those though three through throughout thus to together too toward towards two under until up upon us
    very via was we well were what when where whereas whether which while who whole whose why will with within
    without would yet you your yours s t""".split()
)


def fold(text: str) -> str:
    """Lower case, without accents and the variants of one letter: "Poincaré" is "poincare", "ﬁ" is "fi"."""
    if text.isascii():
        return text.lower()
    plain = ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFC", plain)


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """English plurals only, and only the safe ones: "policies", "networks", not "bias" or "loss"."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]


def words(text: str) -> list[str]:
    """Folded words in order, "" where a phrase ends. Compounds are their parts: "state-space" is two words."""
    folded = fold(text)
    found = (PLAIN if folded.isascii() else ANY).findall(folded)
    return [
        "" if word in STOP or (not word[0].isalnum() and not IS_UNSPACED.match(word)) else singular(word)
        for word in found
    ]


def terms(text: str) -> Iterator[str]:
    """Words and pairs of neighbours; pairs of characters in scripts without spaces."""
    found = words(text)
    for word in found:
        if IS_UNSPACED.match(word):
            yield from (word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif len(word) > 1:
            yield word
    for first, second in pairwise(found):
        if first and second:
            yield f"{first} {second}"


class Vocabulary:
    """The terms of one issue's texts and how telling each one is."""

    def __init__(self, counts: Sequence[Counter[str]]) -> None:
        seen: Counter[str] = Counter()
        for each in counts:
            seen.update(each.keys())
        self.terms = sorted(seen)
        self.place = {term: place for place, term in enumerate(self.terms)}
        frequency = np.array([seen[term] for term in self.terms], np.float32)
        #: Robertson and Sparck Jones' weight as Lucene writes it: never negative
        self.idf = np.log1p((len(counts) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)

    def matrix(self, counts: Sequence[Counter[str]]) -> sparse.csr_matrix:
        """float32[n, terms], rows of length 1 (or 0): BM25's term weights (Robertson and Zaragoza 2009, eq. 3.15)."""
        rows, columns, data = [], [], []
        for row, each in enumerate(counts):
            known = [(self.place[term], count) for term, count in each.items() if term in self.place]
            rows += [row] * len(known)
            columns += [place for place, _ in known]
            data += [count for _, count in known]
        shape = (len(counts), len(self.terms))
        found = sparse.csr_matrix((np.array(data, np.float32), (rows, columns)), shape=shape)
        return unit_rows(self._weighted(found))

    def _weighted(self, found: sparse.csr_matrix) -> sparse.csr_matrix:
        length = np.asarray(found.sum(axis=1)).ravel()
        norm = K1 * (1 - B + B * length / max(float(length.mean()) if len(length) else 0.0, 1e-9))
        per_value = np.repeat(norm, np.diff(found.indptr))
        found.data = self.idf[found.indices] * found.data * (K1 + 1) / (found.data + per_value)
        return found


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each row divided by its length; empty rows stay empty."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(lengths, 1e-9)) @ matrix, dtype=np.float32)


def count(entry: Entry) -> Counter[str]:
    """The terms of an entry; its title and topics count TITLE times."""
    counts = Counter(terms(entry.abstract))
    for text in (entry.title, *entry.topics):
        for term in terms(text):
            counts[term] += TITLE
    return counts


def count_words(texts: Iterable[str]) -> Counter[str]:
    """A profile's own words as if they were a small paper."""
    return Counter(term for text in texts for term in terms(text))
