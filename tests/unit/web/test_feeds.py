"""The feeds of the public papers: what the standards ask, and what our own collector reads back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.normalize import finish
from newsletter.collector.source_kind import Parser
from newsletter.collector.sources import feed, jsonfeed
from newsletter.services.archive import Public
from newsletter.testing import NOON, WEEK_12, make_entry
from newsletter.types import Cadence, Edition, Entry, Issue, Masthead, Pick, Source, Subscriber
from newsletter.web.public.feeds import (
    MOST_AUTHORS,
    MOST_PAPERS,
    PublicFeed,
    atom,
    feed_of_all,
    feed_of_issue,
    json_feed,
)

MASTHEAD = Masthead("The Weekly Preprint", "w@papers.example.org", "New papers", base_url="https://papers.example.org")
SOURCE = Source("ours", "feed", "https://papers.example.org/feed.atom")
BEGAN = NOON - timedelta(days=70)
FULL = make_entry(
    "arxiv:2401.00001",
    title="On <p_T> & H₂O in pp collisions",
    title_html="On &lt;p_T&gt; &amp; H<sub>2</sub>O in pp collisions",
    abstract="We find that x < y & y > z; “quotes” and 李 stay.",
    url="https://arxiv.org/abs/2401.00001",
    authors=("Ada Lovelace", "Ève 李"),
    published=NOON - timedelta(days=3),
    topics=("cs.LG", "hep-ex"),
    pdf_url="https://arxiv.org/pdf/2401.00001",
    image_url="https://papers.example.org/figure.png",
    tldr="It is faster.",
)
ATOM = "{http://www.w3.org/2005/Atom}"


def page(*entries: Entry, issue: Issue = WEEK_12) -> Public:
    picks = tuple(Pick(each, 0.5, "", ("new this week",)) for each in entries)
    return Public(issue, Edition(issue, Subscriber(0, ""), picks), "s", b"", 9, "en", ("en",))


def all_of(*pages: Public) -> PublicFeed:
    return feed_of_all(pages, BEGAN, MASTHEAD)


def named(found: PublicFeed) -> list[str]:
    return [paper.id for paper in found.papers]


def items(found: PublicFeed) -> list[dict[str, object]]:
    return list(json.loads(json_feed(found))["items"])


@pytest.mark.parametrize(("parse", "write"), [(feed.parse, atom), (jsonfeed.parse, json_feed)])
@pytest.mark.parametrize("entry", [FULL, replace(FULL, title_html="", pdf_url="", image_url="", topics=())])
def test_our_own_collector_reads_a_feed_back(parse: Parser, write: Callable[[PublicFeed], bytes], entry: Entry) -> None:
    parsed = parse(write(all_of(page(entry))), SOURCE, NOON)

    [read] = [finish(each, NOON).entry for each in parsed.entries]
    assert not parsed.problems
    assert (read.title, read.abstract) == (entry.title, entry.abstract)
    assert (read.url, read.authors, read.topics) == (entry.url, entry.authors, entry.topics)
    assert (read.published, read.pdf_url, read.image_url) == (entry.published, entry.pdf_url, entry.image_url)
    assert "arxiv:2401.00001" in (read.id, *read.also)


def test_an_atom_feed_has_what_the_standard_asks() -> None:
    found = all_of(page(FULL, make_entry("bare", url="", abstract="")))

    root = ElementTree.fromstring(atom(found))  # noqa: S314 - our own

    for where in (root, *root.iter(f"{ATOM}entry")):
        assert [len(where.findall(f"{ATOM}{name}")) for name in ("id", "title", "updated")] == [1, 1, 1]
        assert re.fullmatch(r"tag:papers\.example\.org,2025-01-06:[\w:/.-]+", where.findtext(f"{ATOM}id", ""))
        assert datetime.fromisoformat(where.findtext(f"{ATOM}updated", "")) == NOON
        assert len([each for each in where.findall(f"{ATOM}link") if each.get("rel") == "alternate"]) == 1
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "The Weekly Preprint"
    assert [each.get("href") for each in root.findall(f"{ATOM}link") if each.get("rel") == "self"] == [
        "https://papers.example.org/feed.atom"
    ]
    assert not feedparser.parse(atom(found)).bozo


def test_a_json_feed_has_what_the_standard_asks() -> None:
    found = json.loads(json_feed(feed_of_issue(page(FULL, make_entry("bare", url="", abstract="")), BEGAN, MASTHEAD)))

    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert found["title"] == "The Weekly Preprint, 2025-W12"
    assert found["feed_url"] == "https://papers.example.org/archive/2025-W12/feed.json"
    assert all(isinstance(item["id"], str) and isinstance(item["content_text"], str) for item in found["items"])
    assert found["items"][0]["authors"] == [{"name": "Ada Lovelace"}, {"name": "Ève 李"}]
    assert found["items"][1]["url"] == "https://papers.example.org/archive/2025-W12"


def test_a_paper_keeps_its_name_from_issue_to_issue_and_comes_once() -> None:
    month = Issue("2025-03", Cadence.MONTHLY, NOON - timedelta(days=30), NOON + timedelta(days=14))
    weekly, monthly = page(FULL, make_entry("other")), page(FULL, issue=month)

    both = all_of(monthly, weekly)

    assert named(both) == [*named(all_of(monthly)), *named(all_of(weekly))[1:]]
    assert named(both)[0] == named(feed_of_issue(weekly, BEGAN, MASTHEAD))[0]
    assert both.updated == both.papers[0].announced == month.until


def test_a_feed_is_bounded() -> None:
    crowd = replace(FULL, authors=tuple(f"Author {at}" for at in range(3000)), abstract="word " * 9000)
    found = all_of(page(crowd, *(make_entry(f"paper-{at}") for at in range(80))))

    assert len(found.papers) == MOST_PAPERS
    assert len(found.papers[0].authors) == MOST_AUTHORS
    assert len(atom(found)) < 50_000


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "//evil", "data:text/html,x", ""])
def test_only_links_to_the_web_are_in_a_feed(url: str) -> None:
    found = all_of(page(replace(FULL, url=url, pdf_url=url, image_url=url)))

    links = [found.papers[0].link, *re.findall(r'(?:href|url)="([^"]*)"', atom(found).decode())]
    assert found.papers[0].link == "https://papers.example.org/archive/2025-W12"
    assert all(link.startswith("https://papers.example.org/") for link in links)
    assert "attachments" not in items(found)[0]


anything = st.text(st.characters(exclude_categories=()), max_size=40)


@given(anything, anything, anything, anything)
@settings(deadline=None)
def test_whatever_stands_in_an_entry_the_feed_is_well_formed(title: str, abstract: str, name: str, key: str) -> None:
    ours = replace(MASTHEAD, name=name, tagline=title)
    hostile = make_entry(
        key, title=title, title_html=title, abstract=abstract, authors=(name,), topics=(name,), url=f"http://a/{key}"
    )
    found = feed_of_all([page(hostile)], BEGAN, ours)

    root = ElementTree.fromstring(atom(found))  # noqa: S314 - our own
    [item] = json.loads(json_feed(found).decode())["items"]

    assert len(root.findall(f"{ATOM}entry")) == 1
    assert root.findtext(f"{ATOM}entry/{ATOM}summary", "") == item["content_text"]
    assert re.fullmatch(r"tag:[a-z.]+,2025-01-06:papers/[\w.~:@/%-]*", item["id"], re.ASCII)


def test_markup_in_a_title_is_only_what_is_safe() -> None:
    bad = replace(FULL, title_html='H<sub>2</sub>O<script>alert(1)</script><img src="x" onerror="y">')

    root = ElementTree.fromstring(atom(all_of(page(bad))))  # noqa: S314 - our own

    title = root.find(f"{ATOM}entry/{ATOM}title")
    assert title is not None
    assert (title.get("type"), title.text) == ("html", "H<sub>2</sub>O")


@pytest.mark.parametrize(
    ("base", "authority"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("https://Papers.Example.org/x", "papers.example.org"),
        ("http://[::1]", "our.example.org"),
    ],
)
def test_names_are_of_a_host_that_a_tag_may_hold(base: str, authority: str) -> None:
    ours = replace(MASTHEAD, base_url=base, sender="W <w@our.example.org>")

    assert named(feed_of_all([page(FULL)], datetime(2024, 1, 31, 23, tzinfo=UTC), ours)) == [
        f"tag:{authority},2024-01-31:papers/arxiv:2401.00001"
    ]


def test_a_feed_without_issues_is_a_feed() -> None:
    empty = all_of()

    assert ElementTree.fromstring(atom(empty)).findtext(f"{ATOM}updated") == "2025-01-06T12:00:00Z"  # noqa: S314
    assert items(empty) == []
