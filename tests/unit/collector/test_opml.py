"""OPML: lists of feeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.source_kind import Parsed
from newsletter.collector.sources.opml import parse
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Source

SAMPLE = (Path(__file__).parents[2] / "data/sources/feeds.opml").read_bytes()


def read(data: bytes) -> Parsed:
    return parse(data, Source("tea", "opml", "tea.opml"), NOON)


def listed(*outlines: str) -> bytes:
    return f"<opml><body>{''.join(outlines)}</body></opml>".encode()


def test_each_feed_becomes_a_source() -> None:
    parsed = read(SAMPLE)

    assert parsed.entries == ()
    assert parsed.sources == (
        Source("tea: Leaves & Cups", "", "https://leaves.example.org/rss?a=1&b=2"),
        Source("tea: Café", "", "http://cafe.example.org/feed"),
        Source("tea: Leaves & Cups (2)", "", "https://other.example.org/rss"),
        Source("tea: nameless.example.org", "", "https://nameless.example.org/rss"),
    )


def test_only_web_addresses_are_taken() -> None:
    assert read(SAMPLE).problems == (
        "outline 8: no web address; skipped: file:///etc/passwd",
        "outline 9: no web address; skipped: javascript:alert(1)",
    )


def test_a_list_cut_short_gives_what_it_has() -> None:
    parsed = read(SAMPLE[: SAMPLE.index(b'<outline text="Again"')])

    assert len(parsed.sources) == 2
    assert parsed.problems == ("the XML is broken at line 9 (no element found); what could be read was kept",)


def test_a_list_without_feeds_says_so() -> None:
    assert read(listed('<outline text="A folder"/>')).problems == ("the list names no feeds",)


def test_a_list_is_read_to_a_bound() -> None:
    parsed = read(listed(*(f'<outline xmlUrl="https://x.org/{number}"/>' for number in range(600))))

    assert len(parsed.sources) == 500
    assert parsed.problems == ("more than 500 feeds: the rest was left out",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "cp1252"])
def test_encodings_are_honoured(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><opml><outline title="Café" xmlUrl="https://x.org/a?b&amp;c"/></opml>'

    (source,) = read(text.encode(encoding)).sources

    assert (source.name, source.location) == ("tea: Café", "https://x.org/a?b&c")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", r"this is not a list of feeds \(it is empty\)"),
        (b"<!doctype html><p>", r"this is not a list of feeds \(it looks like an HTML page\)"),
        (b"<rss/>", r"this is not a list of feeds \(its root is <rss>\)"),
        (b"tea", r"this is not a list of feeds \(the XML is broken at line 1 \(syntax error\)\)"),
        (
            b'<!DOCTYPE opml [<!ENTITY a "lol">]><opml/>',
            "this list declares entities of its own, which we never expand",
        ),
    ],
)
def test_what_is_no_list_is_named(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=f"^tea.opml: {why}$"):
        read(data)


@given(st.binary() | st.text().map(lambda text: listed(text)) | st.text().map(lambda text: SAMPLE + text.encode()))
@settings(max_examples=examples(300), deadline=None)
def test_no_list_is_too_strange(data: bytes) -> None:
    try:
        parsed = read(data)
    except SourceError:
        return
    assert all(source.location.startswith(("http://", "https://")) for source in parsed.sources)
