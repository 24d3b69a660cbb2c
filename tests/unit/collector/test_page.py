"""The saved papers page."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.collector.normalize import finish
from newsletter.collector.sources import page
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SEEDS = Path(__file__).parents[4] / "shared/data/seeds/papers-page.txt"
ABSTRACT = "We study flows and find that they are 2.4 times faster than before. " * 5
HEADER = ("new", "Get trending papers!", "Mar 17")


def parse(data: bytes) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """What the collector makes of it: entries, and what was told."""
    parsed = page.parse(data, Source("page", "page", "saved.txt"), NOON)
    sightings = [finish(entry, NOON) for entry in parsed.entries]
    notes = tuple(note for sighting in sightings for note in sighting.notes)
    return tuple(sighting.entry for sighting in sightings), parsed.problems + notes


def read(*lines: str) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    return parse("\n\n".join([*HEADER, *lines]).encode())


def test_titles_and_abstracts_come_in_turn() -> None:
    entries, problems = read("On Flows", ABSTRACT, "On Jets", ABSTRACT + "Code: https://github.com/ada/jets.")

    assert [entry.title for entry in entries] == ["On Flows", "On Jets"]
    assert entries[1].code_url == "https://github.com/ada/jets"
    assert entries[0].url.endswith("query=On+Flows")
    assert entries[0].published is None
    assert problems == ()


def test_an_odd_number_of_lines_is_named() -> None:
    entries, problems = read("On Flows", ABSTRACT, "On Jets")

    assert len(entries) == 1
    assert problems == ("line 11: a title without an abstract (the number of lines is odd); skipped: On Jets",)


def test_a_lost_abstract_does_not_shift_the_rest() -> None:
    entries, problems = read("On Flows", ABSTRACT, "Lost", "A Much Longer Title On Jets", ABSTRACT)

    assert [entry.title for entry in entries] == ["On Flows", "A Much Longer Title On Jets"]
    assert problems == ("line 11: a title without an abstract; skipped: Lost",)


def test_a_title_longer_than_its_abstract_is_refused() -> None:
    entries, problems = read("On Flows", ABSTRACT, ABSTRACT, "On Jets", ABSTRACT)

    assert [entry.title for entry in entries] == ["On Flows", "On Jets"]
    assert problems[0].startswith("line 11: the title is longer than its abstract; skipped: We study")


def test_what_is_no_papers_page_is_refused() -> None:
    with pytest.raises(SourceError, match=r"saved\.txt: this is not a saved papers page"):
        read("hello")
    with pytest.raises(SourceError, match="save the page as text"):
        page.parse(b"<!DOCTYPE html><html>", Source("page", "page", "saved.txt"), NOON)


def test_broken_characters_and_a_huge_abstract_are_named() -> None:
    data = b"\xff\n" + ("On Flows\n" + "word " * 10_000).encode()

    entries, problems = parse(data)

    assert len(entries[0].abstract) <= 20_000
    assert problems == (
        "the text is not UTF-8: read as Windows-1252",
        '"On Flows": the abstract was cut to 20,000 characters',
    )


def test_the_seed_page_has_59_papers() -> None:
    if not SEEDS.exists():
        pytest.skip("needs ../shared/data/seeds/papers-page.txt")
    entries, problems = parse(SEEDS.read_bytes())

    assert len(entries) == len({entry.id for entry in entries}) == 59
    assert problems == ()
    assert sum(bool(entry.code_url) for entry in entries) == 17
    assert min(len(entry.abstract) for entry in entries) > 1_380
