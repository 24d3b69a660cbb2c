"""bioRxiv and medRxiv: the API with all versions of some days, and the RSS feed of a subject.

    "biorxiv", "medrxiv:cardiovascular medicine" ─▶ https://api.biorxiv.org/details/{server}/{from}/{to}/{cursor}/json

Pages held 100 papers for years and 30 since 2026: the next cursor is counted from what came.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

from newsletter.collector.http.json_response import (
    count,
    folded,
    known_ids,
    read_entries,
    read_json,
    text,
    value,
    values,
    when,
    whole_option,
)
from newsletter.collector.source_kind import Kind, Parsed, Request, few
from newsletter.collector.sources import feed
from newsletter.collector.text.person_names import given_first, split_authors
from newsletter.collector.text.urls import address, is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

API = "https://api.biorxiv.org/details"
SERVERS = {"biorxiv": "bioRxiv", "medrxiv": "medRxiv"}
DAYS = 7
MOST_DAYS = 60
FULL_PAGE = 30  #: the smallest page that may have a next one, where the answer does not say how many there are
LAST_CURSOR = 20_000
PAGE = re.compile(
    r"(/details/\w+/(?:\d{4}-\d{1,2}-\d{1,2}/\d{4}-\d{1,2}-\d{1,2}|\d{1,5}d?))(?:/(\d{1,6}))?(?:/json)?/?"
)
VERSION = re.compile(r"\dv(\d{1,3})(?=$|[./])")
SUBJECT = re.compile(r"[?&](?:subject|category)=([^&#]+)")
MISSPELT = "the feed has no items: is the subject spelt right?"

GRAPHICAL = re.compile(r"\bgraphical abstract[:.]?\s*(?=O_FIG)|(?:(?<=[.!?])\s|^)graphical abstract:?$", re.IGNORECASE)
PICTURE = re.compile(r"O_LINKSMALLFIG(?: [A-Z]{2,9}=(?:\"[^\"<>]{0,300}\"|\d{1,6}))* ?/?>")
LARGER = re.compile(r"\bView (?:larger version|larger image|this table)(?: \(\d{1,6}K\))?:? ?(?=org\.highwire\.)")
FILES = re.compile(r"(?:org\.highwire\.dtl\.DTLVardef@[0-9a-f]{1,16})+(?:_HPS_FORMAT_FIGEXP)?")
#: "AO_SCPLOWBSTRACTC_SCPLOWThe …" is "ABSTRACT The …"
HEADING = re.compile(r"^([A-Z])O_SCPLOW([A-Z]+)C_SCPLOW(?=[A-Z][a-z]|[A-Z\d] )")
INSIDE_WORDS = re.compile(r"[OC]_SCP(?:LOW|CAP)")
BETWEEN_WORDS = re.compile(
    r"[OCM]_(?:FIG_DISPLAY(?:_L)?|FIG|TBL|TABLECAPTION|TEXTBOX|FLOATNO|ST_ABS|INLINEFIG|LINKSMALLFIG)"
)
LIST_BEGIN = re.compile(r"[Oo]_(?:LI|QD)")
LIST_MARKER = re.compile(r"[OoCc]_(?:LI|QD)")


def parse(data: bytes, source: Source, now: datetime) -> Parsed:
    """Parse an answer of the API or a feed. Raises SourceError for anything else, and for an error of the API."""
    if data[:100].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _answer(data, source)
    return _feed(feed.parse(data, source, now), source)


def requests(source: Source, now: datetime) -> Sequence[Request]:
    """The last days of a server, with or without a subject; an address or a file is read as it stands."""
    server, _, subject = source.location.strip().partition(":")
    if server.strip().lower() not in SERVERS:
        return (Request(source.location),)
    days = whole_option(source, "days", DAYS, MOST_DAYS)
    subject = folded(source.options.get("subject")) or folded(subject)
    category = f"?category={quote(subject.lower().replace(' ', '_'), safe='_')}" if subject else ""
    period = f"{now - timedelta(days=days):%Y-%m-%d}/{now:%Y-%m-%d}"
    return (Request(f"{API}/{server.strip().lower()}/{period}/0/json{category}"),)


def following(request: Request, page: Parsed, source: Source) -> Request | None:  # noqa: ARG001 - of Kind.following
    """The next page of the API, while there is more than what came."""
    parts = urlsplit(request.location) if is_address(request.location) else urlsplit("")
    place = PAGE.fullmatch(parts.path)
    came = page.seen or 0
    if not place or not came:
        return None
    cursor = int(place[2] or 0) + came
    more = cursor < page.total if page.total is not None else came >= FULL_PAGE
    if not more or cursor > LAST_CURSOR:
        return None
    return Request(urlunsplit(parts._replace(path=f"{place[1]}/{cursor}/json")), headers=request.headers)


def without_figure_markup(abstract: str) -> str:
    """The words of an abstract without the markup of its figures, tables and lists; captions stay."""
    bare = GRAPHICAL.sub(" ", folded(abstract))
    for remains in (PICTURE, LARGER, FILES):
        bare = remains.sub(" ", bare)
    bare = INSIDE_WORDS.sub("", HEADING.sub(r"\1\2 ", bare))
    bare = BETWEEN_WORDS.sub(" ", bare)
    if LIST_BEGIN.search(bare) and ("C_LI" in bare or "C_QD" in bare):  # one alone may be a name
        bare = LIST_MARKER.sub(" ", bare)
    return folded(bare)


def _answer(data: bytes, source: Source) -> Parsed:
    found, doubts = read_json(data, source)
    message = next(iter(values(found, "messages")), None)
    items = values(found, "collection")
    _check(found, message, source)
    entries, problems = read_entries(items, lambda item: _entry(item, source))
    misspelt = not items and _asked_for_subject(source) and not count(message, "cursor")
    return Parsed(
        tuple(entries),
        few([*doubts, *problems]),
        dated=_newest(entries),
        seen=len(items),
        total=count(message, "total"),
        doubt=MISSPELT if misspelt else "",
    )


def _check(found: object, message: object, source: Source) -> None:
    """Raise SourceError for no answer of the API, or its error; an empty period ("no posts found") is none."""
    status = text(message, "status")
    if not isinstance(value(found, "collection"), list) and not status:
        raise SourceError(f"{shown(source.location)}: this is not an answer of the bioRxiv API")
    if status.lower() not in ("", "ok") and not status.lower().startswith("no "):
        raise SourceError(f"{shown(source.location)}: bioRxiv says: {status[:200]}")


def _entry(item: object, source: Source) -> Entry:
    also = known_ids(text(item, "doi"))
    server = _server(text(item, "server"), source)
    version = count(item, "version")
    url = _url(also, server, version)
    institution = text(item, "author_corresponding_institution")
    return Entry(
        id="",
        title=text(item, "title"),
        abstract=without_figure_markup(text(item, "abstract")),
        url=url,
        authors=_authors(text(item, "authors")),
        published=when(item, "date"),
        source=source.name,
        topics=tuple(filter(None, [text(item, "category")])),
        pdf_url=f"{url}.full.pdf" if version and url else "",
        venue=SERVERS[server],
        affiliations=(institution,) if institution not in ("", "NA") else (),
        also=tuple(dict.fromkeys([*also, *known_ids(text(item, "published"))])),
        update=bool(version and version > 1),
        withdrawn="withdraw" in text(item, "type").lower(),
    )


def _server(said: str, source: Source) -> str:
    named = said.lower() if said.lower() in SERVERS else source.location.lower()
    return "medrxiv" if "medrxiv" in named else "biorxiv"


def _url(also: Sequence[str], server: str, version: int | None) -> str:
    doi = next((name.removeprefix("doi:") for name in also if name.startswith("doi:")), "")
    return address(f"https://www.{server}.org/content/{doi}{f'v{version}' if version else ''}") if doi else ""


def _authors(line: str) -> tuple[str, ...]:
    """The names in "Doe, A.; Roe, B. K."; a single one has no semicolon."""
    if ";" not in line and line.count(",") > 1:
        found = split_authors(line)
    else:
        found = [given_first(name) for name in line.split(";")]
    return tuple(name for name in found if name)


def _feed(parsed: Parsed, source: Source) -> Parsed:
    misspelt = not parsed.entries and not parsed.seen and not parsed.problems
    entries = [_preprint(entry, source) for entry in parsed.entries]
    doubt = MISSPELT if misspelt else ""
    return replace(parsed, entries=tuple(entries), doubt=doubt, dated=parsed.dated or _newest(entries))


def _preprint(entry: Entry, source: Source) -> Entry:
    also = known_ids(entry.id, *entry.also)
    version = VERSION.search(urlsplit(entry.url).path)
    return replace(
        entry,
        id="" if also else entry.id,
        title=folded(entry.title),
        abstract=without_figure_markup(entry.abstract),
        also=also,
        venue=SERVERS[_server("medrxiv" if "medrxiv.org" in entry.url.lower() else "", source)],
        update=bool(version and int(version[1]) > 1),
    )


def _newest(entries: Sequence[Entry]) -> datetime | None:
    return max((entry.published for entry in entries if entry.published), default=None)


def _asked_for_subject(source: Source) -> bool:
    named = source.location.partition(":")[2] if not is_address(source.location) else ""
    return bool(SUBJECT.search(source.location) or named.strip() or folded(source.options.get("subject")))


KIND = Kind(
    parse=parse,
    requests=requests,
    following=following,
    hosts=("biorxiv.org", "medrxiv.org"),
    interval=1.0,
    stale_after=timedelta(days=4),
)
