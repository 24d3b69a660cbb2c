"""A hostile source costs itself: what it cannot take is told, and the others go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from newsletter.collector import KINDS, CollectLimits, Harvest, Kind, Parsed, ReadLimits, Request, collect, kinds
from newsletter.collector.reading import SMALL, DocumentReader
from newsletter.config import Settings
from newsletter.engine import make_engine
from newsletter.store import Store
from newsletter.testing import NOON, MemoryTransport
from newsletter.types import Entry, Source, SourceState

JOURNAL = Source("journal", "feed", str(Path(__file__).parents[2] / "data/sources/journal.rss"))
MUCH = "\n" + "a title of a paper\n" * (SMALL // 10)


@pytest.fixture
def stuck_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with an entry point, as another project would install it: the process apart finds it too."""
    metadata = tmp_path / "stuck_kind-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stuck-kind\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[newsletter.sources]\nstuck = stuck:parse\n")
    monkeypatch.syspath_prepend(tmp_path)
    kinds.installed_kinds.cache_clear()
    yield
    kinds.installed_kinds.cache_clear()


async def harvested(folder: Path, text: str, **limits: float) -> tuple[Harvest, Harvest]:
    (folder / "x.stuck").write_text(text)
    sources = [Source("bad", "stuck", "x.stuck"), JOURNAL]
    bad, good = await collect(sources, NOON, folder, limits=CollectLimits(read=ReadLimits(**limits)))  # type: ignore[arg-type]
    return bad, good


@pytest.mark.usefixtures("stuck_kind")
@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("stuck", "took longer than 0.2 s to read"),
        ("greedy", "needs more than 1,024 MB to read"),
        ("crash", "the process that read it ended (code -11)"),
        ("faulty", "KeyError in the stuck parser"),
        ("fine", ""),
    ],
)
async def test_what_a_document_does_to_its_parser_costs_its_source_alone(tmp_path: Path, word: str, why: str) -> None:
    bad, good = await harvested(tmp_path, word + MUCH, seconds=0.2 if word == "stuck" else 60)

    assert bad.error == (f"x.stuck: {why}" if why else "")
    assert bool(bad.entries) is not bool(why)
    assert len(good.entries) == 2


@pytest.mark.usefixtures("stuck_kind")
async def test_a_collection_that_is_broken_off_waits_for_no_document(tmp_path: Path) -> None:
    began = monotonic()
    collecting = asyncio.ensure_future(harvested(tmp_path, f"stuck{MUCH}", seconds=300))
    await asyncio.sleep(1)
    collecting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await collecting

    assert monotonic() - began < 30


@pytest.mark.usefixtures("stuck_kind")
async def test_a_document_for_which_there_is_no_time_left_ends_no_other_one() -> None:
    with DocumentReader(NOON, ReadLimits(seconds=300)) as documents:
        reading = asyncio.ensure_future(documents.read(f"stuck{MUCH}".encode(), Source("bad", "stuck", "x"), 10))
        waiting = asyncio.ensure_future(documents.read(f"fine{MUCH}".encode(), Source("good", "stuck", "y"), 10))
        await asyncio.sleep(1)
        reading.cancel()

        page = await waiting

    assert reading.cancelled()
    assert len(page.sightings) == 10


def papers(count: int, dated: bool = True) -> str:
    days = [(NOON - timedelta(days=(7 * number) % count)).isoformat() if dated else "" for number in range(count)]
    rows = ({"id": f"p:{number}", "title": f"Paper {number}", "published": day} for number, day in enumerate(days))
    return "".join(json.dumps(row) + "\n" for row in rows)


def at_most(entries: int) -> CollectLimits:
    return CollectLimits(read=ReadLimits(entries=entries))


async def taken(folder: Path, text: str, most: int) -> Harvest:
    (folder / "x.jsonl").write_text(text)
    (harvest,) = await collect([Source("x", "jsonl", "x.jsonl")], NOON, folder, limits=at_most(most))
    return harvest


async def test_of_too_many_entries_the_newest_are_taken_in_their_order(tmp_path: Path) -> None:
    harvest = await taken(tmp_path, papers(10), 3)  # ages 0 7 4 1 8 5 2 9 6 3

    assert [entry.id for entry in harvest.entries] == ["p:0", "p:3", "p:6"]
    assert harvest.problems == ("10 entries in one document: the newest 3 were taken",)


async def test_of_too_many_entries_without_dates_the_first_are_taken(tmp_path: Path) -> None:
    harvest = await taken(tmp_path, papers(10, dated=False), 3)

    assert [entry.id for entry in harvest.entries] == ["p:0", "p:1", "p:2"]
    assert harvest.problems == ("10 entries in one document: the first 3 were taken",)


async def test_no_more_pages_are_asked_for_than_entries_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def following(request: Request, page: Parsed, source: Source) -> Request | None:
        return Request(str(int(request.location) + 1))

    def parse(data: bytes, source: Source, now: datetime) -> Parsed:
        return Parsed(tuple(Entry(id=f"p:{word}", title=word) for word in data.decode().split()))

    monkeypatch.setitem(KINDS, "pages", Kind(parse, following=following))
    for number in range(4):
        (tmp_path / str(number)).write_text(f"a{number} b{number}")

    cut, whole = [
        (await collect([Source("x", "pages", "0")], NOON, tmp_path, limits=at_most(most)))[0] for most in (4, 3)
    ]

    assert [entry.id for entry in cut.entries] == ["p:a0", "p:b0", "p:a1", "p:b1"]
    assert cut.problems == ("more than 4 entries: the rest was left out",)
    assert [entry.id for entry in whole.entries] == ["p:a0", "p:b0", "p:a1"]
    assert whole.problems == ("2 entries in one document: the first 1 were taken",)


async def test_as_many_entries_as_may_be_are_no_problem(tmp_path: Path) -> None:
    harvest = await taken(tmp_path, papers(10), 10)

    assert (len(harvest.entries), harvest.problems) == (10, ())


async def test_a_source_with_more_than_is_taken_is_partial_and_says_so(tmp_path: Path, store: Store) -> None:
    (tmp_path / "x.jsonl").write_text(papers(400))
    tables = {"collect": {"entries_per_source": 300}, "source": [{"location": str(tmp_path / "x.jsonl")}]}
    engine = make_engine(Settings.model_validate(tables), store, MemoryTransport(), lambda: NOON)

    [first] = await engine.collection.collect()
    [again] = await engine.collection.collect()

    assert (first.added, again.added) == (300, 0)
    for done in (first, again):
        assert done.health
        assert done.health.state is SourceState.PARTIAL
        assert done.health.detail == "400 entries in one document: the newest 300 were taken"
