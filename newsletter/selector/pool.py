"""What all readers of one issue share: the candidates with their features, their trend, and who stands where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from newsletter.selector.features import Floats, Vocabulary, fold, learn, unspaced, words
from newsletter.selector.trend import trends
from newsletter.types import Entry

BACKGROUND = 3000  #: papers that stand for "everything else"; more cost much and change little [measured]
RIDGE = 10.0  #: penalty of the ridge regression, in squared lengths of one paper

Author = tuple[str, ...]  #: folded parts of a name, given names first


@dataclass(frozen=True, slots=True)
class Pool:
    """Made by `prepare`, read by `select`. Candidates come first in `entries` and `vectors`, sorted by id."""

    entries: tuple[Entry, ...]  #: candidates, then library
    size: int  #: number of candidates
    rows: Mapping[str, int]  #: entry id -> row, library included
    same: Mapping[str, int]  #: entry id -> the candidate that is the same paper
    vocabulary: Vocabulary
    vectors: sparse.csr_matrix  #: entries × terms
    background: sparse.csr_matrix  #: papers × terms
    damping: Floats  #: background × candidates; see `_damping`
    trend: Floats  #: 0..1, NaN where nothing is known
    measured: bool  #: the trend was given, so it tells a rise; else it was derived from plain counts
    popular: NDArray[np.intp]  #: candidates for a reader without interests, best first
    authors: Mapping[str, Sequence[tuple[Author, int, str]]]  #: last name -> name, candidate, name as printed
    text: str  #: all candidates' texts, folded, each field on a line of its own
    starts: NDArray[np.intp]  #: where each candidate begins in it

    def holding(self, phrase: str) -> list[int]:
        """Candidates whose title, abstract, topics or authors hold this phrase as whole words (or their plural)."""
        wanted, found = level(phrase), []
        at = self.text.find(wanted) if wanted else -1
        while at >= 0:
            if _whole(self.text, at, wanted):
                found.append(int(np.searchsorted(self.starts, at, side="right")) - 1)
                at = self._start(found[-1] + 1) - 1
            at = self.text.find(wanted, at + 1)
        return found

    def _start(self, candidate: int) -> int:
        return int(self.starts[candidate]) if candidate < self.size else len(self.text)


def prepare(entries: Sequence[Entry], library: Sequence[Entry] = (), trend: Mapping[str, float] | None = None) -> Pool:
    """Once per issue. library: entries that profiles refer to but that are not candidates.

    trend: entry id -> share 0..1 of comparable entries that rose less; an absent id is unknown, not zero. Without it,
    it is derived from votes, comments and stars. Of several candidates with one title, the fullest stands for all.
    """
    candidates, same = _distinct(entries)
    others = sorted({e.id: e for e in library if e.id not in same}.values(), key=lambda e: e.id)
    everything = (*candidates, *others)
    titles = {_title(entry): number for number, entry in enumerate(candidates)}
    same |= {e.id: titles[_title(e)] for e in others if _title(e) in titles}
    vocabulary, vectors = learn(everything)
    background = vectors[_sample(everything, len(candidates))]
    known = trends(candidates) if trend is None else np.array([_share(trend.get(e.id)) for e in candidates], np.float32)
    texts = [_lines(entry) for entry in candidates]
    return Pool(
        entries=everything,
        size=len(candidates),
        rows={**same, **{entry.id: row for row, entry in enumerate(everything)}},
        same=same,
        vocabulary=vocabulary,
        vectors=vectors,
        background=background,
        damping=_damping(background, vectors[: len(candidates)]),
        trend=known,
        measured=trend is not None,
        popular=_popular(candidates, known),
        authors=_authors(candidates),
        text="".join(texts),
        starts=np.cumsum([0, *map(len, texts)])[:-1],
    )


def level(text: str) -> str:
    """Folded, with hyphens and white space as one space: "State-space  models" is "state space models"."""
    return " ".join(fold(text).translate(_HYPHENS).split())


_HYPHENS = dict.fromkeys(map(ord, "-‐‑‒–—"), " ")


def person(name: str) -> Author:
    """ "Lovelace, Ada" and "Ada Lovelace" are the same; punctuation and accents do not count."""
    last, _, given = name.partition(",")
    return tuple(level(f"{given} {last}").replace(".", " ").split())


def _whole(text: str, at: int, wanted: str) -> bool:
    end = at + len(wanted)
    before, after = text[at - 1 : at], text[end : end + 1]
    if after == "s" and wanted[-1].isalpha():
        after = text[end + 1 : end + 2]
    opens = not before.isalnum() or not wanted[0].isalnum() or unspaced(wanted[0])
    return opens and (not after.isalnum() or not wanted[-1].isalnum() or unspaced(wanted[-1]))


def _lines(entry: Entry) -> str:
    names = (" ".join(person(name)) for name in entry.authors)
    fields = (entry.title, entry.abstract, *entry.topics, *entry.authors)
    return "\n".join(["", *map(level, fields), *names, ""])


def _title(entry: Entry) -> str:
    return " ".join(words(entry.title)) or f"\n{entry.id}"


def _distinct(entries: Iterable[Entry]) -> tuple[list[Entry], dict[str, int]]:
    """One entry per title, sorted by id; and for every id its number among them."""
    fullest: dict[str, Entry] = {}
    everyone = sorted(entries, key=lambda e: (-len(e.abstract), e.id, e.title, e.abstract))
    unique = {entry.id: entry for entry in reversed(everyone)}
    for entry in everyone:
        if unique[entry.id] is entry:
            fullest.setdefault(_title(entry), entry)
    kept = sorted(fullest.values(), key=lambda e: e.id)
    numbers = {_title(entry): number for number, entry in enumerate(kept)}
    return kept, {entry.id: numbers[_title(entry)] for entry in unique.values()}


def _sample(entries: Sequence[Entry], candidates: int) -> list[int]:
    """What readers liked (the library), filled up with candidates; by a checksum, so the same whoever asks."""
    order = sorted(range(len(entries)), key=lambda row: (row < candidates, crc32(entries[row].id.encode()), row))
    return sorted(order[:BACKGROUND])


def _damping(background: sparse.csr_matrix, candidates: sparse.csr_matrix) -> Floats:
    """(B Bᵀ + λ)⁻¹ B Nᵀ: what a reader's likeness to the background says about each candidate.

    A ridge regression of "liked" on the words of all papers scores a candidate n for a reader u as
    λ u (BᵀB + λ)⁻¹ nᵀ = u nᵀ - (u Bᵀ) (B Bᵀ + λ)⁻¹ B nᵀ (Woodbury): likeness less what any paper shares with it.
    One matrix serves every reader.
    """
    gram = (background @ background.T).toarray()
    gram[np.diag_indices_from(gram)] += RIDGE
    if not candidates.shape[0]:
        return np.zeros((background.shape[0], 0), np.float32)
    likeness = (background @ candidates.T).toarray()
    solved: Floats = linalg.solve(gram, likeness, assume_a="pos", overwrite_a=True, check_finite=False)
    return solved


def _share(value: float | None) -> float:
    return min(max(value, 0.0), 1.0) if value is not None and math.isfinite(value) else math.nan


def _popular(entries: Sequence[Entry], trend: Floats) -> NDArray[np.intp]:
    """By trend (unknown: the middle), then the newest, then by id."""
    known = np.nan_to_num(trend, nan=0.5)
    age = [-entry.published.timestamp() if entry.published else math.inf for entry in entries]
    return np.lexsort((np.arange(len(entries)), np.array(age), -known))


def _authors(entries: Sequence[Entry]) -> dict[str, list[tuple[Author, int, str]]]:
    found: dict[str, list[tuple[Author, int, str]]] = {}
    for number, entry in enumerate(entries):
        for name in entry.authors:
            if parts := person(name):
                found.setdefault(parts[-1], []).append((parts, number, name))
    return found
