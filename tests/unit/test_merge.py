"""Fair shares between interests."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.selector import merge

rankings = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=12), min_size=1, max_size=4)
weights = st.lists(st.floats(0, 10, allow_nan=False), min_size=4, max_size=4)


def shares(merged: list[tuple[int, int]]) -> Counter[int]:
    return Counter(turn for turn, _ in merged)


@pytest.mark.parametrize(
    ("given_weights", "fair"),
    [((3, 1), (8, 2)), ((1, 1), (5, 5)), ((6, 2), (8, 2)), ((5, 3, 2), (5, 3, 2)), ((1, 0), (10, 0))],
)
def test_places_follow_the_weights(given_weights: tuple[float, ...], fair: tuple[int, ...]) -> None:
    apart = [range(start, start + 50) for start in range(0, 300, 100)][: len(fair)]

    merged = merge(apart, given_weights, 10)

    assert tuple(shares(merged)[turn] for turn in range(len(fair))) == fair


def test_the_first_places_are_fair_too() -> None:
    merged = merge([range(50), range(100, 150)], (3, 1), 8)

    assert shares(merged[:4]) == {0: 3, 1: 1}
    assert shares(merged) == {0: 6, 1: 2}


def test_an_interest_that_runs_dry_leaves_its_places_to_the_others() -> None:
    assert merge([[1], [], [5, 6, 7, 8]], (1, 8, 1), 4) == [(0, 1), (2, 5), (2, 6), (2, 7)]


def test_an_entry_that_two_interests_want_comes_once() -> None:
    assert merge([[1, 2, 3], [1, 2, 3]], (1, 1), 10) == [(0, 1), (1, 2), (0, 3)]


def test_nothing_gives_nothing() -> None:
    assert merge([], [], 10) == merge([[1]], [1.0], 0) == merge([[1]], [0.0], 5) == []


@given(rankings, weights, st.integers(0, 20))
def test_no_entry_comes_twice_and_each_from_a_ranking_that_has_it(
    ranked: list[list[int]], weighed: list[float], size: int
) -> None:
    merged = merge(ranked, weighed[: len(ranked)], size)

    assert len({entry for _, entry in merged}) == len(merged) <= size
    assert all(entry in ranked[turn] and weighed[turn] > 0 for turn, entry in merged)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=4), weights, st.floats(0, 10), st.integers(0, 20))
def test_raising_the_weight_of_an_interest_never_lowers_its_share(
    lengths: list[int], weighed: list[float], more: float, size: int
) -> None:
    apart = [range(100 * place, 100 * place + length) for place, length in enumerate(lengths)]

    before = merge(apart, weighed[: len(apart)], size)
    after = merge(apart, [weighed[0] + more, *weighed[1 : len(apart)]], size)

    assert shares(after)[0] >= shares(before)[0]
