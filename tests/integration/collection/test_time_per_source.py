"""A source takes no more than its time: what came until then is kept, and the rest is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from feedserver import FeedServer

from newsletter.collector import KINDS, CollectLimits, Kind, Parsed, ReadLimits, Request, collect
from newsletter.collector.collect import TOGETHER
from newsletter.config import Settings
from newsletter.engine import make_engine
from newsletter.store import Store
from newsletter.testing import NOON, MemoryTransport
from newsletter.types import Entry, Source, SourceState

IN_A_SECOND = CollectLimits(read=ReadLimits(whole=1.0))


@pytest.fixture
async def feeds(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FeedServer]:
    monkeypatch.setenv("NO_PROXY", "*")
    async with FeedServer().serving() as feeds:
        yield feeds


def list_of(feeds: FeedServer, folder: Path, name: str, *names: str) -> Source:
    (folder / f"{name}.opml").write_text(feeds.listing(*names))
    return Source(name, "opml", str(folder / f"{name}.opml"))


async def test_of_a_list_of_slow_feeds_those_are_kept_that_answer_and_the_others_are_counted(
    feeds: FeedServer, tmp_path: Path
) -> None:
    names = ["slow-1", "a", "slow-2", "b"]

    listed, *read = await collect([list_of(feeds, tmp_path, "all", *names)], NOON, limits=IN_A_SECOND)

    assert listed.problems == ("2 of its 4 sources were not read within 1 s",)
    assert [(harvest.source.name, len(harvest.entries)) for harvest in read] == [("all: a", 1), ("all: b", 1)]


async def test_a_long_list_leaves_places_for_another_list(feeds: FeedServer, tmp_path: Path) -> None:
    long = list_of(feeds, tmp_path, "long", *(f"feed-{number}" for number in range(TOGETHER + 10)))
    text = Path(long.location).read_text().replace("127.0.0.1", "localhost")  # whose turns nobody else waits for
    Path(long.location).write_text(text)
    short = list_of(feeds, tmp_path, "short", "a")
    done: list[str] = []

    await collect([long, short], NOON, on_done=lambda harvest: done.append(harvest.source.name))

    assert done.index("short: a") < 8
    assert len(done) == TOGETHER + 13


def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind "pages": an address, which ends in a number, is followed by the next number."""

    def following(request: Request, page: Parsed, source: Source) -> Request | None:
        head, _, number = request.location.rpartition("-")
        return Request(f"{head}-{int(number) + 1}")

    def parse(data: bytes, source: Source, now: datetime) -> Parsed:
        return Parsed((Entry(id=f"p:{len(data)}-{data[-200:].hex()[:40]}", title=data.decode()[60:90]),))

    monkeypatch.setitem(KINDS, "pages", Kind(parse, following=following, interval=0.2))


async def test_pages_that_came_in_time_are_kept_and_the_source_is_partial(
    feeds: FeedServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages(monkeypatch)
    tables = {
        "collect": {"time_per_source": "1s"},
        "source": [{"name": "api", "kind": "pages", "location": feeds.at("page-1")}],
    }
    engine = make_engine(Settings.model_validate(tables), store, MemoryTransport(), lambda: NOON)

    [done] = await engine.collection.collect()

    assert 1 < len(done.harvest.entries) < 10
    assert done.health is not None
    assert done.health.state is SourceState.PARTIAL
    assert done.health.detail == f"{feeds.at('page-1')}: not read to its end within 1 s"
    assert done.harvest.receipts == ()  # it is read again the next time


async def test_a_source_of_which_nothing_came_in_time_fails(feeds: FeedServer) -> None:
    [harvest] = await collect([Source("x", "feed", feeds.at("slow"))], NOON, limits=IN_A_SECOND)

    assert harvest.error == f"{feeds.at('slow')}: not read to its end within 1 s"
