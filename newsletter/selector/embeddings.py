"""What an embedder says of texts, made fit to stand beside their words.

Words tell abstracts apart better than a small model does, titles worse: the shorter the text, the more its meaning
weighs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsletter.selector.features import Floats

MEANING = 0.8  #: weight of the meaning of a text without words, beside 1 for its words,
HALF = 30.0  #: half of it for so many different words and pairs, a fiftieth for an abstract's 200


@dataclass(frozen=True, slots=True)
class Meaning:
    """Vectors of a pool's entries and of its readers' words."""

    rows: Floats  #: entries × dimensions, a zero row where nothing is known
    mean: NDArray[np.float64]  #: of the entries' vectors: what all papers share says nothing
    vectors: Mapping[str, NDArray[np.float32]]

    def said(self, words: Sequence[str]) -> Floats:
        """words × dimensions."""
        return _rows([self.vectors.get(word) for word in words], self.mean, np.zeros(len(words)))


def meaning_of(
    ids: Sequence[str], lengths: NDArray[np.float64], vectors: Mapping[str, NDArray[np.float32]] | None
) -> Meaning | None:
    """vectors: entry id or words → vector; None, or vectors of different sizes: no meaning. lengths: terms a text.

    A vector that holds NaN or an infinity says nothing: its text has only words.
    """
    sound = {name: vector for name, vector in (vectors or {}).items() if np.isfinite(vector).all()}
    found = [sound.get(name) for name in ids]
    known = [vector for vector in found if vector is not None]
    if not known or len({len(vector) for vector in sound.values()}) > 1:
        return None
    mean = np.stack(known).astype(np.float64).mean(axis=0)
    return Meaning(_rows(found, mean, lengths), mean, sound)


def _rows(
    found: Sequence[NDArray[np.float32] | None], mean: NDArray[np.float64], lengths: NDArray[np.float64]
) -> Floats:
    table = np.zeros((len(found), len(mean)))
    for number, vector in enumerate(found):
        if vector is not None:
            table[number] = vector - mean
    sizes = np.sqrt((table * table).sum(axis=1))
    weights = np.sqrt(MEANING / (1 + (lengths / HALF) ** 2))
    scaled: Floats = (table * (weights / np.where(sizes > 1e-9, sizes, 1))[:, None]).astype(np.float32)
    return scaled
