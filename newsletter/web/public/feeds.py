"""Papers that everybody may see as feeds: Atom (RFC 4287) and JSON Feed 1.1. Pure: what is in a feed in, bytes out.

Names are tag: URIs (RFC 4151): of our host, of the day on which the newsletter's first issue ended. A paper keeps its
name from issue to issue, whatever becomes of its link.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from newsletter.renderer.sanitize import tidy, tidy_masthead, title_markup, web_link
from newsletter.services.archive import Public
from newsletter.types import Entry, Issue, Masthead

MOST_PAPERS = 50  #: in a feed
MOST_AUTHORS, MOST_TOPICS = 100, 20  #: of a paper
LONGEST_TITLE, LONGEST_ABSTRACT, LONGEST_NAME, LONGEST_ID = 300, 4000, 120, 500
NAMESPACES = {"xmlns": "http://www.w3.org/2005/Atom", "xmlns:media": "http://search.yahoo.com/mrss/"}
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


@dataclass(frozen=True, slots=True)
class Paper:
    """An entry of a feed: tidied, bounded, with links only to the web."""

    id: str
    link: str
    title: str
    title_html: str  #: safe markup; "" where the title is plain
    abstract: str
    tldr: str
    authors: tuple[str, ...]
    topics: tuple[str, ...]
    published: datetime | None
    announced: datetime  #: when the period of its issue ended
    pdf: str
    image: str


@dataclass(frozen=True, slots=True)
class PublicFeed:
    """Papers in the order of their places, the latest issue first."""

    id: str
    title: str
    subtitle: str
    author: str
    language: str
    home: str  #: address of the page with the same papers
    place: str  #: address of the feed itself, without "atom" or "json"
    updated: datetime
    papers: tuple[Paper, ...]


def feed_of_issue(page: Public, began: datetime, masthead: Masthead) -> PublicFeed:
    """Return the papers of one issue. `began`: when the first issue of all ended."""
    home = f"{masthead.base_url}/archive/{page.issue.key}"
    name = _tag(masthead, began, f"archive/{page.issue.key}")
    title = f"{tidy_masthead(masthead).name}, {page.issue.key}"
    return _feed(name, title, home, f"{home}/feed.", [page], began, masthead)


def feed_of_all(pages: Sequence[Public], began: datetime, masthead: Masthead) -> PublicFeed:
    """Return the papers of the latest issues."""
    base, name = masthead.base_url, _tag(masthead, began, "archive")
    return _feed(name, tidy_masthead(masthead).name, f"{base}/archive", f"{base}/feed.", pages, began, masthead)


def _feed(
    name: str, title: str, home: str, place: str, pages: Sequence[Public], began: datetime, masthead: Masthead
) -> PublicFeed:
    ours = tidy_masthead(masthead)
    language = pages[0].language if pages else masthead.language
    updated = max((page.issue.until for page in pages), default=began)
    papers = tuple(_papers(pages, began, masthead))[:MOST_PAPERS]
    return PublicFeed(name, title, ours.tagline, ours.name, language, home, place, updated, papers)


def _papers(pages: Iterable[Public], began: datetime, masthead: Masthead) -> Iterator[Paper]:
    """Yield each paper once, as of its latest issue; a weekly and a monthly issue may share it."""
    seen: set[str] = set()
    for page in pages:
        for pick in page.edition.picks:
            if pick.entry.id not in seen:
                seen.add(pick.entry.id)
                yield _paper(pick.entry, page.issue, began, masthead)


def _paper(entry: Entry, issue: Issue, began: datetime, masthead: Masthead) -> Paper:
    own = quote(entry.id[:LONGEST_ID], safe=":@/", errors="replace")
    return Paper(
        id=_tag(masthead, began, f"papers/{own}"),
        link=web_link(entry.url) or f"{masthead.base_url}/archive/{issue.key}",
        title=tidy(entry.title, LONGEST_TITLE) or "Untitled",
        title_html=str(title_markup(entry.title_html)),
        abstract=tidy(entry.abstract, LONGEST_ABSTRACT),
        tldr=tidy(entry.tldr, LONGEST_ABSTRACT),
        authors=_tidied(entry.authors, MOST_AUTHORS),
        topics=_tidied(entry.topics, MOST_TOPICS),
        published=entry.published,
        announced=issue.until,
        pdf=web_link(entry.pdf_url),
        image=web_link(entry.image_url),
    )


def _tidied(names: Sequence[str], most: int) -> tuple[str, ...]:
    return tuple(filter(None, (tidy(name, LONGEST_NAME) for name in names[:most])))


def _tag(masthead: Masthead, day: datetime, what: str) -> str:
    """Name by a tag: URI, such as "tag:papers.example.org,2025-03-17:papers/arxiv:2401.00001"."""
    host = (urlsplit(masthead.base_url).hostname or "").lower()
    if not _HOST.fullmatch(host):  # such as [::1]
        host = parseaddr(masthead.sender)[1].rpartition("@")[2].lower()
    return f"tag:{host},{day.astimezone(UTC):%Y-%m-%d}:{what}"


def atom(feed: PublicFeed) -> bytes:
    """Write the feed as Atom (RFC 4287), in UTF-8."""
    root = Element("feed", {**NAMESPACES, "xml:lang": feed.language})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    if feed.subtitle:
        _add(root, "subtitle", feed.subtitle)
    _add(root, "updated", _moment(feed.updated))
    _add(_add(root, "author"), "name", feed.author)
    _add(root, "link", rel="self", type="application/atom+xml", href=f"{feed.place}atom")
    _add(root, "link", rel="alternate", type="text/html", href=feed.home)
    for paper in feed.papers:
        _add_paper(root, paper)
    document: bytes = tostring(root, "utf-8", xml_declaration=True)
    return document


def _add_paper(root: Element, paper: Paper) -> None:
    entry = _add(root, "entry")
    _add(entry, "id", paper.id)
    if paper.title_html:
        _add(entry, "title", paper.title_html, type="html")
    else:
        _add(entry, "title", paper.title)
    _add(entry, "updated", _moment(paper.announced))
    if paper.published:
        _add(entry, "published", _moment(paper.published))
    for name in paper.authors:
        _add(_add(entry, "author"), "name", name)
    for topic in paper.topics:
        _add(entry, "category", term=topic)
    _add(entry, "link", rel="alternate", href=paper.link)
    if paper.pdf:
        _add(entry, "link", rel="related", type="application/pdf", href=paper.pdf)
    if paper.abstract or paper.tldr:
        _add(entry, "summary", paper.abstract or paper.tldr)
    if paper.image:
        _add(entry, "media:thumbnail", url=paper.image)


def _add(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    child = SubElement(parent, name, {key: _FORBIDDEN.sub("", value) for key, value in attributes.items()})
    child.text = _FORBIDDEN.sub("", text)
    return child


def json_feed(feed: PublicFeed) -> bytes:
    """Write the feed as JSON Feed 1.1, in UTF-8."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.subtitle,
        "home_page_url": feed.home,
        "feed_url": f"{feed.place}json",
        "language": feed.language,
        "authors": [{"name": feed.author, "url": feed.home}],
        "items": [_item(paper) for paper in feed.papers],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _item(paper: Paper) -> dict[str, object]:
    item: dict[str, object] = {
        "id": paper.id,
        "url": paper.link,
        "title": paper.title,
        "content_text": paper.abstract or paper.tldr,
        "summary": paper.tldr,
        "date_published": _moment(paper.published or paper.announced),
        "date_modified": _moment(paper.announced),
        "authors": [{"name": name} for name in paper.authors],
        "tags": [*paper.topics],
        "image": paper.image,
        "attachments": [{"url": paper.pdf, "mime_type": "application/pdf"}] if paper.pdf else [],
    }
    needed = ("id", "content_text")
    return {key: value for key, value in item.items() if value or key in needed}


def _moment(when: datetime) -> str:
    """Write a time as RFC 3339."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
