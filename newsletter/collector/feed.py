"""RSS and Atom: texts as they stand in the XML (rawfeed.py), dates, links and topics by feedparser."""

from __future__ import annotations

import io
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from newsletter.collector.identity import entry_id
from newsletter.collector.links import address, code_link, is_address, shown
from newsletter.collector.parsed import Parsed, make_parsed
from newsletter.collector.rawfeed import Item, NotAFeed, RawFeed, read_items
from newsletter.collector.text import ABSTRACT_LIMIT, TITLE_LIMIT, bounded, plain, readable
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

TEXTS = ("description", "summary", "dc:description", "content:encoded", "content")  #: the first that says something
DOIS = ("prism:doi", "dc:identifier", "arxiv:doi", "arxiv:DOI")
ANNOUNCEMENT = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*([\w-]+)\s+Abstract:\s*")
NEWS = {"new", "cross"}  #: of arXiv's announce types; the others tell of papers that were news before
COMMA = re.compile(r"(?:,(?:\s*and\s)?|\sand\s)(?![^()]*\))")
INITIALS = re.compile(r"\s*([^,]+,\s*(?:\w\.[\s-]?)+)(?:,\s*|$)")  # bioRxiv: "Doe, A., Roe, B. K."
LONGEST_ID = 500
MOST_TOPICS = 20


class _NotNews(Exception):
    """A replaced paper: known, and no trouble."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item stands, for names and relative links."""

    source: Source
    base: str


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Raises SourceError for what is not a feed, and for a feed that only tells of an error."""
    try:
        raw = read_items(data)
    except NotAFeed as error:
        raise SourceError(f"{shown(source.location)}: {error}") from error
    feed = _parsed(raw)
    place = _Place(source, source.location if is_address(source.location) else _get(feed.feed, "link"))
    problems = list(raw.problems)
    entries = list(_entries(_pairs(feed.entries, raw, problems), place, problems))
    title = _get(feed.feed, "title")
    if not entries and title.startswith("Feed error for query"):
        raise SourceError(f"{shown(source.location)}: {plain(title[:200])}")
    return make_parsed(entries, problems)


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
    problems.append(f"read by feedparser alone ({len(parsed)} entries): some characters may be lost")
    return [(item, {}) for item in parsed]


def _entries(pairs: list[tuple[Any, Item]], place: _Place, problems: list[str]) -> Iterator[Entry]:
    for number, (item, raw) in enumerate(pairs, start=1):
        identifier = _get(item, "id")
        if "arxiv.org/api/errors" in identifier:
            raise SourceError(f"{shown(place.source.location)}: arXiv says: {plain(_get(item, 'summary')[:200])}")
        try:
            entry, cut = _entry(item, raw, place)
        except _NotNews:
            continue
        if not entry.title:
            problems.append(f"entry {number}: no title; skipped: {plain((entry.url or identifier)[:100])}")
            continue
        if cut:
            problems.append(f"entry {number}: the abstract was cut to {ABSTRACT_LIMIT:,} characters")
        yield entry


def _entry(item: Any, raw: Item, place: _Place) -> tuple[Entry, bool]:
    abstract, cut = bounded(_abstract(item, raw), ABSTRACT_LIMIT)
    url = address(_get(item, "link"), place.base)
    entry = Entry(
        id=_identifier(item, raw, url, place.source.name),
        title=bounded(_first(raw, ("title", "dc:title")) or _get(item, "title"), TITLE_LIMIT)[0],
        abstract=abstract,
        url=url,
        authors=_authors(item, raw),
        published=_published(item),
        source=place.source.name,
        topics=tuple(_topics(item)),
        code_url=code_link(abstract),
        pdf_url=_pdf(item, place.base),
        image_url=_image(item, place.base),
    )
    return replace(entry, id=entry_id(entry)), cut


def _abstract(item: Any, raw: Item) -> str:
    """Raises _NotNews when arXiv announces a replacement."""
    text = _first(raw, TEXTS) or _get(item, "summary")
    announced = ANNOUNCEMENT.match(text)
    kind = _get(item, "arxiv_announce_type") or (announced[1] if announced else "new")
    if kind.strip() not in NEWS:
        raise _NotNews
    return text[announced.end() :] if announced else text


def _identifier(item: Any, raw: Item, url: str, source: str) -> str:
    """A DOI if it says one, else its own id, else its link: names that stay when the feed is built anew.

    An own id that is no URI ("1234") is unique in its feed only, so the source's name goes before it.
    """
    own = plain(_get(item, "id"))
    doi = plain(_first(raw, DOIS)).lower().removeprefix("doi:").strip()
    if re.match(r"10\.\d{4,9}/", doi) and "arxiv.org" not in own.lower():
        found = f"doi:{doi}"
    elif not own or own == _get(item, "link"):
        found = url
    else:
        found = own if ":" in own else f"{source}:{own}"
    return found if len(found) <= LONGEST_ID else ""


def _authors(item: Any, raw: Item) -> tuple[str, ...]:
    creators = [text for text in raw.get("dc:creator", ()) if text.strip()]
    if len(creators) == 1:
        found = split_authors(creators[0])
    else:
        found = creators or [_get(author, "name") for author in item.get("authors", ())]
    names = (bounded(name, TITLE_LIMIT)[0] for name in found)
    return tuple(dict.fromkeys(name for name in names if name))


def split_authors(line: str) -> list[str]:
    """ "A One (Rome, Italy), B Two" and bioRxiv's "One, A., Two, B. K." to one name each, given names first."""
    line = " ".join(line.split())
    families = INITIALS.findall(line)
    if families and not INITIALS.sub("", line).strip():
        return [_given_first(name) for name in families]
    if ";" in line:
        return [_given_first(name) for name in line.split(";") if name.strip()]
    return [name.strip() for name in COMMA.split(line) if name.strip()]


def _given_first(name: str) -> str:
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}" if comma and "," not in given else name.strip()


def _published(item: Any) -> datetime | None:
    """feedparser's times are UTC. "updated" is asked only when there is no "published": else it warns."""
    when = item.get("published_parsed") or item.get("updated_parsed")
    try:
        return datetime.fromtimestamp(timegm(when), tz=UTC) if when else None
    except (ValueError, OverflowError, OSError):
        return None


def _topics(item: Any) -> Iterator[str]:
    for tag in item.get("tags", ())[:MOST_TOPICS]:
        term = readable(_get(tag, "term")[:TITLE_LIMIT])
        if term:
            yield term


def _pdf(item: Any, base: str) -> str:
    links = (link for link in item.get("links", ()) if _get(link, "type") == "application/pdf")
    return next((address(_get(link, "href"), base) for link in links), "")


def _image(item: Any, base: str) -> str:
    media = [*item.get("media_thumbnail", ()), *item.get("media_content", ())]
    pictures = [_get(part, "url") for part in media if _get(part, "medium") in ("", "image")]
    pictures += [_get(part, "href") for part in item.get("enclosures", ()) if _get(part, "type").startswith("image/")]
    return next((link for link in (address(picture, base) for picture in pictures) if link), "")


def _first(raw: Item, keys: tuple[str, ...]) -> str:
    texts = (text for key in keys for text in raw.get(key, ()))
    return next((text for text in texts if text.strip()), "")


def _get(item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    return found if isinstance(found, str) else ""
