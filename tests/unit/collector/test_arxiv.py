"""arXiv's own feeds and its search."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from newsletter.collector.normalize import finish
from newsletter.collector.source_kind import Parsed, Request
from newsletter.collector.sources import arxiv
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

SHARED = Path(__file__).parents[4] / "shared/data/sources"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday, 7 o'clock in New York
SOURCE = Source("arXiv", "arxiv", "cs.AI")
HEAD = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
)
PAPER = (
    "<entry><id>http://arxiv.org/abs/2401.00001v{version}</id><title>On Kettles</title><updated>{updated}</updated>"
    "<published>2026-01-02T00:00:00Z</published><summary>Where $x&lt;y$ and &lt;p_T&gt; = 3.</summary>"
    "<author><name>Ada One</name><arxiv:affiliation>Rome</arxiv:affiliation></author>"
    "<author><name>Bo Two</name><arxiv:affiliation>Oslo</arxiv:affiliation></author>"
    "<author><name>Bo Two</name></author>"
    "<arxiv:comment>9 pages, accepted at KETTLE 2026, code: https://github.com/ada/kettle</arxiv:comment>"
    '<arxiv:doi>10.1000/X.1</arxiv:doi><category term="cs.LG"/><arxiv:primary_category term="cs.AI"/></entry>'
)


def read(body: str) -> Parsed:
    return arxiv.parse(f"{HEAD}{body}</feed>".encode(), SOURCE, NOW)


def paper(version: int = 1, updated: str = "2026-01-02T00:00:00Z") -> Entry:
    return finish(read(PAPER.format(version=version, updated=updated)).entries[0], NOW).entry


def test_a_paper_of_the_search_arrives_whole() -> None:
    found = paper()

    assert found.id == "arxiv:2401.00001"
    assert found.abstract == "Where x<y and <p_T> = 3."
    assert found.authors == ("Ada One", "Bo Two", "Bo Two")
    assert found.affiliations == ("Rome", "Oslo")
    assert found.topics == ("cs.AI", "cs.LG")
    assert found.also == ("arxiv:2401.00001", "doi:10.1000/x.1")
    assert found.venue.startswith("9 pages, accepted at KETTLE 2026")
    assert found.code_url == "https://github.com/ada/kettle"
    assert found.pdf_url == "https://arxiv.org/pdf/2401.00001"
    assert not found.update


def test_a_revision_of_an_old_paper_is_no_news() -> None:
    assert paper(2, "2026-02-20T00:00:00Z").update
    assert not paper(2, "2026-01-05T00:00:00Z").update


def test_an_error_is_no_paper() -> None:
    error = "<entry><id>https://arxiv.org/api/errors#x</id><title>Error</title><summary>incorrect id</summary></entry>"
    with pytest.raises(SourceError, match="arXiv says: incorrect id"):
        read(error)
    with pytest.raises(SourceError, match="Feed error for query: xx"):
        read("<title>Feed error for query: xx</title>")


def test_an_entry_without_a_title_or_number_is_named_and_costs_no_other() -> None:
    bad = "<entry><id>http://x.org/1</id><title>Odd</title></entry><entry><id>oai:arXiv.org:2401.00002v1</id></entry>"

    parsed = read(bad + PAPER.format(version=1, updated="2026-01-02T00:00:00Z"))

    assert len(parsed.entries) == 1
    assert parsed.problems == (
        "entry 1: no arXiv id; skipped: Odd",
        "entry 2: no title; skipped: oai:arXiv.org:2401.00002v1",
    )


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("cs.AI+cs.LG", "https://rss.arxiv.org/atom/cs.AI+cs.LG"),
        ("cs.AI, math.OC", "https://rss.arxiv.org/atom/cs.AI+math.OC"),
        ("https://rss.arxiv.org/rss/cs.AI", "https://rss.arxiv.org/rss/cs.AI"),
        ("saved/cs.AI.xml", "saved/cs.AI.xml"),
        ("feed.xml", "feed.xml"),
        ("http://x.org/api/query?search_query=a", "http://x.org/api/query?search_query=a&start=0&max_results=200"),
        ("http://x.org/api/query?id_list=1", "http://x.org/api/query?id_list=1"),
    ],
)
def test_a_location_becomes_a_request(location: str, asked: str) -> None:
    assert [each.location for each in arxiv.requests(Source("a", "arxiv", location), NOW)] == [asked]


def test_a_search_is_newest_first_and_paged_up_to_its_limit() -> None:
    source = Source("a", "arxiv", "cat:cs.CL AND abs:translation", {"limit": 250})
    [first] = arxiv.requests(source, NOW)
    assert "search_query=cat%3Acs.CL+AND+abs%3Atranslation" in first.location
    assert "sortBy=submittedDate&sortOrder=descending&start=0&max_results=250" in first.location

    second = arxiv.following(first, Parsed((), seen=200, total=1_000), source)

    assert second is not None
    assert "start=200&" in second.location
    assert arxiv.following(second, Parsed((), seen=200, total=1_000), source) is None
    assert arxiv.following(Request("x?start=0"), Parsed((), seen=0, total=9), source) is None


@pytest.mark.parametrize(
    ("dated", "now", "late"),
    [
        ("2026-11-23T05:00", NOW, False),
        ("2026-11-20T05:00", NOW, True),
        ("2026-11-20T05:00", NOW - timedelta(hours=6), False),  # Monday's feed may still be on its way
        ("2026-11-20T05:00", NOW - timedelta(days=1), False),  # Sunday
        ("2026-11-19T05:00", NOW - timedelta(days=1), True),
    ],
)
def test_a_daily_feed_of_an_older_working_day_is_late(dated: str, now: datetime, late: bool) -> None:
    assert bool(arxiv.late(datetime.fromisoformat(dated).replace(tzinfo=UTC), now)) is late


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[A-Za-z]{3,}", text))


@pytest.mark.parametrize(
    ("name", "count", "updates"),
    [
        ("arxiv_daily_atom.xml", 7, 0),
        ("arxiv_daily_rss2.xml", 1, 1),
        ("arxiv_api_single.xml", 1, 0),
        ("arxiv_api_old_id.xml", 1, 0),
        ("arxiv_api_page10.xml", 10, 4),
        ("arxiv_api_empty.xml", 0, 0),
    ],
)
def test_real_samples_lose_no_word(name: str, count: int, updates: int) -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/sources")
    data = (SHARED / name).read_bytes()
    entries = [finish(entry, NOW).entry for entry in arxiv.parse(data, SOURCE, NOW).entries]
    raw = [each for each in ElementTree.fromstring(data).iter() if each.tag.rpartition("}")[2] in ("entry", "item")]  # noqa: S314

    assert (len(entries), sum(entry.update for entry in entries)) == (count, updates)
    for item, entry in zip(raw, entries, strict=True):
        texts = {each.tag.rpartition("}")[2]: each.text or "" for each in item}
        abstract = re.sub(r"^.*?Abstract: ", "", texts.get("summary") or texts["description"], flags=re.DOTALL)
        commands = words(" ".join(re.findall(r"\\[a-zA-Z]+(?:\{[A-Z]\})?", abstract)))
        assert words(texts["title"]) <= words(entry.title)
        assert words(abstract) - commands <= words(entry.abstract)


def test_an_error_sample_is_an_error() -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/sources")
    with pytest.raises(SourceError, match="incorrect id format for abc"):
        arxiv.parse((SHARED / "arxiv_api_error.xml").read_bytes(), SOURCE, NOW)
