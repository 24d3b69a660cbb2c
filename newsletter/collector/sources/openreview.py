"""OpenReview: the submissions of a venue. Version 2 of its API wraps fields in {"value": …}, version 1 does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from newsletter.collector.http.json_response import (
    complaint,
    count,
    folded,
    known_ids,
    read_entries,
    read_json,
    text,
    texts,
    value,
)
from newsletter.collector.source_kind import Kind, Parsed, Request, few
from newsletter.collector.text.urls import address, is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

API = "https://api2.openreview.net/notes"
SITE = "https://openreview.net"
PAGE = 1_000  #: notes; the API gives no more at once
MOST_PAGES = 20
VENUE = re.compile(r"(?!\.)(?:[\w-]+\.)+[A-Za-z]{2,}/[\w./-]+|[\w./-]+/-/\w+|TMLR")  # "ICLR.cc/2025/Conference"
FILE = re.compile(r"\.jsonl?$", re.IGNORECASE)
GONE = re.compile(r"withdrawn|desk[ _-]?reject", re.IGNORECASE)
DATES = ("pdate", "cdate", "tcdate")  #: published, created, created in truth
YEARS = range(1990, 2200)
BRIEFLY = ("tldr", "tl;dr", "one-sentence_summary")
ELSEWHERE = ("html", "paperurl", "paper_url", "ee", "pdf", "doi", "arxiv", "arxiv_id")  #: fields that name the paper
BIBTEX_IDS = re.compile(
    r"\b(?:doi|eprint)\s*=\s*[{\"]\s*(?:https?://(?:dx\.)?doi\.org/)?([^\s{}\",]{4,200})", re.IGNORECASE
)
LINK = re.compile(r"https?://[^\s{}\"<>]{1,500}", re.IGNORECASE)


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse the papers among the notes; replies are left out, and what was withdrawn is told as such.

    Raises SourceError for anything else.
    """
    found, doubts = read_json(data, source)
    notes = _notes(found, source)
    entries, problems = read_entries(notes, lambda note: _entry(note, source))
    return Parsed(tuple(entries), few([*doubts, *problems]), seen=len(notes), total=count(found, "count"))


def requests(source: Source, now: datetime) -> Sequence[Request]:  # noqa: ARG001 - of Kind.requests
    """The first page of a venue ("ICLR.cc/2025/Conference") or an invitation of it; an address or a file is itself."""
    location = source.location.strip().strip("/")
    if is_address(source.location) or FILE.search(location) or not VENUE.fullmatch(location):
        return (Request(source.location),)
    invitation = location if "/-/" in location else f"{location}/-/Submission"
    return (Request(f"{API}?invitation={quote(invitation, safe='/')}&limit={PAGE}&offset=0"),)


def following(request: Request, page: Parsed, source: Source) -> Request | None:  # noqa: ARG001 - of Kind.following
    """The next page after a full one."""
    parts = urlsplit(request.location) if is_address(request.location) else urlsplit("")
    query = {key: said[-1] for key, said in parse_qs(parts.query).items()}
    size, offset = _number(query.get("limit"), PAGE), _number(query.get("offset"), 0)
    came = page.seen or 0
    if parts.path.rstrip("/") != "/notes" or not 0 < size <= came or (offset + size) // size >= MOST_PAGES:
        return None
    query["offset"] = str(offset + came)
    return Request(urlunsplit(parts._replace(query=urlencode(query, safe="/"))), headers=request.headers)


def _number(raw: str | None, default: int) -> int:
    return int(raw) if raw and re.fullmatch(r"[0-9]{1,9}", raw) else default


def _notes(found: object, source: Source) -> Sequence[object]:
    if isinstance(found, list):
        return found
    notes = value(found, "notes")
    if isinstance(notes, list):
        return notes
    if isinstance(value(found, "content"), dict):
        return [found]
    said = complaint(found)
    reason = f"OpenReview says: {said}" if said else "this is not an answer of OpenReview"
    raise SourceError(f"{shown(source.location)}: {reason}")


def _entry(note: object, source: Source) -> Entry | None:
    content = _content(note)
    forum = text(note, "forum", "id")[:100]
    if _is_reply(note):
        return None
    elsewhere = (name for name in known_ids(*_names(content)) if not name.startswith("openreview:"))
    return Entry(
        id="",
        title=text(content, "title"),
        abstract=text(content, "abstract"),
        url=f"{SITE}/forum?id={quote(forum, safe='')}" if forum else "",
        authors=_authors(content),
        published=_published(note),
        source=source.name,
        topics=_topics(content),
        code_url=address(text(content, "code", "code_url", "code_link")),
        pdf_url=address(text(content, "pdf"), SITE),
        venue=text(content, "venue"),
        tldr=text(content, *BRIEFLY),
        also=(*known_ids(f"openreview:{forum}"), *elsewhere),
        withdrawn=_is_gone(note, content),
    )


def _content(note: object) -> Mapping[str, object]:
    """Plain values under names in small letters, of either version."""
    content = value(note, "content")
    if not isinstance(content, dict):
        return {}
    return {name.lower(): field["value"] if _is_wrapped(field) else field for name, field in content.items()}


def _is_wrapped(field: object) -> bool:
    return isinstance(field, dict) and "value" in field


def _is_reply(note: object) -> bool:
    """Whether a note is a review or a comment, in the forum of its paper, or was deleted."""
    own, forum = text(note, "id"), text(note, "forum")
    return bool(value(note, "ddate") or (own and forum and own != forum))


def _is_gone(note: object, content: Mapping[str, object]) -> bool:
    invitations = [text(note, "invitation"), *texts(note, "invitations")]
    kinds = (invitation.rpartition("/-/")[2] for invitation in invitations)
    return any(GONE.search(status) for status in (text(content, "venue"), text(content, "venueid"), *kinds))


def _authors(content: Mapping[str, object]) -> tuple[str, ...]:
    return texts(content, "authors", "fullname") or texts(content, "authors") or _split(text(content, "authors"))


def _topics(content: Mapping[str, object]) -> tuple[str, ...]:
    return texts(content, "keywords") or _split(text(content, "keywords"))


def _split(line: str) -> tuple[str, ...]:
    """The parts of one string for a list, as a few old venues have it."""
    return tuple(dict.fromkeys(part.strip() for part in re.split(r"[;,]", line) if part.strip()))


def _published(note: object) -> datetime | None:
    """The first date that can be right, given in milliseconds."""
    for key in DATES:
        number = value(note, key)
        if isinstance(number, int | float) and not isinstance(number, bool) and 0 < number < 10**13:
            date = datetime.fromtimestamp(number / 1000, UTC)
            if date.year in YEARS:
                return date
    return None


def _names(content: Mapping[str, object]) -> Iterator[str]:
    """Ids and addresses of the same paper elsewhere."""
    for key in ELSEWHERE:
        yield folded(content.get(key))[:500]
    bibtex = folded(content.get("_bibtex"))[:10_000]
    yield from BIBTEX_IDS.findall(bibtex)
    yield from LINK.findall(bibtex)


KIND = Kind(
    parse=parse,
    requests=requests,
    following=following,
    hosts=("api.openreview.net", "api2.openreview.net"),
    interval=1.0,
)
