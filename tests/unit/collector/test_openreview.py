"""OpenReview: notes of both versions of its API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.source_kind import Parsed, Request
from newsletter.collector.sources.openreview import KIND, parse
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SAMPLE = (Path(__file__).parents[2] / "data/sources/openreview.json").read_bytes()
SHARED = Path(__file__).parents[4] / "shared/data/sources"
TEA = Source("tea", "openreview", "Tea.cc/2025/Conference")
API = "https://api2.openreview.net/notes"
KEYS = ("notes", "count", "id", "forum", "content", "value", "title", "authors", "keywords", "pdf", "pdate", "_bibtex")

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(1_700_000_000_000)
answers = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner), max_leaves=30
)


def read(found: object) -> Parsed:
    return parse(json.dumps(found).encode(), TEA, NOON)


def asked(location: str) -> str:
    (request,) = KIND.requests(Source("tea", "openreview", location), NOON)
    return request.location


def after(location: str, seen: int) -> str:
    found = KIND.following(Request(location), Parsed((), seen=seen), TEA)
    return found.location if found else ""


def test_a_note_of_version_2_is_read_whole() -> None:
    assert parse(SAMPLE, TEA, NOON).entries[0] == Entry(
        id="",
        title=r"Kettles That Learn to Whistle at $100^\circ$",
        abstract="Whistling when a<b is hard. We whistle.",
        url="https://openreview.net/forum?id=kEtTlE1234",
        authors=("Ada One", "Bob Two"),
        published=datetime(2025, 1, 16, 4, tzinfo=UTC),
        source="tea",
        topics=("kettles", "sound"),
        code_url="https://github.com/ada/whistle",
        pdf_url="https://openreview.net/pdf/0123456789abcdef.pdf",
        venue="Tea 2025 Poster",
        tldr="Kettles can whistle.",
        also=("openreview:kEtTlE1234", "doi:10.5555/tea.7"),
    )


def test_a_note_of_version_1_is_read_whole() -> None:
    assert parse(SAMPLE, TEA, NOON).entries[1] == Entry(
        id="",
        title="Cups of the First Version",
        abstract="Plain values.",
        url="https://openreview.net/forum?id=OldNote_1",
        authors=("Cyd Three",),
        published=datetime(2019, 1, 1, tzinfo=UTC),
        source="tea",
        topics=("cups", "saucers"),
        pdf_url="https://arxiv.org/pdf/1901.00001",
        tldr="Cups.",
        also=("openreview:OldNote_1", "arxiv:1901.00001"),
    )


def test_replies_go_in_silence_and_withdrawn_papers_are_told_as_such() -> None:
    parsed = parse(SAMPLE, TEA, NOON)

    assert [entry.withdrawn for entry in parsed.entries].count(False) == 2
    assert parsed.problems == ("item 6: no title; skipped: https://openreview.net/forum?id=bare",)
    assert (parsed.seen, parsed.total) == (6, 6)


@pytest.mark.parametrize("date", [0, -1, 10**15, 1_700_000_000, "2025", None, True, 1e300])
def test_a_date_that_cannot_be_right_is_passed_over(date: object) -> None:
    note = {"id": "a", "content": {"title": "On Tea"}, "pdate": date, "cdate": 1_737_000_000_000}

    assert read([note]).entries[0].published == datetime(2025, 1, 16, 4, tzinfo=UTC)


def test_a_venue_means_its_submissions() -> None:
    assert asked("ICLR.cc/2025/Conference") == (
        f"{API}?invitation=ICLR.cc/2025/Conference/-/Submission&limit=1000&offset=0"
    )
    assert asked("TMLR") == f"{API}?invitation=TMLR/-/Submission&limit=1000&offset=0"
    assert asked("Tea.cc/2019/-/Blind_Submission").endswith("Tea.cc/2019/-/Blind_Submission&limit=1000&offset=0")


@pytest.mark.parametrize("location", ["notes.json", "./saved/notes", "data/tea.cc/notes.json", f"{API}?forum=abc"])
def test_files_and_addresses_are_asked_as_they_stand(location: str) -> None:
    assert asked(location) == location


def test_a_full_page_has_a_next_one_up_to_a_bound() -> None:
    page = f"{API}?invitation=Tea.cc/2025/Conference/-/Submission&limit=1000&offset="

    assert after(f"{page}0", 1000) == f"{page}1000"
    assert after(f"{page}1000", 999) == ""
    assert after(f"{page}19000", 1000) == ""
    assert after(f"{API}?forum=abc", 3) == ""
    assert after("notes.json", 1000) == ""


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"name": "ForbiddenError", "message": "Not for you", "status": 403}', "OpenReview says: Not for you"),
        (b'{"groups": []}', "this is not an answer of OpenReview"),
        (b"<html>", r"this is not JSON \(it looks like an HTML page\)"),
    ],
)
def test_what_is_no_answer_is_named(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=f"^Tea.cc/2025/Conference: {why}$"):
        parse(data, TEA, NOON)


@given(answers)
@settings(max_examples=examples(300), deadline=None)
def test_no_answer_is_too_strange(found: object) -> None:
    for data in (found, {"notes": found}, [{"content": found}], [{"content": {"title": "On Tea", "authors": found}}]):
        try:
            parsed = read(data)
        except SourceError:
            continue
        assert all(entry.title.strip() for entry in parsed.entries)


def test_the_sample_of_the_documentation_gives_its_entry() -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/sources")
    (entry,) = parse((SHARED / "openreview_v2_notes.json").read_bytes(), TEA, NOON).entries

    assert entry.also == ("openreview:abc123XYZ",)
    assert (entry.title, entry.abstract, entry.authors, entry.topics, entry.tldr) == (
        "...",
        "...",
        ("...",),
        ("...",),
        "...",
    )
    assert (entry.venue, entry.pdf_url) == ("ICLR 2025 Poster", "https://openreview.net/pdf/....pdf")
