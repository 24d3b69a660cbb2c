"""The papers of one document beside each other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.collector.document import apart
from newsletter.collector.identity import same_paper
from newsletter.collector.normalize import Sighting, finish
from newsletter.collector.reading import read_page
from newsletter.testing import NOON
from newsletter.types import Entry, Source

TITLES = ("Moss as a sensor of city air", "A census of peat bogs by drone", "Bees, part 1", "Bees, part 2")


def read(document: str, kind: str = "feed") -> tuple[Sighting, ...]:
    return read_page(document.encode(), Source("s", kind, "x"), NOON, 100).sightings


def papers(sightings: tuple[Sighting, ...]) -> int:
    """How many papers the store would make of them."""
    kept: list[Sighting] = []
    for new in sightings:
        if not any(same_paper(old.entry, new.entry, {*old.names} & {*new.names}) for old in kept):
            kept.append(new)
    assert len({sighting.entry.id for sighting in kept}) == len(kept)
    return len(kept)


@pytest.mark.parametrize(
    "shared",
    [
        "<guid>https://lab.example</guid><link>https://lab.example/{}</link>",
        "<guid>item</guid><link>https://lab.example/{}</link>",
        "<guid>item</guid>",
        "<link>https://lab.example/current</link>",
        "<guid>https://doi.org/10.5555/volume</guid>",
        '<link>https://doi.org/10.5555/volume</link><guid isPermaLink="false">g{}</guid>',
        "<link>https://lab.example/current?utm_source=rss{}</link>",
    ],
)
def test_what_papers_with_different_titles_share_names_none_of_them(shared: str) -> None:
    items = "".join(f"<item><title>{title}</title>{shared.format(n)}</item>" for n, title in enumerate(TITLES[:3]))

    assert papers(read(f"<rss><channel><title>T</title>{items}</channel></rss>")) == 3


def test_atom_rdf_and_json_feeds_are_no_different() -> None:
    entries = "".join(f"<entry><id>urn:x</id><title>{title}</title></entry>" for title in TITLES)
    items = [{"id": "x", "title": title} for title in TITLES]
    feed = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})

    assert papers(read(f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>')) == 4
    assert papers(read(feed)) == 4


def test_a_line_with_the_id_of_another_paper_is_told_and_kept() -> None:
    lines = "".join(json.dumps({"id": "x", "title": title}) + "\n" for title in (*TITLES[:2], TITLES[0]))

    page = read_page(lines.encode(), Source("s", "jsonl", "x"), NOON, 100)

    assert [sighting.entry.title for sighting in page.sightings] == [*TITLES[:2]]
    assert papers(page.sightings) == 2
    assert page.parsed.problems == (
        'line 2: the id "x" stands on an earlier line: taken for another paper',
        'line 3: the id "x" stands on an earlier line; skipped',
    )


def sightings(*entries: Entry) -> tuple[Sighting, ...]:
    return apart([finish(entry, NOON) for entry in entries])


def test_one_paper_twice_keeps_its_id() -> None:
    paper = Entry(id="https://lab.example/1", title="Bees, part 1", url="https://lab.example/1")

    found = sightings(paper, replace(paper, title="Bees: Part 1"))

    assert [sighting.entry.id for sighting in found] == ["https://lab.example/1"] * 2
    assert papers(found) == 1


def test_a_doi_holds_two_ways_to_write_a_title_together() -> None:
    paper = Entry(id="doi:10.5555/x", title="Bees that count to five")

    assert papers(sightings(paper, replace(paper, title="Bees That Count to Five: a study"))) == 1
    assert papers(sightings(paper, replace(paper, title="Moss as a sensor of city air"))) == 2


@pytest.mark.parametrize("name", ["arxiv:2401.00001", "doi:10.1101/2024.01.01.555111", "openreview:abc"])
def test_a_new_title_under_the_number_of_a_preprint_is_a_new_version(name: str) -> None:
    first = Entry(id="", title=TITLES[0], also=(name,))

    assert papers(sightings(first, replace(first, title=TITLES[1]))) == 1


def test_what_a_search_finds_is_news_for_sixty_days_and_what_a_source_allows() -> None:
    paper = {"paperId": "a" * 40, "title": TITLES[0]}
    papers = [{**paper, "publicationDate": f"{NOON - timedelta(days=days):%Y-%m-%d}"} for days in (1, 61, 400)]
    data, source = json.dumps({"data": papers}).encode(), Source("s", "semanticscholar", "x")

    by_default, shorter, unlimited = (
        read_page(data, source, NOON, 100, limit) for limit in (None, timedelta(hours=1), timedelta())
    )

    assert [sighting.entry.update for sighting in by_default.sightings] == [False, True, True]
    assert [page.old for page in (by_default, shorter, unlimited)] == [2, 3, 0]
