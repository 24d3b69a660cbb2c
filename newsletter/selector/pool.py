"""What all readers of one issue share: the candidates with their features, their trend, and who stands where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from newsletter.people import PersonName, readings
from newsletter.selector.collaborative import neighbours
from newsletter.selector.embeddings import meaning_of
from newsletter.selector.features import Floats, learn
from newsletter.selector.kernel import PoolArrays, twins
from newsletter.selector.muting import MutedIndex, muted_index
from newsletter.selector.reason_texts import Wording
from newsletter.selector.score_table import RIDGE, PoolFeatures, Reference, ScoreTable
from newsletter.selector.similarity import CHUNK, Beside, beside
from newsletter.selector.term_counts import count_terms
from newsletter.selector.tokens import WORD, fold
from newsletter.selector.trend import trends
from newsletter.selector.typed import typed_index
from newsletter.types import Entry

BACKGROUND = 6000  #: papers that stand for "everything else", those that most readers like first

USUAL = 512  #: of them that tell what is usual
DIMENSIONS = 64  #: in which papers of one field are told from others, and fewer than a fourth of the papers
TWINS, LONG = 0.85, 300  #: two candidates with such a cosine, and so many features each, tell one story: one comes

Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pool(PoolFeatures):
    """Made by `prepare`, read by `select`. Candidates come first in `entries` and `counted`, sorted by id."""

    entries: tuple[Entry, ...]  #: candidates, then library
    rows: Mapping[str, int]  #: entry id → row, library included
    same: Mapping[str, int]  #: entry id → the candidate that is the same paper
    duplicate_of: Numbers  #: per candidate the first one that tells the same story
    trend: Floats  #: 0..1, NaN where nothing is known
    measured: bool  #: the trend was given, so it tells a rise; else it was derived from plain counts
    popular: Numbers  #: candidates for a reader without interests, best first
    arrays: PoolArrays  #: what the kernel takes of these
    authors: Mapping[str, Mapping[PersonName, Sequence[tuple[int, str]]]]  #: family → reading → candidates, as printed
    muted: MutedIndex
    table: ScoreTable  #: what was computed of it so far
    links: dict[
        Wording, dict[int | tuple[str, int], tuple[tuple[str, ...], str, bool, bool]]
    ]  #: the reasons.Link of each pair told so far, by language


def prepare(
    entries: Sequence[Entry],
    library: Sequence[Entry] = (),
    trend: Mapping[str, float] | None = None,
    likes: Iterable[Sequence[str]] = (),
    embedded: Mapping[str, Floats] | None = None,
) -> Pool:
    """Once per issue. library: entries that profiles refer to but that are not candidates.

    trend: entry id → share 0..1 of comparable entries that rose less; an absent id is unknown, not zero. Without it,
    it is derived from votes, comments and stars. likes: ids that each reader likes, of all readers: what they have in
    common serves every one of them. embedded: vectors of one embedder, of entries by id and of readers' words by
    themselves; what has none is ranked by its words. Of several candidates with one title, the fullest stands for all.
    """
    candidates, same = distinct(entries)
    others = sorted({e.id: e for e in library if e.id not in same}.values(), key=lambda e: e.id)
    everything = (*candidates, *others)
    titles = {_title(entry): number for number, entry in enumerate(candidates)}
    same |= {e.id: titles[_title(e)] for e in others if _title(e) in titles}
    places = {**same, **{entry.id: row for row, entry in enumerate(everything)}}
    liked = [[places[name] for name in dict.fromkeys(names) if name in places] for names in likes]
    counts = count_terms(everything, len(candidates))
    vocabulary, counted = learn(counts, liked), counts.counted
    sample = _sample(everything, len(candidates), liked)
    indexed = [*range(len(candidates)), *(row for row in sample.tolist() if row >= len(candidates))]
    terms = np.diff(counted.indptr).astype(np.float64)
    meaning = meaning_of([entry.id for entry in everything], terms, embedded)
    own, typical = (meaning.rows[: len(candidates)], meaning.rows[sample]) if meaning else (None, None)
    rows, background = vocabulary.weigh(counted[: len(candidates)]), vocabulary.weigh(counted[sample])
    near, around = beside(rows, own), beside(background, typical)
    gram = around.likeness(background, typical)
    del background
    compass = _compass(gram)
    usual = _usual(sample, len(candidates), liked)
    damping = _damping(gram, np.concatenate([around.likeness(rows, own), gram[usual]]))
    reference = Reference(sample[usual], usual, np.searchsorted(indexed, sample[usual]), damping[:, len(candidates) :])
    known, first = trend_of(candidates, trend), duplicates(rows, near)
    popular = by_trend(candidates, known)
    return Pool(
        entries=everything,
        size=len(candidates),
        rows=places,
        same=same,
        vocabulary=vocabulary,
        counted=counted,
        meaning=meaning,
        candidates=near,
        background=around,
        damping=damping[:, : len(candidates)],
        reference=reference,
        compass=compass,
        shared=neighbours(liked, len(everything), sample)[:, sample],
        typed=typed_index(
            [everything[row] for row in indexed],
            len(candidates),
            vocabulary,
            counted[indexed],
            counts.heads[indexed],
            meaning.vectors if meaning else None,
        ),
        duplicate_of=first,
        trend=known,
        measured=trend is not None,
        popular=popular,
        arrays=PoolArrays(np.nan_to_num(known, nan=0.5), first, twins(first), popular),
        authors=_authors(candidates),
        muted=muted_index(candidates),
        table=ScoreTable(),
        links={},
    )


def _title(entry: Entry) -> str:
    """Its words, without punctuation and case."""
    return " ".join(WORD.findall(fold(entry.title))) or f"\n{entry.id}"


def distinct(entries: Iterable[Entry]) -> tuple[list[Entry], dict[str, int]]:
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


def _sample(entries: Sequence[Entry], candidates: int, likes: Sequence[Sequence[int]]) -> Numbers:
    """Rows of the background: what most readers like, then the library, then candidates; else by a checksum.

    A checksum rather than chance: the same whoever asks.
    """
    popularity = np.zeros(len(entries), np.intp)
    for row in likes:
        popularity[row] += 1
    mixed = np.array([crc32(entry.id.encode()) for entry in entries], np.int64)
    order = np.lexsort((mixed, np.arange(len(entries)) < candidates, -popularity))
    return np.sort(order[:BACKGROUND])


def _usual(sample: Numbers, candidates: int, likes: Sequence[Sequence[int]]) -> Numbers:
    """Places in the sample of papers that tell what is usual: older ones that nobody likes first, then candidates."""
    liked = {row for rows in likes for row in rows}
    rank = np.array([2 * (row in liked) + (row < candidates) for row in sample.tolist()], np.int64)
    mixed = np.array([crc32(b"%d" % row) for row in sample.tolist()], np.int64)
    return np.sort(np.lexsort((mixed, rank))[:USUAL])


def _compass(gram: Floats) -> Floats:
    """Gram matrix → background × dimensions: a paper's likeness to the background times this is its place.

    Latent semantic analysis by Nyström's method: the largest eigenvectors but the first, which all papers share, found
    by two steps of subspace iteration from a fixed start (Halko, Martinsson and Tropp 2011).
    """
    size = len(gram)
    dimensions = min(DIMENSIONS, size // 4)
    start = np.random.default_rng(0).standard_normal((size, min(dimensions + 16, size))).astype(np.float32)
    basis = np.linalg.qr(gram @ (gram @ start))[0] if size else start
    values, vectors = np.linalg.eigh(basis.T @ gram @ basis)
    kept = np.flatnonzero(values > 1e-3)[::-1][1 : dimensions + 1]
    found: Floats = (basis @ vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    return found


def _damping(gram: Floats, likeness: Floats) -> Floats:
    """(B Bᵀ + λ)⁻¹ B Nᵀ: what a reader's likeness to the background says about each candidate. Overwrites both.

    A ridge regression of "liked" on the words of all papers scores a candidate n for a reader u as
    λ u (BᵀB + λ)⁻¹ nᵀ = u nᵀ - (u Bᵀ) (B Bᵀ + λ)⁻¹ B nᵀ (Woodbury): likeness less what any paper shares with it.
    One matrix serves every reader; λ times its row of a background paper is that paper's own score. likeness: N Bᵀ.
    Both are transposed as they stand, so that LAPACK finds its columns and needs no copy.
    """
    if not likeness.size:
        return likeness.T
    gram[np.diag_indices_from(gram)] += RIDGE
    factor = linalg.cho_factor(gram.T, overwrite_a=True, check_finite=False)
    solved: Floats = linalg.cho_solve(factor, likeness.T, overwrite_b=True, check_finite=False)
    return solved


def duplicates(candidates: sparse.csr_matrix, near: Beside) -> Numbers:
    """Per candidate the first one (by id) that is its near-duplicate, itself if none is.

    By the cosine; texts of a few words only are too short to tell.
    """
    first = np.arange(near.size)
    lengths = np.sqrt(np.asarray(candidates.multiply(candidates).sum(axis=1)).ravel())
    lengths[np.diff(candidates.indptr) < LONG] = np.inf
    for start in range(0, near.size, CHUNK):
        some = slice(start, start + CHUNK)
        alike = near.likeness(candidates[some]) >= TWINS * lengths[some, None] * lengths[None, :]
        first[some] = np.where(alike.any(axis=1), np.argmax(alike, axis=1), first[some])
    return np.minimum(first, first[first])


def trend_of(entries: Sequence[Entry], given: Mapping[str, float] | None) -> Floats:
    """0..1, NaN where nothing is known; `given`: as `prepare` takes it."""
    if given is None:
        return trends(entries)
    return np.array([_share(given.get(entry.id)) for entry in entries], np.float32)


def _share(value: float | None) -> float:
    return min(max(value, 0.0), 1.0) if value is not None and math.isfinite(value) else math.nan


def by_trend(entries: Sequence[Entry], trend: Floats) -> NDArray[np.intp]:
    """Places by trend (unknown: the middle), then the newest, then by id."""
    known = np.nan_to_num(trend, nan=0.5)
    age = [-entry.published.timestamp() if entry.published else math.inf for entry in entries]
    return np.lexsort((np.arange(len(entries)), np.array(age), -known))


def _authors(entries: Sequence[Entry]) -> dict[str, dict[PersonName, list[tuple[int, str]]]]:
    found: dict[str, dict[PersonName, list[tuple[int, str]]]] = {}
    for number, entry in enumerate(entries):
        for name in entry.authors:
            for reading in readings(name):
                found.setdefault(reading.family, {}).setdefault(reading, []).append((number, name))
    return found
