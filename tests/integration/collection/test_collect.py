"""All sources together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from newsletter.collector import KINDS, Harvest, Kind, Parsed, collect, guess_kind, names
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SAMPLES = Path(__file__).parents[2] / "data/sources"
SEEDS = Path(__file__).parents[4] / "shared/data/seeds/papers-page.txt"
JOURNAL = Source("journal", "feed", "journal.rss")


@dataclass
class Slow:
    """A server that thinks for 0.3 s before each answer, an empty feed."""

    url: str = ""
    now: int = 0  #: requests under way
    most: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.3)
        self.now -= 1
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n<rss version='2.0'><channel><title>T</title></channel></rss>")
        writer.close()


@pytest.fixture
async def slow_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slow]:
    monkeypatch.setenv("NO_PROXY", "*")
    slow = Slow()
    listening = await asyncio.start_server(slow.answer, "127.0.0.1", 0)
    slow.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield slow
    listening.close()


async def test_one_bad_source_stops_nobody_else() -> None:
    sources = [
        JOURNAL,
        Source("gone", "feed", "gone.rss"),
        Source("odd", "tea-leaves", "cup"),
        Source("wrong", "feed", "../../unit/collector/test_feed.py"),
        Source("arxiv", "feed", "arxiv.atom"),
    ]

    harvests = await collect(sources, NOON, SAMPLES)

    assert [harvest.source for harvest in harvests] == sources
    assert [len(harvest.entries) for harvest in harvests] == [2, 0, 0, 0, 2]
    assert [harvest.error for harvest in harvests] == [
        "",
        "gone.rss: there is no such file",
        f'cup: unknown kind "tea-leaves" (known: {", ".join(sorted(KINDS))})',
        "../../unit/collector/test_feed.py: this is not a feed (it is not XML)",
        "",
    ]
    assert harvests[0].problems


async def test_slow_sources_are_fetched_together(slow_server: Slow) -> None:
    harvests = await collect([Source(str(number), "feed", slow_server.url) for number in range(10)], NOON)

    assert [harvest.error for harvest in harvests] == [""] * 10
    assert slow_server.most > 1


async def test_a_parser_with_a_bug_costs_only_its_own_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(data: bytes, source: Source, now: datetime) -> Parsed:
        raise IndexError(len(data))

    monkeypatch.setitem(KINDS, "buggy", Kind(buggy))

    bad, good = await collect([Source("bad", "buggy", "journal.rss"), JOURNAL], NOON, SAMPLES)

    assert bad.error == "journal.rss: IndexError in the buggy parser"
    assert len(good.entries) == 2


async def test_each_source_is_told_when_it_is_done() -> None:
    done: list[Harvest] = []

    harvests = await collect([JOURNAL, Source("gone", "feed", "gone.rss")], NOON, SAMPLES, on_done=done.append)

    assert sorted(harvest.source.name for harvest in done) == ["gone", "journal"]
    assert all(harvest in harvests for harvest in done)


async def test_collecting_twice_names_the_same_papers() -> None:
    first, second = [await collect([JOURNAL], NOON, SAMPLES) for _ in range(2)]

    assert [names(entry) for entry in first[0].entries] == [names(entry) for entry in second[0].entries]
    assert all(names(entry) for entry in first[0].entries)


async def test_a_kind_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    def lines(data: bytes, source: Source, now: datetime) -> Parsed:
        return Parsed((Entry(id=str(data.count(b"\n")), title="Lines", source=source.name),))

    monkeypatch.setitem(KINDS, "lines", Kind(lines))

    (harvest,) = await collect([Source("own", "lines", "journal.rss")], NOON, SAMPLES)

    assert [(entry.id, entry.source) for entry in harvest.entries] == [("27", "own")]


async def test_the_seed_page_gives_59_entries() -> None:
    if not SEEDS.exists():
        pytest.skip("needs ../shared/data/seeds/papers-page.txt")
    (harvest,) = await collect([Source("page", "page", str(SEEDS))], NOON)

    assert len({entry.id for entry in harvest.entries}) == 59
    assert not harvest.problems


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("papers.jsonl", "jsonl"),
        ("~/x/PAPERS.NDJSON", "jsonl"),
        ("page.txt", "page"),
        ("https://x.org/papers.jsonl?token=1", "jsonl"),
        ("https://rss.arxiv.org/atom/cs.AI", "arxiv"),
        ("https://export.arxiv.org/api/query?search_query=all:x", "arxiv"),
        ("https://huggingface.co/api/daily_papers", "huggingface"),
        ("https://connect.biorxiv.org/biorxiv_xml.php?subject=all", "biorxiv"),
        ("https://api2.openreview.net/notes?invitation=x", "openreview"),
        ("https://journal.example.org/rss", "feed"),
        ("subscriptions.opml", "opml"),
    ],
)
def test_a_kind_is_guessed_from_the_location(location: str, kind: str) -> None:
    assert guess_kind(location) == kind
