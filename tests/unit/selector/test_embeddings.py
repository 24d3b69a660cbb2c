"""Vectors of an embedder beside the words."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from newsletter.selector import Defaults, prepare, select
from newsletter.testing import make_entry, make_profile
from newsletter.types import Entry, Pick, Profile

CALM = Profile(liked=("liked",), size=1, hype=0, surprise=0)
Vectors = dict[str, NDArray[np.float32]]


def around(angle: float) -> NDArray[np.float32]:
    return np.array([np.cos(angle), np.sin(angle), 0], np.float32)


NEAR: Vectors = {"liked": around(0), "friend": around(0.1), "far": around(2), "farther": around(4)}
SHORT = [
    make_entry("liked", title="Plasma turbulence", abstract=""),
    make_entry("friend", title="Magnetohydrodynamic eddies", abstract=""),
    make_entry("far", title="Protein folding", abstract=""),
    make_entry("farther", title="Songs of whales", abstract=""),
]


def long(name: str, words: str) -> Entry:
    own = ["".join(random.Random(f"{name}{n}").choices("abdefgiklmnorstu", k=7)) for n in range(120)]
    return make_entry(name, title=f"{words} {name}", abstract=" ".join([*own, *([words] * 6)]))


def first(entries: list[Entry], vectors: Vectors | None, profile: Profile = CALM) -> Pick:
    ((pick, *_),) = select(prepare(entries, embedded=vectors), [profile], defaults=Defaults(floor=0))
    return pick


def test_short_titles_without_a_common_word_meet_by_their_meaning() -> None:
    assert select(prepare(SHORT), [CALM]) == [()]
    assert first(SHORT, NEAR).entry.id == "friend"
    assert first(SHORT, NEAR).interest != ""


def test_the_words_of_long_abstracts_outweigh_their_meaning() -> None:
    texts = ("plasma turbulence", "protein folding", "plasma turbulence", "whale songs")
    entries = [long(name, words) for name, words in zip(NEAR, texts, strict=True)]

    assert first(entries, None).entry.id == first(entries, NEAR).entry.id == "far"


@pytest.mark.parametrize("vectors", [{}, {**NEAR, "far": np.ones(2, np.float32)}, {"plasma": around(0)}])
def test_vectors_of_different_sizes_or_of_no_paper_leave_the_words(vectors: Vectors) -> None:
    profiles = [CALM, make_profile("plasma", "whales")]

    assert select(prepare(SHORT, embedded=vectors), profiles) == select(prepare(SHORT), profiles)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("whose", ["far", "whales"])
def test_a_vector_that_holds_no_numbers_is_as_good_as_none(bad: float, whose: str) -> None:
    profiles = [CALM, make_profile("plasma", "whales")]
    broken = {**NEAR, whose: np.array([1, bad, 0], np.float32)}
    without = {name: vector for name, vector in NEAR.items() if name != whose}

    assert select(prepare(SHORT, embedded=broken), profiles) == select(prepare(SHORT, embedded=without), profiles)
