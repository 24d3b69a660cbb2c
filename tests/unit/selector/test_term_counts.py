"""Counts of all papers at once."""

from collections import Counter

import pytest

from newsletter.selector.term_counts import TITLE, count_terms
from newsletter.selector.tokens import terms
from newsletter.testing import make_entry
from newsletter.types import Entry

PAPERS = [
    make_entry("a", title="機械学習 and vitamin C", abstract="T cells of 機械 in C++; the WHO says", topics=("cs.LG",)),
    make_entry("b", title="T cells", abstract="hepatitis A or B, hepatitis A"),
    make_entry("c", title="", abstract=""),
    make_entry("d", title="Vitamin C", abstract="state space models of cells, and cells of state space models"),
]


def counted_one_by_one(entry: Entry) -> Counter[str]:
    counts = Counter(terms(entry.abstract))
    for place in (entry.title, *entry.topics):
        for term in terms(place):
            counts[term] += TITLE
    return counts


@pytest.mark.parametrize("candidates", [0, 2, None])
def test_terms_are_counted_as_one_by_one_but_pairs_that_no_candidate_has(candidates: int | None) -> None:
    met = {term for entry in PAPERS[:candidates] for term in counted_one_by_one(entry)}

    columns, counted, _ = count_terms(PAPERS, candidates)

    for row, entry in enumerate(PAPERS):
        wanted = {t: n for t, n in counted_one_by_one(entry).items() if " " not in t or t in met}
        assert {term: counted[row, column] for term, column in columns.items() if counted[row, column]} == wanted


def test_titles_and_topics_are_counted_apart_too() -> None:
    columns, _, heads = count_terms(PAPERS)

    assert heads[3, columns["vitamin"]] == 1
    assert heads[3, columns["cell"]] == 0
    assert heads[0, columns["cs lg"]] == 1


def test_no_papers_have_no_terms() -> None:
    assert count_terms([]).counted.shape == (0, 0)
