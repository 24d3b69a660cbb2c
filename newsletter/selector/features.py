"""Texts to numbers: words and pairs of words, weighted so that the dot product of two papers is their likeness."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsletter.types import Entry

Floats = NDArray[np.float32]

# Tuned on the public half of the ranking benchmark (short titles and full abstracts together).
TITLE = 2  #: a word of the title or the topics counts as this many in the abstract
K1, B = 0.6, 0.4  #: BM25's saturation and length normalisation
PAIR = 0.8  #: weight of a pair of words beside that of its words
COMMON = 4  #: words in fewer papers than this hardly lengthen a vector: few could ever meet them
RARE = 0.05  #: their share in the squared length,
LEAST = 0.25  #: which is never less than this part of the full one
LONGEST = 20_000  #: characters of one text that are read

#: Scripts written without spaces (and Hangul, whose endings stick to the word): cut into pairs of characters.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
UNSPACED += "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
SIGNS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff"  # vowel signs: part of a word, though not \w
ASCII_WORD = re.compile(r"[^\W_]+")
WORD = re.compile(f"[{UNSPACED}]+|(?:[^\\W_{UNSPACED}]|[{SIGNS}])+")
HAS_UNSPACED = re.compile(f"[{UNSPACED}]")
ACCENT = re.compile("[\u0300-\u036f]")

WORDS_OF_NO_TOPIC = """
a about above across after again against all almost along already also although always am among an and another
any are around as at be became because become been before behind being below between beyond both but by can
cannot could did do does doing done due during each either else enough etc even ever every few first for from
further get give given had has have having he hence her here hers him his how however i ie if in indeed instead
into is it its itself just last least less made many may me might more moreover most mostly much must my namely
near neither never nevertheless next no nor not nothing now of off often on once one only onto or other others
otherwise our ours out over own per perhaps please put rather re same see seem several she should since so some
something sometimes still such take than that the their theirs them then there therefore these they this those
though three through throughout thus to together too toward towards two under until up upon us very via was we
well were what when where whereas whether which while who whole whose why will with within without would yet you
your yours s t
"""
STOP = frozenset(WORDS_OF_NO_TOPIC.split())


def fold(text: str) -> str:
    """Lower case, no accents, one form a letter: "Poincaré" and "POINCARE" are the same, so are "ﬁ" and "fi"."""
    if text.isascii():
        return text.lower()
    plain = ACCENT.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFC", plain)


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """English plurals, only the safe ones: "policies", "networks"; not "bias", "loss", "analysis"."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "as")):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]


def unspaced(word: str) -> bool:
    return not word.isascii() and HAS_UNSPACED.match(word) is not None


def words(text: str) -> list[str]:
    """Folded words in order, without stop words; "state-space" is two words, so it meets "state space"."""
    folded = fold(text[:LONGEST])
    found = (ASCII_WORD if folded.isascii() else WORD).findall(folded)
    return [singular(word) for word in found if word not in STOP]


def terms(text: str) -> Iterator[str]:
    """Words and pairs of neighbours ("state space"); pairs of characters in scripts without spaces."""
    found = words(text)
    for word in found:
        if unspaced(word):
            yield from (word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif len(word) > 1 or not word.isascii():
            yield word
    for first, second in pairwise(found):
        yield f"{first} {second}"


def count(entry: Entry) -> Counter[str]:
    """How often each term stands in an entry, by the weight of the place."""
    counts = Counter(terms(entry.abstract))
    for place in (entry.title, *entry.topics):
        for term in terms(place):
            counts[term] += TITLE
    return counts


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms of one pool, with what is needed to weigh further texts."""

    terms: tuple[str, ...]
    columns: Mapping[str, int]  #: term -> its place in `terms`
    idf: Floats
    frequent: Floats  #: share of each term in a squared length: 1, or RARE
    length: float  #: mean number of counted terms in an entry
    norm: float = 1.0  #: mean length of an entry's vector before it is made 1

    def table(self, counts: Sequence[Mapping[str, int]]) -> sparse.csr_matrix:
        """Counted terms, one row a text; terms that no entry has are left out."""
        return _table([{t: n for t, n in row.items() if t in self.columns} for row in counts], self.columns)

    def weigh(self, table: sparse.csr_matrix) -> sparse.csr_matrix:
        """BM25's term weights (Robertson and Zaragoza 2009, eq. 3.15), not yet normalised."""
        rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
        lengths = np.bincount(rows, weights=table.data, minlength=table.shape[0])[rows]
        saturation = K1 * (1 - B + B * lengths / self.length)
        data = self.idf[table.indices] * table.data * (K1 + 1) / (table.data + saturation)
        return sparse.csr_matrix((data.astype(np.float32), table.indices, table.indptr), shape=table.shape)

    def norms(self, weighed: sparse.csr_matrix) -> Floats:
        """Lengths of the rows, 1 for an empty one."""
        own = weighed.multiply(weighed)
        squares = np.maximum(own @ self.frequent, own @ np.full_like(self.frequent, LEAST))
        return np.where(squares > 0, np.sqrt(squares), 1.0).astype(np.float32)

    def pseudo_papers(self, texts: Iterable[Sequence[str]]) -> sparse.csr_matrix:
        """Keywords as papers; a word weighs what it would in a paper of usual length, so few words weigh little."""
        counts = [Counter(term for text in keywords for term in terms(text)) for keywords in texts]
        weighed = self.weigh(self.table(counts))
        return weighed.multiply(np.float32(1 / self.norm)).tocsr()


def learn(entries: Sequence[Entry]) -> tuple[Vocabulary, sparse.csr_matrix]:
    """The vocabulary of these entries and their vectors (entries × terms), each of length about 1."""
    counts = [count(entry) for entry in entries]
    columns: dict[str, int] = {}
    for row in counts:
        for term in row:
            columns.setdefault(term, len(columns))
    table = _table(counts, columns)
    spread = np.bincount(table.indices, minlength=len(columns))
    idf = np.log1p((len(entries) - spread + 0.5) / (spread + 0.5))
    idf *= np.fromiter((PAIR if " " in term else 1.0 for term in columns), float, len(columns))
    frequent = np.where(spread < COMMON, RARE, 1.0).astype(np.float32)
    length = max(float(table.sum()) / max(len(entries), 1), 1.0)
    vocabulary = Vocabulary(tuple(columns), columns, idf.astype(np.float32), frequent, length)
    weighed = vocabulary.weigh(table)
    norms = vocabulary.norms(weighed)
    vectors = sparse.diags(1 / norms).dot(weighed).astype(np.float32).tocsr()
    mean = float(norms.mean()) if len(norms) else 1.0
    return Vocabulary(tuple(columns), columns, vocabulary.idf, frequent, length, mean), vectors


def _table(counts: Sequence[Mapping[str, int]], columns: Mapping[str, int]) -> sparse.csr_matrix:
    ends = np.cumsum([0, *(len(row) for row in counts)])
    indices = np.fromiter((columns[term] for row in counts for term in row), np.int32, ends[-1])
    data = np.fromiter((number for row in counts for number in row.values()), np.float32, ends[-1])
    return sparse.csr_matrix((data, indices, ends), shape=(len(counts), len(columns)))
