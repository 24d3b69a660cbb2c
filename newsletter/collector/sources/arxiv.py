"""arXiv: the daily feeds (Atom, RSS 2.0) and the search API, read from the XML itself.

feedparser is not asked: its sanitiser eats `x<y` in RSS, it joins the daily feed's authors into one, and keeps only the
last affiliation. An announcement of a replacement completes a paper that is known, and is no news.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from newsletter.collector.source_kind import Kind, Parsed, Request, few
from newsletter.collector.sources.feed_xml import Item, NotAFeed, RawFeed, read_items
from newsletter.collector.text.dates import moment
from newsletter.collector.text.html import plain
from newsletter.collector.text.person_names import split_authors, without_affiliation
from newsletter.collector.text.urls import code_link, is_address, shown
from newsletter.collector.withdrawals import says_withdrawn
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

FEED = "https://rss.arxiv.org/atom/"
API = "https://export.arxiv.org/api/query"
NAMESPACE = b"arxiv.org/schemas/atom"
ARCHIVES = "astro-ph cond-mat cs econ eess gr-qc hep-ex hep-lat hep-ph hep-th math math-ph nlin nucl-ex nucl-th physics"
ARCHIVES += " q-bio q-fin quant-ph stat"
CATEGORY = rf"(?:{'|'.join(ARCHIVES.split())})(?:\.[A-Za-z]{{2}}|\.[a-z]+(?:-[a-z]+)?)?"
CATEGORIES = re.compile(rf"{CATEGORY}(?:\s*[+, ]\s*{CATEGORY})*")
PREFIX = re.compile(r"\b(?:ti|au|abs|co|jr|cat|rn|id|all|submittedDate):")
IDENTIFIER = re.compile(r"(?:oai:arXiv\.org:|arxiv\.org/(?:abs|pdf)/)([\w.-]+(?:/\d{7})?(?:v\d{1,3})?)", re.IGNORECASE)
VERSION = re.compile(r"v(\d{1,3})$")
ANNOUNCEMENT = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*([\w-]+)\s+Abstract:\s*")
ACCEPTED = re.compile(r"\b(?:accepted|appear|published|presented|proceedings|camera[- ]ready)\b", re.IGNORECASE)
NEWS = {"new", "cross"}  #: of the announce types; the others tell of papers that were news before
REVISED = timedelta(days=14)  #: a later version that came so long after the first is no news (search API)
MOST_RESULTS = 2_000  #: a page of the API holds no more
RESULTS = 200  #: asked for by default
EASTERN = ZoneInfo("America/New_York")  #: feeds are built at midnight there, Monday to Friday
GRACE = timedelta(hours=6)  #: after which that day's feed must be out


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse a feed or an answer of the API.

    Raises SourceError for what is no feed, and for arXiv's own errors, which come as a feed.
    """
    try:
        return read(read_items(data), source)
    except NotAFeed as error:
        raise SourceError(f"{shown(source.location)}: {error}") from error


def read(raw: RawFeed, source: Source) -> Parsed:
    """The entries of arXiv's own XML."""
    title = raw.head.get("title", "")
    if title.startswith("Feed error for query"):
        raise SourceError(f"{shown(source.location)}: arXiv says: {plain(title[:200])}")
    problems, announced = list(raw.problems), [_moment(item, "published", "pubDate") for item in raw.items]
    entries = list(_entries(raw.items, source, problems))
    total, days = raw.head.get("opensearch:totalResults", ""), [date for date in announced if date]
    built = moment(raw.head.get("updated", "") or raw.head.get("lastBuildDate", ""))
    return Parsed(
        tuple(entries),
        few(problems),
        dated=None if total else max(days, default=built),
        seen=len(raw.items),
        search=bool(total) or not any(map(_is_announced, raw.items)),
        total=int(total) if total.isdecimal() and len(total) < 10 else None,
    )


def _entries(items: list[Item], source: Source, problems: list[str]) -> Iterator[Entry]:
    for number, item in enumerate(items, start=1):
        identifier, title = item.first("id", "guid"), item.first("title")
        if "arxiv.org/api/errors" in identifier:
            words = plain(item.first("summary", "title")[:200])
            raise SourceError(f"{shown(source.location)}: arXiv says: {words}")
        found = IDENTIFIER.search(identifier) or IDENTIFIER.search(_link(item))
        if not found or not title:
            missing = "title" if found else "arXiv id"
            problems.append(f"entry {number}: no {missing}; skipped: {plain((title or identifier)[:100])}")
            continue
        yield _entry(item, found[1], source)


def _entry(item: Item, identifier: str, source: Source) -> Entry:
    number = VERSION.sub("", identifier)
    abstract, announced = _abstract(item)
    comment, journal = item.first("arxiv:comment"), item.first("arxiv:journal_ref", "arxiv:journal_reference")
    authors, affiliations = _authors(item)
    doi = plain(item.first("arxiv:doi", "arxiv:DOI"))
    return Entry(
        id="",
        title=item.first("title"),
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number}",
        authors=authors,
        published=_moment(item, "published", "pubDate"),
        source=source.name,
        topics=_topics(item),
        code_url=code_link(abstract) or code_link(comment),
        pdf_url=f"https://arxiv.org/pdf/{number}",
        venue=journal or (comment if ACCEPTED.search(comment) else ""),
        affiliations=affiliations,
        also=(f"arxiv:{number}", *(f"doi:{name}" for name in doi.split())),
        update=announced not in NEWS or _revised(item, identifier),
        withdrawn=says_withdrawn(plain(comment)),
    )


def _abstract(item: Item) -> tuple[str, str]:
    """The text, and how it was announced."""
    text = item.first("summary", "description", "content")
    announcement = ANNOUNCEMENT.match(text)
    kind = item.first("arxiv:announce_type") or (announcement[1] if announcement else "new")
    return text[announcement.end() :] if announcement else text, kind.strip()


def _is_announced(item: Item) -> bool:
    """Whether an item is of a daily feed, rather than the result of a search."""
    return bool(
        item.first("arxiv:announce_type") or ANNOUNCEMENT.match(item.first("summary", "description", "content"))
    )


def _revised(item: Item, identifier: str) -> bool:
    """Whether a search found a later version of a paper that is not new."""
    version, first, latest = VERSION.search(identifier), _moment(item, "published"), _moment(item, "updated")
    return bool(
        version
        and int(version[1]) > 1
        and first
        and latest
        and not item.first("arxiv:announce_type")
        and latest - first > REVISED
    )


def _authors(item: Item) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names, and affiliations: elements of their own (API), or one line with brackets (feeds)."""
    named = item.all("author/name")
    pairs = [(name, "") for name in named] or [without_affiliation(author) for author in _authors_in_line(item)]
    affiliations = [*item.all("author/arxiv:affiliation"), *(place for _, place in pairs if place)]
    return tuple(name for name, _ in pairs if name), tuple(dict.fromkeys(affiliations))


def _authors_in_line(item: Item) -> list[str]:
    return [name for line in item.all("dc:creator") for name in split_authors(line)]


def _topics(item: Item) -> tuple[str, ...]:
    """The categories, the primary one first."""
    primary = [category.get("term", "") for category in item.attributes.get("arxiv:primary_category", ())]
    terms = [category.get("term", "") for category in item.attributes.get("category", ())] + item.all("category")
    return tuple(dict.fromkeys(term.strip() for term in [*primary, *terms] if term.strip()))


def _link(item: Item) -> str:
    links = (link.get("href", "") for link in item.attributes.get("link", ()))
    return next((link for link in links if "arxiv.org/" in link), item.first("link"))


def _moment(item: Item, *names: str) -> datetime | None:
    return moment(item.first(*names))


def late(dated: datetime | None, now: datetime) -> str:
    """Why a daily feed is behind. On a holiday it is empty and built anew; one of an older working day is stale."""
    due = now.astimezone(EASTERN) - GRACE
    while due.weekday() > 4:
        due -= timedelta(days=1)
    if dated is None or dated.astimezone(EASTERN).date() >= due.date():
        return ""
    return f"the feed is still that of {dated.astimezone(EASTERN):%d %B %Y}; one of {due:%d %B %Y} is due"


def requests(source: Source, now: datetime) -> tuple[Request, ...]:  # noqa: ARG001 - the signature of Kind.requests
    """The daily feed of "cs.AI+cs.LG"; the search of "cat:cs.AI AND abs:x", newest first; else the location itself."""
    location = source.location.strip()
    if is_address(location):
        return (Request(_first_page(location)),)
    if PREFIX.search(location):
        query = {"search_query": location, "sortBy": "submittedDate", "sortOrder": "descending", "start": "0"}
        return (Request(f"{API}?{urlencode({**query, 'max_results': min(_wanted(source), MOST_RESULTS)})}"),)
    if CATEGORIES.fullmatch(location):
        return (Request(FEED + "+".join(re.split(r"\s*[+, ]\s*", location))),)
    return (Request(location),)


def _first_page(location: str) -> str:
    parts = urlsplit(location)
    asked = parse_qs(parts.query)
    if not parts.path.endswith("/api/query") or "start" in asked or "id_list" in asked:
        return location
    more = {"start": "0"} if "max_results" in asked else {"start": "0", "max_results": str(RESULTS)}
    return urlunsplit(parts._replace(query=f"{parts.query}&{urlencode(more)}".lstrip("&")))


def _wanted(source: Source) -> int:
    wanted = source.options.get("limit", RESULTS)
    return max(1, wanted) if isinstance(wanted, int) else RESULTS


def following(request: Request, page: Parsed, source: Source) -> Request | None:
    """The next page of a search, until `limit` (200) results were seen; not where the source's address says "start"."""
    parts = urlsplit(request.location)
    asked = parse_qs(parts.query)
    if not page.total or not page.seen or "start" not in asked or "start" in parse_qs(urlsplit(source.location).query):
        return None
    start = int(asked["start"][0]) + page.seen
    if start >= min(page.total, _wanted(source)):
        return None
    again = re.sub(r"(^|&)start=\d+", rf"\g<1>start={start}", parts.query)
    return Request(urlunsplit(parts._replace(query=again)))


KIND = Kind(
    parse,
    requests,
    following,
    hosts=("rss.arxiv.org", "export.arxiv.org", "arxiv.org"),
    interval=3.0,
    alone=True,
    late=late,
)
