"""Collecting through the engine: lists of sources, recommendations, summaries, trends, other people's kinds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import newsletter.store
from newsletter import collector
from newsletter.collector import Kind, Parsed, collect, kinds
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.store.schema import REVISION
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Source, SourceState, Verb

FEED = (
    b'<rss version="2.0"><channel><title>T</title><item><title>On Kettles &lt;sub&gt;2&lt;/sub&gt; and Whistles</title>'
    b"<link>/1</link><description>We boil.</description></item></channel></rss>"
)


class Site:
    """Answers each path with its bytes and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.seen: list[tuple[str, bytes]] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        path = head.split(b" ")[1].decode()
        self.seen.append((path, await reader.readexactly(length)))
        body = self.answers[path]
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setenv("NO_PROXY", "*")
    found = Site()
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


def engine_with(store: Store, **tables: Any) -> Engine:
    return make_engine(Settings.model_validate(tables), store, MemoryTransport(), lambda: NOON)


async def test_a_list_of_feeds_becomes_sources_of_their_own(site: Site, tmp_path: Path, store: Store) -> None:
    site.answers["/feed"] = FEED
    outlines = f'<outline text="Kettles" xmlUrl="{site.at("/feed")}"/><outline text="Gone" xmlUrl="http://[bad"/>'
    (tmp_path / "all.opml").write_text(f"<opml version='2.0'><body>{outlines}</body></opml>")
    engine = engine_with(store, source=[{"name": "all", "location": str(tmp_path / "all.opml")}])

    done = await engine.collection.collect()

    assert [(each.harvest.source.name, each.added) for each in done] == [("all", 0), ("all: Kettles", 1)]
    assert [entry.title for entry in store.entries.listed()] == ["On Kettles ₂ and Whistles"]
    assert {each.source for each in engine.collection.health()} == {"all", "all: Kettles"}


async def test_a_list_on_the_web_reaches_no_private_network_but_its_own_server(site: Site) -> None:
    site.answers["/feed"] = FEED
    outlines = f'<outline text="near" xmlUrl="{site.at("/feed")}"/><outline text="far" xmlUrl="http://127.0.0.1:9/x"/>'
    site.answers["/list.opml"] = f"<opml version='2.0'><body>{outlines}</body></opml>".encode()

    found = await collect([Source("list", "opml", site.at("/list.opml"))], NOON)

    assert [(each.source.name, bool(each.error)) for each in found[1:]] == [("list: near", False), ("list: far", True)]
    assert "127.0.0.1" in found[2].error


async def test_recommendations_are_asked_with_what_the_readers_like(store: Store) -> None:
    store.sightings.add([Named(make_entry("a", also=("arxiv:2401.00001",)), ("arxiv:2401.00001",))], NOON)
    for name, liked in (("Ada", ("a",)), ("Bob", ("a", "unknown"))):
        store.subscribers.add(make_subscriber(name, 0, profile=replace(make_profile(), liked=liked)), "test", NOON)
    for paper, verb in (("b", Verb.SAVE), ("c", Verb.LESS)):
        name = f"arxiv:2401.0000{ord(paper) - 96}"
        store.sightings.add([Named(make_entry(paper, also=(name,)), (name,))], NOON)
        store.votes.put(store.subscribers.find("bob@example.org").id, paper, verb, NOON)
    engine = engine_with(store, source=[{"kind": "semanticscholar", "location": "recommendations"}])

    [source] = engine.collection.sources(())
    [request] = collector.kind_of(source).requests(source, NOON)

    body = json.loads(request.body or b"")
    assert body["positivePaperIds"] == ["ARXIV:2401.00001", "ARXIV:2401.00002"]
    assert body["negativePaperIds"] == ["ARXIV:2401.00003"]
    assert b"ada" not in (request.body or b"").lower()


async def test_summaries_are_written_once_and_else_taken_from_the_abstract(site: Site, store: Store) -> None:
    message = {"choices": [{"message": {"content": "Kettles boil faster."}}]}
    site.answers["/v1/chat/completions"] = json.dumps(message).encode()
    section = {"url": site.at("/v1"), "model": "small", "key": "hush", "within": "5s", "language": "de"}
    engine = engine_with(store, summary=section)
    store.sightings.add([Named(make_entry("a"), ("a",)), Named(make_entry("b", tldr="Own."), ("b",))], NOON)

    first, second = await engine.summaries.summarise(), await engine.summaries.summarise()

    assert first is not None
    assert (first.written, first.trouble) == (1, "")
    assert second is not None
    assert second.written == 0
    assert len(site.seen) == 1
    assert b"German" in site.seen[0][1]
    assert {entry.id: entry.tldr for entry in store.entries.listed()} == {"a": "Kettles boil faster.", "b": "Own."}


async def test_a_dead_summariser_leaves_an_extract_in_the_issue(store: Store) -> None:
    engine = engine_with(store, summary={"url": "http://127.0.0.1:9/v1", "model": "small", "within": "5s"})
    store.sightings.add([Named(make_entry("a"), ("a",))], NOON)

    done = await engine.summaries.summarise()
    issue, _, _ = engine.planning.plan()

    assert done is not None
    assert done.trouble
    assert [entry.tldr for entry in store.entries.listed()] == [""]
    assert engine.editions.prepared(issue.key).entries["a"].tldr.startswith("We study a")
    assert await engine_with(store).summaries.summarise() is None


async def test_what_rises_is_frozen_with_the_issue(store: Store) -> None:
    def seen(day: int, **votes: int) -> None:
        named = [Named(make_entry(name, votes=count, source="hf"), (name,)) for name, count in votes.items()]
        store.sightings.add(named, NOON - timedelta(days=day))

    seen(2, slow=5, fast=5, silent=0)
    seen(0, slow=6, fast=90)
    engine = engine_with(store)

    entries = engine.editions.prepared(engine.planning.plan()[0].key).entries

    trend = {name: entry.trend or 0 for name, entry in entries.items()}
    assert trend["fast"] > trend["slow"] > trend["silent"]


async def test_other_packages_bring_kinds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    points = EntryPoints(
        EntryPoint(name, f"{__name__}:{value}", "newsletter.sources")
        for name, value in (("lines", "lines"), ("full", "FULL"), ("broken", "nothing"))
    )
    monkeypatch.setattr(kinds, "entry_points", lambda group: points.select(group=group))
    kinds.installed_kinds.cache_clear()
    (tmp_path / "x.lines").write_text("On Kettles")

    found = await collect([Source("a", "lines", "x.lines"), Source("b", "broken", "x.lines")], NOON, tmp_path)

    assert [entry.title for entry in found[0].entries] == ["On Kettles"]
    assert 'unknown kind "broken"' in found[1].error
    assert collector.guess_kind("x.lines") == "full"
    kinds.installed_kinds.cache_clear()


def lines(data: bytes, source: Source, now: object) -> Parsed:
    return Parsed(tuple(make_entry(id="", title=each) for each in data.decode().splitlines()))


FULL = Kind(lines, suffixes=(".lines",))


async def test_reading_only_remembers_nothing(tmp_path: Path, store: Store) -> None:
    (tmp_path / "feed.xml").write_bytes(FEED)
    engine = engine_with(store, source=[{"location": str(tmp_path / "feed.xml")}])

    [dry] = await engine.collection.collect(keep=False)
    assert (len(dry.harvest.entries), store.sources.health()) == (1, [])
    [first], [second] = await engine.collection.collect(), await engine.collection.collect()

    assert (first.added, second.added, second.harvest.unchanged) == (1, 0, True)
    assert first.health
    assert first.health.state is SourceState.FRESH


async def test_a_page_that_fails_costs_only_itself(site: Site, store: Store) -> None:
    """The second page of a search is a page of HTML: what the first gave is kept, and nothing is remembered as done."""
    head = "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:opensearch='http://a9.com/-/spec/opensearch/1.1/'>"
    paper = "<entry><id>http://arxiv.org/abs/2401.00001v1</id><title>On Kettles</title></entry>"
    total = "<opensearch:totalResults>2</opensearch:totalResults>"
    site.answers["/api/query?q=x&start=0&max_results=200"] = f"{head}{total}{paper}</feed>".encode()
    site.answers["/api/query?q=x&start=1&max_results=200"] = b"<html></html>"
    engine = engine_with(store, source=[{"name": "s", "kind": "arxiv", "location": site.at("/api/query?q=x")}])

    [done] = await engine.collection.collect()

    assert (done.added, done.harvest.receipts) == (1, ())
    assert done.health
    assert done.health.state is SourceState.PARTIAL


def test_a_database_of_the_first_version_is_brought_forward(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.db'}")
    store.check()
    config = Config()
    config.set_main_option("script_location", str(Path(newsletter.store.__file__).parent / "migrations"))
    with store.database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        row = "1, 'a', 'On a', '', '', '[]', NULL, '', '[]', '', '', '', NULL, NULL, NULL, 1742212800"
        connection.execute(text(f"INSERT INTO entries VALUES ({row})"))  # noqa: S608

    assert store.database.migrate() == ("0001", REVISION)

    assert [entry.id for entry in store.entries.new_between(NOON, NOON)] == ["a"]
    store.close()


async def test_a_list_that_did_not_change_is_still_followed(site: Site, tmp_path: Path, store: Store) -> None:
    site.answers["/feed"] = FEED
    outline = f'<outline text="Kettles" xmlUrl="{site.at("/feed")}"/>'
    (tmp_path / "all.opml").write_text(f"<opml version='2.0'><body>{outline}</body></opml>")
    engine = engine_with(store, source=[{"name": "all", "location": str(tmp_path / "all.opml")}])
    await engine.collection.collect()
    site.answers["/feed"] = FEED.replace(b"On Kettles", b"More on Kettles").replace(b"/1<", b"/2<")

    done = await engine.collection.collect(force=True)

    assert [each.added for each in done] == [0, 1]


async def test_a_body_with_faults_is_read_again_in_full(tmp_path: Path, store: Store) -> None:
    (tmp_path / "feed.xml").write_bytes(FEED[:-8])
    engine = engine_with(store, source=[{"location": str(tmp_path / "feed.xml")}])

    [first], [second] = await engine.collection.collect(), await engine.collection.collect()

    assert [each.health and each.health.state for each in (first, second)] == [SourceState.PARTIAL] * 2
    assert not second.harvest.unchanged


async def test_a_library_finds_the_papers_that_are_known_under_other_ids(tmp_path: Path, store: Store) -> None:
    title = "Turbulent transport of impurities in stellarator plasmas revisited"
    known = {"id": "arxiv:2501.00001", "title": title, "authors": ["Ada Lovelace"]}
    (tmp_path / "p.jsonl").write_text(json.dumps(known))
    (tmp_path / "r.bib").write_text(f"@article{{k1, title={{{title}}}, author={{Lovelace, Ada}}, year={{2026}}}}")
    engine = engine_with(store, source=[{"location": str(tmp_path / "p.jsonl")}])
    ada = store.subscribers.add(make_subscriber("Ada", 0), "test", NOON)
    await engine.collection.collect()

    new, _ = await engine.collection.like("ada@example.org", str(tmp_path / "r.bib"))

    assert (new, store.subscribers.get(ada.id).profile.liked) == (1, ("arxiv:2501.00001",))
    assert engine.papers.find(["2501.00001v3", "https://arxiv.org/pdf/2501.00001"]).keys() == {
        "2501.00001v3",
        "https://arxiv.org/pdf/2501.00001",
    }


async def test_numbers_of_two_files_are_two_papers_and_stay_so(tmp_path: Path, store: Store) -> None:
    for name, title in (("a", "Deep sea"), ("b", "Fusion magnets")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": "1", "title": title}))
    engine = engine_with(store, source=[{"location": str(tmp_path / f"{name}.jsonl")} for name in "ab"])

    first, second = await engine.collection.collect(), await engine.collection.collect(force=True)

    assert [each.added for each in (*first, *second)] == [1, 1, 0, 0]
    assert {entry.id for entry in store.entries.listed()} == {"1", "1~2"}
