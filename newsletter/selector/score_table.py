"""What a liked paper, or a reader's keyword, says of every candidate: a row each, computed once an issue.

    row   likeness to each candidate, less what any paper shares with it, with what the same readers like

A reader's score is a weighted mean of such rows, so a million readers cost some additions each, and the parts of a
score are known to the last digit: that is what reasons are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsletter.selector.embeddings import Meaning
from newsletter.selector.features import Floats, Vocabulary
from newsletter.selector.kernel import Scores
from newsletter.selector.similarity import CHUNK, Beside, padded
from newsletter.selector.typed import EXPECTED, TypedIndex

LARGEST = 600_000_000  #: bytes of rows that are kept; then it starts anew
FINEST = 32_767  #: a row is kept in so many steps up to its largest number: half the memory, and half the time to read
DEVIATION = 0.02  #: what one deviation of a typed phrase is worth beside the likeness to a liked paper
VIEWS = 0.2  #: weight of a phrase's likeness in the three views of a paper beside what the index says, in deviations;
#: none with an embedder, which says that and more: nDCG@10 of typed phrases is .486 without it, .484 with it [measured]
SKETCH = 64  #: dimensions of a sketch
HIGHEST, WIDEST = 1.0, 1.75  #: mean and deviation of a score over older papers, at most, in DEVIATIONs
RIDGE = 10.0  #: penalty of the ridge regression, in squared lengths of one paper

Atom = int | str  #: a row of the pool (a liked paper), or a reader's own words


@dataclass(frozen=True, slots=True)
class PoolFeatures:
    """Papers in features: what rows are computed from. Candidates come first in `counted` and `shared`."""

    size: int  #: number of candidates
    vocabulary: Vocabulary
    counted: sparse.csr_matrix  #: papers × terms, to be weighed where needed: weighed rows are six times as large
    meaning: Meaning | None  #: where an embedder gave vectors
    candidates: Beside
    background: Beside
    damping: Floats  #: background × candidates: what a likeness to the background says about each candidate
    reference: Reference  #: papers that tell what is usual
    compass: Floats  #: background × dimensions: tells which papers are of one field
    shared: sparse.csr_matrix  #: papers × background: papers that the same readers like
    typed: TypedIndex  #: what typed phrases are looked up in


@dataclass(frozen=True, slots=True)
class Reference:
    """Some papers of the background, older ones where there are enough, that scores are measured against."""

    rows: NDArray[np.intp]  #: among all papers
    places: NDArray[np.intp]  #: among the background
    typed: NDArray[np.intp]  #: among the papers of the index of typed phrases
    damping: Floats  #: background × reference

    def sketched(self, found: Floats, atoms: Sequence[Atom]) -> tuple[Floats, Floats]:
        """Scores (atoms × reference) to means, and to sketches (atoms × SKETCH) whose length is their deviation.

        The sketch of a weighted sum of scores is the same sum of their sketches (random signs, summed in groups:
        Charikar, Chen and Farach-Colton 2002), so the deviation of an interest costs SKETCH additions an atom. A liked
        paper's likeness to itself is left out.
        """
        own = np.array([atom if isinstance(atom, int) else -1 for atom in atoms])[:, None] == self.rows
        number = (~own).sum(axis=1) + EXPECTED
        means = np.minimum(np.where(own, 0, found).sum(axis=1) / number, HIGHEST * DEVIATION)
        rest = np.where(own, 0, found - means[:, None])
        signs = np.random.default_rng(0).choice(np.array([-1.0, 1.0], np.float32), found.shape[1])
        folded = np.zeros((len(found), SKETCH), np.float32)
        for start in range(0, found.shape[1], SKETCH):
            some = (rest * signs)[:, start : start + SKETCH]
            folded[:, : some.shape[1]] += some
        deviations = np.sqrt(((rest**2).sum(axis=1) + EXPECTED * (DEVIATION**2 + means**2)) / number)
        deviations = np.minimum(deviations, WIDEST * DEVIATION)
        lengths = np.sqrt((folded**2).sum(axis=1))
        folded[lengths == 0, 0] = 1
        folded *= (deviations / np.where(lengths > 0, lengths, 1))[:, None]
        return means.astype(np.float32), folded


class ScoreTable:
    """Grows as readers come; one per pool. Whoever uses it holds `lock`."""

    def __init__(self) -> None:
        self.largest = LARGEST  #: bytes of rows that this one keeps
        self.steps: NDArray[np.int16] = np.zeros((0, 0), np.int16)  #: atoms × candidates
        self.sizes: Floats = np.zeros(0, np.float32)  #: per atom: what one step is worth
        self.fields: Floats = np.zeros((0, 0), np.float32)  #: atoms × dimensions, of length 1, by the pool's compass
        self.means: Floats = np.zeros(0, np.float32)
        self.sketches: Floats = np.zeros((0, SKETCH), np.float32)
        self.words: Floats = np.zeros(0, np.float32)  #: per atom DEVIATION for words, 0 for papers
        self.lock = Lock()
        self._numbers: dict[Atom, int] = {}

    @property
    def scores(self) -> Scores:
        """The table as it stands, as the kernel takes it."""
        return Scores(self.steps, self.sizes, self.fields, self.means, self.sketches, self.words)

    def numbers(self, papers: PoolFeatures, atoms: Iterable[Atom]) -> dict[Atom, int]:
        """Atom → its row in `steps`; those that are new are computed. Older numbers may be gone after that."""
        wanted = dict.fromkeys(atoms)
        new = [atom for atom in wanted if atom not in self._numbers]
        if self._numbers and not fits(papers, len(self._numbers) + len(new), self.largest):
            self._numbers, new = {}, list(wanted)
        self._grow(papers, len(self._numbers) + len(new))
        for rows in (sorted(a for a in new if isinstance(a, int)), sorted(a for a in new if isinstance(a, str))):
            for start in range(0, len(rows), CHUNK):
                self._add(papers, rows[start : start + CHUNK])
        return self._numbers

    def score(self, places: NDArray[np.int64], candidate: int) -> NDArray[np.float64]:
        """What these atoms say of one candidate."""
        found: NDArray[np.float64] = self.steps[places, candidate] * self.sizes[places].astype(np.float64)
        return found

    def _grow(self, papers: PoolFeatures, needed: int) -> None:
        have = len(self.steps)
        if needed <= have and have:
            return
        size = max(needed, min(have + have // 4, self.largest // (2 * max(papers.size, 1))))
        if not have:
            self.steps = np.zeros((0, papers.size), np.int16)
            self.fields = np.zeros((0, papers.compass.shape[1]), np.float32)
        for rows in (self.steps, self.sizes, self.fields, self.means, self.sketches, self.words):
            rows.resize((size, *rows.shape[1:]), refcheck=False)  # in place: two tables would be twice the memory

    def _add(self, papers: PoolFeatures, atoms: Sequence[Atom]) -> None:
        start, stop = len(self._numbers), len(self._numbers) + len(atoms)
        found, self.fields[start:stop], usual = computed(papers, atoms)
        self.means[start:stop], self.sketches[start:stop] = papers.reference.sketched(usual, atoms)
        self.words[start:stop] = DEVIATION if isinstance(atoms[0], str) else 0
        self.sizes[start:stop] = np.abs(found).max(axis=1, initial=0) / FINEST
        units = np.where(self.sizes[start:stop] > 0, self.sizes[start:stop], 1)
        self.steps[start:stop] = np.round(found / units[:, None])
        self._numbers.update(zip(atoms, range(start, stop), strict=True))


def fits(papers: PoolFeatures, atoms: int, largest: int = LARGEST) -> bool:
    """Whether so many atoms may stand in a table at once."""
    return atoms * max(papers.size, 1) * 2 <= largest


def terms_of(papers: PoolFeatures, atoms: Sequence[Atom]) -> sparse.csr_matrix:
    """atoms × terms: the view of words alone; all of one kind."""
    if isinstance(atoms[0], str):
        return papers.vocabulary.words(papers.vocabulary.said(map(str, atoms)), spoken=True)
    return papers.vocabulary.words(papers.counted[list(atoms)])


def vectors(papers: PoolFeatures, atoms: Sequence[Atom]) -> sparse.csr_matrix:
    """atoms × features; all of one kind."""
    if isinstance(atoms[0], str):
        return papers.vocabulary.weigh(papers.vocabulary.said(map(str, atoms)), spoken=True)
    return papers.vocabulary.weigh(papers.counted[list(atoms)])


def meanings(papers: PoolFeatures, atoms: Sequence[Atom]) -> Floats | None:
    """atoms × dimensions of the embedder, if there is one; all of one kind."""
    if papers.meaning is None:
        return None
    if isinstance(atoms[0], str):
        return papers.meaning.said([str(atom) for atom in atoms])
    return papers.meaning.rows[[int(atom) for atom in atoms]]


def computed(papers: PoolFeatures, atoms: Sequence[Atom]) -> tuple[Floats, Floats, Floats]:
    """Scores (atoms × candidates), fields (atoms × dimensions) and scores of the reference, of at most CHUNK atoms.

    All of one kind.

    With v a paper's row, N the candidates, B the background and D its damping: v Nᵀ - (v Bᵀ) D, the score of a ridge
    regression, and λ s D beside it, where s holds what the same readers like: λ D is the score of that. What readers
    say is looked up in the index of typed phrases, without an embedder beside v Nᵀ.
    """
    rows, meaning = vectors(papers, atoms), meanings(papers, atoms)
    known = papers.background.likeness(rows, meaning)
    fields = (padded(known) @ papers.compass)[: len(atoms)]
    sizes = np.sqrt((fields * fields).sum(axis=1, keepdims=True))
    if isinstance(atoms[0], str):
        said = papers.typed.scores([str(atom) for atom in atoms])
        found, usual = said[:, : papers.size], said[:, papers.reference.typed]
        if meaning is None:
            number = known.shape[1] + EXPECTED
            middle = known.sum(axis=1, keepdims=True) / number
            spread = ((known - middle) ** 2).sum(axis=1, keepdims=True) + EXPECTED * DEVIATION**2
            unit = np.sqrt(spread / number)
            found = found + VIEWS * (papers.candidates.likeness(rows) - middle) / unit
            usual = usual + VIEWS * (known[:, papers.reference.places] - middle) / unit
        found, usual = DEVIATION * found, DEVIATION * usual
    else:
        found, usual = papers.candidates.likeness(rows, meaning), known[:, papers.reference.places]
        factors = padded(RIDGE * papers.shared[list(atoms)].toarray() - known)
        found += (factors @ papers.damping)[: len(atoms)]
        usual = usual + (factors @ papers.reference.damping)[: len(atoms)]
    return found, (fields / np.where(sizes > 0, sizes, 1)).astype(np.float32), usual
