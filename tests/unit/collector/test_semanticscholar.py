"""Semantic Scholar: recommendations, searches, batches."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.source_kind import Parsed
from newsletter.collector.sources.semanticscholar import KIND, paper_ids, parse
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SAMPLE = (Path(__file__).parents[2] / "data/sources/semanticscholar.json").read_bytes()
SHARED = Path(__file__).parents[4] / "shared/data/sources"
TEA = Source("tea", "semanticscholar", "recommendations")
KEYS = (
    "recommendedPapers",
    "data",
    "paperId",
    "title",
    "authors",
    "name",
    "externalIds",
    "DOI",
    "tldr",
    "text",
    "venue",
)

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("10.1000/x")
answers = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner), max_leaves=30
)


def read(found: object) -> Parsed:
    return parse(json.dumps(found).encode(), TEA, NOON)


def test_a_recommended_paper_is_read_whole() -> None:
    assert parse(SAMPLE, TEA, NOON).entries[0] == Entry(
        id="",
        title="Tea Leaves Read by Machines",
        abstract="Reading where x<y & more.",
        url=f"https://www.semanticscholar.org/paper/{'a' * 40}",
        authors=("Ada One", "Bob Two"),
        published=datetime(2025, 3, 10, tzinfo=UTC),
        source="tea",
        topics=("Computer Science", "Biology"),
        pdf_url="https://leaves.example.org/1.pdf",
        venue="Journal of Leaves",
        tldr="Machines read tea leaves.",
        also=("arxiv:2503.20001", f"s2:{'a' * 40}"),
    )


def test_a_year_alone_is_no_date_and_citations_are_no_votes() -> None:
    first, second = parse(SAMPLE, TEA, NOON).entries

    assert (first.votes, second.published) == (None, None)
    assert second.url == f"https://www.semanticscholar.org/paper/{'b' * 40}"


def test_a_paper_that_is_none_costs_no_other() -> None:
    parsed = parse(SAMPLE, TEA, NOON)

    assert parsed.seen == 4
    assert parsed.problems == (
        "item 3: not an object; skipped",
        f"item 4: no title; skipped: https://www.semanticscholar.org/paper/{'c' * 40}",
    )


def test_searches_batches_and_single_papers_are_read() -> None:
    paper = {"paperId": "d" * 40, "title": "On Tea"}

    assert [entry.title for entry in read({"total": 7, "data": [paper]}).entries] == ["On Tea"]
    assert read({"total": 7, "data": [paper]}).total == 7
    assert len(read([paper, paper]).entries) == 2
    assert len(read(paper).entries) == 1


def test_ids_are_said_in_their_words() -> None:
    given = ["2401.00001", "arxiv:2401.00001", "10.1000/X", "doi:10.1000/y", "https://arxiv.org/abs/2401.00002v3"]
    others = [f"s2:{'A' * 40}", "openreview:abc", "my-paper-1", "", 7, None]

    assert paper_ids(given) == ["ARXIV:2401.00001", "DOI:10.1000/x", "DOI:10.1000/y", "ARXIV:2401.00002"]
    assert paper_ids(others) == ["a" * 40]
    assert paper_ids("2401.00001") == ["ARXIV:2401.00001"]
    assert len(paper_ids([f"2401.{number:05}" for number in range(300)])) == 100
    assert paper_ids(None) == []


def test_recommendations_are_asked_for_with_what_was_liked() -> None:
    options = {"liked": ["2401.00001"], "disliked": ["10.1000/x", "2401.00001"], "key": "secret"}

    (request,) = KIND.requests(Source("tea", "semanticscholar", "recommendations", options), NOON)

    assert request.location.startswith(
        "https://api.semanticscholar.org/recommendations/v1/papers?fields=title,abstract,"
    )
    assert json.loads(request.body or b"") == {
        "positivePaperIds": ["ARXIV:2401.00001"],
        "negativePaperIds": ["DOI:10.1000/x"],
    }
    assert request.headers == {"x-api-key": "secret"}


def test_nothing_to_ask_with_is_said() -> None:
    with pytest.raises(SourceError, match=r"^recommendations: no liked entry has an arXiv id or a DOI to ask with$"):
        KIND.requests(Source("tea", "semanticscholar", "recommendations", {"liked": ["my-paper"]}), NOON)


@pytest.mark.parametrize(
    ("location", "headers"),
    [
        ("https://api.semanticscholar.org/graph/v1/paper/search?query=tea", {"x-api-key": "secret"}),
        ("https://mirror.example.org/search?query=tea", {}),
        ("saved.json", {}),
    ],
)
def test_the_key_goes_to_its_own_host_only(location: str, headers: dict[str, str]) -> None:
    (request,) = KIND.requests(Source("tea", "semanticscholar", location, {"key": "secret"}), NOON)

    assert (request.location, request.body, request.headers) == (location, None, headers)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"message": "Too Many Requests", "code": "429"}', "Semantic Scholar says: Too Many Requests"),
        (b'{"title": "x"}', "this is not an answer of Semantic Scholar"),
        (b"", r"this is not JSON \(it is empty\)"),
    ],
)
def test_what_is_no_answer_is_named(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=f"^recommendations: {why}$"):
        parse(data, TEA, NOON)


@given(answers)
@settings(max_examples=examples(300), deadline=None)
def test_no_answer_is_too_strange(found: object) -> None:
    for data in (found, {"data": found}, [found], [{"title": "On Tea", "externalIds": found, "authors": found}]):
        try:
            parsed = read(data)
        except SourceError:
            continue
        assert all(entry.title.strip() for entry in parsed.entries)


def test_the_real_sample_gives_its_entries() -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/sources")
    data = (SHARED / "semanticscholar_recommended.json").read_bytes()
    papers = json.loads(data)["recommendedPapers"]
    parsed = parse(data, TEA, NOON)

    assert (len(parsed.entries), parsed.problems) == (12, ())
    for entry, paper in zip(parsed.entries, papers, strict=True):
        assert entry.title.split() == paper["title"].split()
        assert entry.also == (f"s2:{paper['paperId']}",)
