"""RSS and Atom: texts as they stand in the XML (feed_xml.py), dates, links and topics by feedparser."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from newsletter.collector.identity import entry_id
from newsletter.collector.source_kind import Kind, Parsed, few
from newsletter.collector.sources import arxiv, jsonfeed
from newsletter.collector.sources.feed_xml import Item, NotAFeed, RawFeed, read_items
from newsletter.collector.text.dates import moment
from newsletter.collector.text.dois import lone_doi
from newsletter.collector.text.html import plain
from newsletter.collector.text.person_names import given_first, split_authors, without_affiliation
from newsletter.collector.text.urls import address, is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

TEXTS = ("description", "summary", "dc:description", "content:encoded", "content")  #: the first that says something
DOIS = ("prism:doi", "dc:identifier", "arxiv:doi", "arxiv:DOI")
LONGEST_ID = 500
MOST_TOPICS = 20


@dataclass(frozen=True, slots=True)
class _ItemContext:
    """The source of an item, and the base of its relative links."""

    source: Source
    base: str


def parse(data: bytes, source: Source, now: datetime) -> Parsed:
    """Parse RSS, Atom, RDF or JSON Feed. Raises SourceError for what is no feed."""
    if jsonfeed.looks_like(data):
        return jsonfeed.parse(data, source, now)
    try:
        raw = read_items(data)
    except NotAFeed as error:
        raise SourceError(f"{shown(source.location)}: {error}") from error
    if arxiv.NAMESPACE in data[:2000]:
        return arxiv.read(raw, source)
    feed = _parsed(raw)
    context = _ItemContext(source, source.location if is_address(source.location) else _get(feed.feed, "link"))
    problems = list(raw.problems)
    pairs = _pairs(feed.entries, raw, problems)
    entries = tuple(_entries(pairs, context, problems))
    return Parsed(entries, few(problems), dated=_dated(raw, entries), seen=len(pairs))


def _dated(raw: RawFeed, entries: tuple[Entry, ...]) -> datetime | None:
    """The newest entry's date; the feed's own is often the time of the request."""
    days = [entry.published for entry in entries if entry.published]
    return max(days) if days else moment(raw.head.get("updated", "") or raw.head.get("lastBuildDate", ""))


def _parsed(raw: RawFeed) -> Any:
    """feedparser's answer; from a stream, since it would open bytes that look like a path, or fetch an address."""
    import feedparser

    headers = {"content-type": "application/xml; charset=utf-8"}
    return feedparser.parse(
        io.BytesIO(raw.document), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _pairs(parsed: list[Any], raw: RawFeed, problems: list[str]) -> list[tuple[Any, Item]]:
    if len(parsed) == len(raw.items):
        return list(zip(parsed, raw.items, strict=True))
    problems.append(f"feedparser finds {len(parsed)} entries of {len(raw.items)}: their links and topics are missing")
    return [({}, item) for item in raw.items]


def _entries(pairs: list[tuple[Any, Item]], context: _ItemContext, problems: list[str]) -> Iterator[Entry]:
    for number, (item, raw) in enumerate(pairs, start=1):
        entry = _entry(item, raw, context)
        if entry.title.strip():
            yield entry
        else:
            problems.append(f"entry {number}: no title; skipped: {plain((entry.url or _get(item, 'id'))[:100])}")


def _entry(item: Any, raw: Item, context: _ItemContext) -> Entry:
    abstract = raw.first(*TEXTS) or _get(item, "summary")
    url = address(_get(item, "link") or raw.first("link"), context.base)
    authors = [without_affiliation(name) for name in _authors(item, raw)]
    entry = Entry(
        id=_identifier(item, raw, url, context.source.name),
        title=raw.first("title", "dc:title") or _get(item, "title"),
        abstract=abstract,
        url=url,
        authors=tuple(name for name, _ in authors),
        published=_published(item, raw),
        source=context.source.name,
        topics=tuple(_topics(item)),
        pdf_url=_pdf(item, context.base),
        image_url=_image(item, context.base),
        affiliations=tuple(dict.fromkeys(where for _, where in authors if where)),
        venue=raw.first("prism:publicationName", "dc:source"),
    )
    return replace(entry, id=entry_id(entry)) if entry.id else entry


def _identifier(item: Any, raw: Item, url: str, source: str) -> str:
    """A DOI if it says one, else its own id, else its link: names that stay when the feed is built anew.

    An own id that is no URI ("1234") is unique in its feed only, so the source's name goes before it.
    """
    own = plain(_get(item, "id"))
    doi = next(filter(None, (lone_doi(text) for name in DOIS for text in raw.all(name))), "")
    if doi and "arxiv.org" not in own.lower():
        found = f"doi:{doi}"
    elif not own or own == _get(item, "link"):
        found = url
    else:
        found = own if ":" in own else f"{source}:{own}"
    return found if len(found) <= LONGEST_ID else ""


def _authors(item: Any, raw: Item) -> list[str]:
    """One element may name them all; of several each is one, perhaps with the family name first."""
    named = raw.all("dc:creator") or raw.all("author/name") or [_get(one, "name") for one in item.get("authors", ())]
    found = split_authors(named[0]) if len(named) == 1 else map(given_first, named)
    return [name for name in found if name.strip()]


def _published(item: Any, raw: Item) -> datetime | None:
    """The date as feedparser finds it, read by us; "updated" only without another."""
    said = _get(item, "published") or raw.first("published", "pubDate")
    return moment(said or _get(item, "updated") or raw.first("dc:date", "updated"))


def _topics(item: Any) -> Iterator[str]:
    for tag in item.get("tags", ())[:MOST_TOPICS]:
        if term := _get(tag, "term").strip():
            yield term


def _pdf(item: Any, base: str) -> str:
    links = (link for link in item.get("links", ()) if _get(link, "type") == "application/pdf")
    return next((address(_get(link, "href"), base) for link in links), "")


def _image(item: Any, base: str) -> str:
    media = [*item.get("media_thumbnail", ()), *item.get("media_content", ())]
    pictures = [_get(part, "url") for part in media if _get(part, "medium") in ("", "image")]
    pictures += [_get(part, "href") for part in item.get("enclosures", ()) if _get(part, "type").startswith("image/")]
    return next((link for link in (address(picture, base) for picture in pictures) if link), "")


def _get(item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    return found if isinstance(found, str) else ""


KIND = Kind(parse, stale_after=timedelta(days=60))
