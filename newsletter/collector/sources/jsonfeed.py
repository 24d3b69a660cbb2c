"""JSON Feed 1.0 and 1.1 (jsonfeed.org): the same as RSS, for people who like JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from newsletter.collector.http.json_response import (
    folded,
    known_ids,
    read_entries,
    read_json,
    text,
    texts,
    value,
    values,
    when,
)
from newsletter.collector.source_kind import Parsed, few
from newsletter.collector.text.encodings import HEAD
from newsletter.collector.text.urls import address, is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

VERSION = re.compile(rb'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\\?/version', re.IGNORECASE)
TEXTS = ("content_text", "content_html", "summary")  #: the first that says something
LONGEST_ID = 500


class _Feed(NamedTuple):
    source: Source
    base: str  #: for relative links
    authors: tuple[str, ...]  #: of items that name none


def looks_like(data: bytes) -> bool:
    """Whether this is a JSON Feed rather than XML or some other JSON."""
    start = data[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    is_json = start.startswith(b"{") or (start.startswith(b"<br") and bool(VERSION.search(start)))
    return is_json and bool(VERSION.search(data))


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse a JSON Feed. Raises SourceError for what is no JSON Feed."""
    found, doubts = read_json(data, source)
    items = value(found, "items")
    if not isinstance(items, list):
        raise SourceError(f'{shown(source.location)}: this is not a JSON Feed (it has no list "items")')
    home = text(found, "home_page_url", "feed_url")
    feed = _Feed(source, source.location if is_address(source.location) else home, _authors(found))
    entries, problems = read_entries(items, lambda item: _entry(item, feed))
    dates = [entry.published for entry in entries if entry.published]
    return Parsed(tuple(entries), few([*doubts, *problems]), dated=max(dates, default=None), seen=len(items))


def _entry(item: object, feed: _Feed) -> Entry:
    own = _identifier(item)
    url = next((link for link in _addresses(item, feed.base, "url", "external_url") if link), "") or address(own)
    return Entry(
        id="" if url else _scoped(own, feed.source),
        title=text(item, "title"),
        abstract=text(item, *TEXTS),
        url=url,
        authors=_authors(item) or feed.authors,
        published=when(item, "date_published", "date_modified"),
        source=feed.source.name,
        topics=texts(item, "tags"),
        pdf_url=_attached(item, feed.base, "application/pdf"),
        image_url=_image(item, feed.base),
        also=known_ids(own, *_addresses(item, feed.base, "url", "external_url")),
    )


def _identifier(item: object) -> str:
    """The id of an item; a number, which the standard forbids and feeds give, is one too."""
    own = value(item, "id")
    return str(own) if isinstance(own, int) and not isinstance(own, bool) else folded(own)[:LONGEST_ID]


def _scoped(own: str, source: Source) -> str:
    """The id with the name of its source where it is no URI, and so unique in its feed only."""
    return own if ":" in own or not own else f"{source.name}:{own}"


def _addresses(item: object, base: str, *keys: str) -> list[str]:
    return [address(text(item, key), base) for key in keys]


def _authors(found: object) -> tuple[str, ...]:
    """The authors: version 1.1 has a list, 1.0 had one author."""
    alone = value(found, "author")
    return texts(found, "authors") or tuple(filter(None, [text(alone, "name") or folded(alone)]))


def _image(item: object, base: str) -> str:
    named = next((link for link in _addresses(item, base, "image", "banner_image") if link), "")
    return named or _attached(item, base, "image/")


def _attached(item: object, base: str, kind: str) -> str:
    attached = (part for part in values(item, "attachments") if isinstance(part, Mapping))
    links = (address(text(part, "url"), base) for part in attached if text(part, "mime_type").startswith(kind))
    return next((link for link in links if link), "")
