"""Hugging Face daily papers."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.source_kind import Parsed
from newsletter.collector.sources.huggingface import KIND, parse
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SAMPLE = (Path(__file__).parents[2] / "data/sources/huggingface.json").read_bytes()
SHARED = Path(__file__).parents[4] / "shared/data/sources"
DAILY = Source("daily", "huggingface", "daily")
KEYS = ("paper", "title", "summary", "authors", "id", "upvotes", "publishedAt", "comments", "withdrawnAt", "name")

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2503.10001")
answers = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner), max_leaves=30
)


def read(found: object) -> Parsed:
    return parse(json.dumps(found).encode(), DAILY, NOON)


def words(text: str) -> Counter[str]:
    return Counter(re.sub(r"</?\w+>", " ", text).split())


def test_a_paper_is_read_whole() -> None:
    parsed = parse(SAMPLE, DAILY, NOON)

    assert parsed.entries[0] == Entry(
        id="",
        title="Slow Cooking for Large Kettles with $x<y$",
        abstract="We boil $n^2$ kettles &amp; find that <p_T> stays below 3. Short.",
        url="https://arxiv.org/abs/2503.10001",
        authors=("Ada One", "Cyd Three"),
        published=datetime(2025, 3, 13, 20, tzinfo=UTC),
        source="daily",
        topics=("kettles", "boiling"),
        code_url="https://github.com/ada/kettles",
        image_url="https://cdn.example.org/2503.10001.png",
        votes=44,
        comments=3,
        stars=12,
        project_url="https://kettles.example.org/",
        organisation="The Kettle Laboratory",
        tldr="Kettles boil in n squared time.",
        also=("arxiv:2503.10001",),
    )


def test_withdrawn_papers_are_told_as_such_and_nameless_ones_are_named() -> None:
    parsed = parse(SAMPLE, DAILY, NOON)

    assert [(entry.also, entry.withdrawn) for entry in parsed.entries] == [
        (("arxiv:2503.10001",), False),
        (("arxiv:2503.10002",), True),
        (("arxiv:2503.10003",), False),
    ]
    assert parsed.problems == ("item 4: no title; skipped: https://arxiv.org/abs/2503.10004",)
    assert (parsed.seen, parsed.dated) == (5, datetime(2025, 3, 16, 2, tzinfo=UTC))


def test_what_is_not_known_is_not_zero() -> None:
    few = parse(SAMPLE, DAILY, NOON).entries[2]

    assert (few.votes, few.comments, few.stars, few.published) == (None, None, None, None)
    assert few.abstract == "The text of the list."


def test_a_page_and_a_bare_paper_are_one_paper() -> None:
    paper = {"id": "2503.1", "title": "On Tea", "upvotes": 0}
    page = {"paper": paper, "comments": [{"data": {"hidden": True}}, {"data": {}}]}

    assert [entry.comments for entry in read(page).entries] == [1]
    assert read(paper).entries[0].url == "https://huggingface.co/papers/2503.1"
    assert read(paper).entries[0].votes == 0


def test_daily_means_the_newest_list_and_each_of_the_past_days() -> None:
    asked = KIND.requests(Source("daily", "huggingface", "daily", {"days": 2}), NOON)

    assert [request.location for request in asked] == [
        "https://huggingface.co/api/daily_papers?limit=100",
        "https://huggingface.co/api/daily_papers?date=2025-03-16&limit=100",
        "https://huggingface.co/api/daily_papers?date=2025-03-15&limit=100",
    ]
    assert len(KIND.requests(Source("daily", "huggingface", "https://huggingface.co/api/daily_papers"), NOON)) == 15


@pytest.mark.parametrize("location", ["papers.json", "https://huggingface.co/api/daily_papers?week=2025-W09"])
def test_files_and_questions_are_asked_as_they_stand(location: str) -> None:
    (request,) = KIND.requests(Source("daily", "huggingface", location), NOON)

    assert request.location == location


def test_a_number_of_days_that_is_none_is_refused() -> None:
    with pytest.raises(SourceError, match=r'^daily: the option "days" is a whole number from 0 to 60$'):
        KIND.requests(Source("daily", "huggingface", "daily", {"days": "many"}), NOON)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", r"this is not JSON \(it is empty\)"),
        (b"<!DOCTYPE html>", r"this is not JSON \(it looks like an HTML page\)"),
        (b'[{"paper"', r"this is not JSON \(it is broken or cut short\)"),
        (b"[" * 100_000, r"this is not JSON \(it is nested too deeply\)"),
        (b'{"error": "Too many requests"}', "Hugging Face says: Too many requests"),
        (b"3", "this is not an answer of Hugging Face's papers"),
    ],
)
def test_what_is_no_answer_is_named(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=f"^daily: {why}$"):
        parse(data, DAILY, NOON)


def test_nonsense_costs_no_other_paper() -> None:
    data = (
        b'[null, {"paper": {"id": 7, "title": ["x"], "upvotes": 1' + b"0" * 5_000 + b'}}, {"title": "On Tea", "id": 3}]'
    )

    parsed = parse(data, DAILY, NOON)

    assert [entry.title for entry in parsed.entries] == ["On Tea"]
    assert parsed.problems == ("item 1: not an object; skipped", "item 2: no title; skipped")


def test_an_answer_in_a_wrong_encoding_is_read_and_named() -> None:
    parsed = parse('[{"id": "1", "title": "café"}]'.encode("latin-1"), DAILY, NOON)

    assert parsed.entries[0].title == "café"
    assert parsed.problems == ("the text is not UTF-8: read as Windows-1252",)


@given(answers)
@settings(max_examples=examples(300), deadline=None)
def test_no_answer_is_too_strange(found: object) -> None:
    for data in (found, [found], {"paper": found}, [{"paper": found}]):
        try:
            parsed = read(data)
        except SourceError:
            continue
        assert all(entry.title.strip() for entry in parsed.entries)


@pytest.mark.parametrize(("name", "count"), [("huggingface_daily_papers.json", 2), ("huggingface_paper.json", 1)])
def test_real_samples_give_their_entries(name: str, count: int) -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/sources")
    data = (SHARED / name).read_bytes()
    parsed = parse(data, DAILY, NOON)
    found = json.loads(data)
    papers = [item["paper"] for item in (found if isinstance(found, list) else [found])]

    assert (len(parsed.entries), parsed.problems) == (count, ())
    for entry, paper in zip(parsed.entries, papers, strict=True):
        assert words(paper["title"] + " " + paper["summary"]) <= words(entry.title + " " + entry.abstract)
        assert entry.authors == tuple(author["name"] for author in paper["authors"])
        assert (entry.votes, entry.also) == (paper["upvotes"], (f"arxiv:{paper['id']}",))
