"""JSON Feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.source_kind import Parsed
from newsletter.collector.sources.jsonfeed import looks_like, parse
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SAMPLE = (Path(__file__).parents[2] / "data/sources/feed.json").read_bytes()
TEA = Source("tea", "feed", "https://tea.example.org/feed.json")
KEYS = ("items", "id", "url", "title", "content_text", "authors", "author", "name", "tags", "attachments", "mime_type")

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("https://x.org/1")
answers = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner), max_leaves=30
)


def read(found: object) -> Parsed:
    return parse(json.dumps(found).encode(), TEA, NOON)


def test_an_item_is_read_whole() -> None:
    assert parse(SAMPLE, TEA, NOON).entries[0] == Entry(
        id="",
        title="Water and x<y",
        abstract="<p>Water is <p_T> &amp; wet.</p>",
        url="https://tea.example.org/1",
        authors=("Ada One", "Bob Two"),
        published=datetime(2025, 3, 15, 8, tzinfo=UTC),
        source="tea",
        topics=("water", "tea"),
        pdf_url="https://tea.example.org/1.pdf",
        image_url="https://tea.example.org/1.png",
        also=("doi:10.5555/tea.1",),
    )


def test_an_item_has_a_name_of_its_own_or_is_named_by_its_address() -> None:
    _, second, third = parse(SAMPLE, TEA, NOON).entries

    assert (second.id, second.url, second.authors) == ("tea:2", "", ("Cyd Three",))
    assert (third.id, third.url, third.also) == ("", "https://arxiv.org/abs/2503.00004v1", ("arxiv:2503.00004",))
    assert (third.abstract, third.authors) == ("Only a summary.", ("The Editors",))


def test_an_item_without_a_title_is_named_and_skipped() -> None:
    parsed = parse(SAMPLE, TEA, NOON)

    assert parsed.problems == ("item 3: no title; skipped: https://tea.example.org/3",)
    assert (parsed.seen, parsed.dated) == (4, datetime(2025, 3, 15, 8, tzinfo=UTC))


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (SAMPLE, True),
        (b'\xef\xbb\xbf {"items": [], "version":"https:\\/\\/jsonfeed.org\\/version\\/1"}', True),
        (b'{"items": []}', False),
        (b'<rss>"version": "https://jsonfeed.org/version/1"</rss>', False),
        (b"", False),
    ],
)
def test_a_json_feed_is_known_by_its_version(data: bytes, is_one: bool) -> None:
    assert looks_like(data) == is_one


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"version": "https://jsonfeed.org/version/1"}', r'this is not a JSON Feed \(it has no list "items"\)'),
        (b'{"version": "https://jsonfeed.org/version/1", ', r"this is not JSON \(it is broken or cut short\)"),
    ],
)
def test_what_is_no_feed_is_named(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=f"^https://tea.example.org/feed.json: {why}$"):
        parse(data, TEA, NOON)


@given(answers)
@settings(max_examples=examples(300), deadline=None)
def test_no_feed_is_too_strange(found: object) -> None:
    for data in (found, {"items": found}, {"items": [found]}, {"items": [{"title": "On Tea", "authors": found}]}):
        try:
            parsed = read(data)
        except SourceError:
            continue
        assert all(entry.title.strip() for entry in parsed.entries)
