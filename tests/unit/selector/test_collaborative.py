"""What readers teach about papers together."""

import numpy as np
import pytest
from scipy import sparse

from newsletter.selector import prepare, select
from newsletter.selector.collaborative import ENOUGH, TOGETHER, neighbours
from newsletter.selector.features import repeats
from newsletter.testing import make_entry, make_profile
from newsletter.types import Profile

CALM = Profile(liked=("liked",), size=2, hype=0, surprise=0)
PAPERS = [
    make_entry("liked", title="Plasma turbulence", abstract=""),
    make_entry("bridge", title="Songs of whales", abstract=""),
    make_entry("protein", title="Protein folding", abstract=""),
    make_entry("whale", title="Whales and their songs at night", abstract=""),
]


def test_a_word_comes_back_in_the_other_papers_of_its_reader() -> None:
    papers = sparse.csr_matrix(np.array([[1, 1], [3, 0], [0, 1]], np.float32))

    again, chances = repeats(papers, [[0, 1], [0, 1, 2], [2]])

    assert again.tolist() == [2 + 2 / 2, 0 + 2 / 2]  # of two papers both have the first word; of three, two have each
    assert chances.tolist() == [4, 3]  # the reader of one paper says nothing


def test_papers_of_the_same_readers_are_neighbours() -> None:
    table = neighbours([[0, 1], [0]], 3, np.arange(3)).toarray()

    likeness = 1 / np.sqrt(2 * 2) / np.sqrt(2 * 1)  # 1/√(likes · readers): two readers like paper 0, one paper 1
    scale = TOGETHER * 1 / (1 + ENOUGH)  # one reader has two likes
    assert table == pytest.approx(scale * likeness * np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]]))


def test_only_allowed_papers_are_neighbours() -> None:
    table = neighbours([[0, 1, 2]], 3, np.array([1])).toarray()

    assert (table > 0).tolist() == [[False, True, False], [False, False, False], [False, True, False]]


def test_what_is_like_a_paper_of_the_same_readers_rises() -> None:
    (alone,) = select(prepare(PAPERS), [CALM])
    (taught,) = select(prepare(PAPERS, likes=[["liked", "bridge"]] * 5), [CALM])

    assert alone == ()
    assert {pick.entry.id for pick in taught} == {"bridge", "whale"}
    assert any("readers who like “Plasma turbulence” like such papers" in pick.reasons for pick in taught)


def test_readers_of_one_paper_each_change_nothing() -> None:
    profiles = [CALM, make_profile("whales")]

    assert select(prepare(PAPERS, likes=[["liked"], ["bridge"], ["lost"], []]), profiles) == select(
        prepare(PAPERS), profiles
    )
