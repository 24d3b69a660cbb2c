"""Entries as JSON Lines."""

from __future__ import annotations

import json

import pytest

from newsletter.collector.sources.jsonl import parse, read_entries
from newsletter.testing import NOON
from newsletter.types import Source

GOOD = {"id": "mamba", "title": "On Mamba"}


def line(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_a_full_line_becomes_an_entry() -> None:
    more = {"abstract": r"$O(n^2)$", "authors": ["Ada", "Bob"], "published": "2025-3-17", "votes": 3, "stars": 2.0}

    (entry,), problems = read_entries(line(**more, url="https://x.org/1", source="hand", unknown=[1]), NOON)

    assert (entry.abstract, entry.authors, entry.votes, entry.comments, entry.stars) == (
        "O(n²)",
        ("Ada", "Bob"),
        3,
        None,
        2,
    )
    assert entry.published == NOON.replace(hour=0)
    assert entry.source == "hand"
    assert problems == ()


def test_a_source_gives_its_name_to_its_entries() -> None:
    parsed = parse(line(source="hand"), Source("papers", "jsonl", "papers.jsonl"), NOON)

    assert parsed.entries[0].source == "papers"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"title": "x"}', 'no "id"'),
        (b'{"id": "x"}', 'no "title"'),
        (line(id=True), '"id" is not a text'),
        (line(id="x" * 501), 'the "id" is longer than 500 characters'),
        (line(title=["x"]), '"title" is not a text'),
        (line(title=" \x00 "), 'no "title"'),
        (line(authors="Ada"), '"authors" is not a list of texts'),
        (line(votes="many"), '"votes" is not a count'),
        (line(votes=True), '"votes" is not a count'),
        (line(votes=10**400), '"votes" is not a count'),
        (b'{"id": "x", "title": "x", "votes": NaN}', '"votes" is not a count'),
    ],
)
def test_a_bad_line_is_named_and_skipped(bad: bytes, why: str) -> None:
    entries, problems = read_entries(b"\n".join([line(), b"", bad, line(id="other")]), NOON)

    assert [entry.id for entry in entries] == ["mamba", "other"]
    assert problems == (f"line 3: {why}; skipped",)


def test_doubts_keep_the_entry() -> None:
    (entry,), problems = read_entries(line(published="soon", url="javascript:alert(1)"), NOON)

    assert (entry.published, entry.url) == (None, "")
    assert problems == ('line 1: "published" is no date: soon', 'line 1: "url" is no web address: javascript:alert(1)')


def test_an_id_on_two_lines_counts_once() -> None:
    entries, problems = read_entries(line() + b"\r\n" + line(title="Again"), NOON)

    assert [entry.title for entry in entries] == ["On Mamba"]
    assert problems == ('line 2: the id "mamba" stands on an earlier line; skipped',)


def test_a_huge_abstract_is_cut_and_named() -> None:
    (entry,), problems = read_entries(line(abstract="word " * 6_000_000), NOON)

    assert len(entry.abstract) <= 20_000
    assert problems == ('"On Mamba": the abstract was cut to 20,000 characters',)


def test_an_id_is_not_read_as_tex() -> None:
    (entry,), _ = read_entries("\ufeff".encode() + line(id="10.1/a_b^2", title="A\u202eB \ud800"), NOON)

    assert (entry.id, entry.title) == ("10.1/a_b^2", "AB")


def test_a_thousand_bad_lines_are_told_briefly() -> None:
    entries, problems = read_entries(b"nonsense\n" * 1_000, NOON)

    assert entries == ()
    assert len(problems) == 21
    assert problems[-1] == "… and 980 more"
