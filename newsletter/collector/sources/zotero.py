"""Zotero's web API: `users/123456`, `groups/123`, a collection of either, or an address as it is.

Why not pyzotero (1.16): it makes its requests itself, blocking, through an HTTP library of its own (httpx2), 30 s for
each step, as many bytes as come, and it sleeps for as long as the server says. Ours are limited in time and size and
share one limiter for each host. It also needs bibtexparser below 2, and we read BibTeX with 2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from newsletter.collector.source_kind import Kind, Parsed, Request
from newsletter.collector.sources import library
from newsletter.collector.text.urls import is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Source

API = "https://api.zotero.org/"
PAGE = 100  #: items; more, Zotero does not give at once
MOST_PAGES = 100
QUESTION = {"format": "json", "limit": str(PAGE), "start": "0", "v": "3"}
LIBRARY = re.compile(r"/*((?:users|groups)/\d+(?:/collections/\w+)?(?:/items(?:/top)?)?)/*")
GROUP_PAGE = re.compile(r"https?://(?:www\.)?zotero\.org/groups/(\d+)(?:/[^/?#]+)?(/collections/\w+)?(?:/.*)?")


def requests(source: Source, now: datetime) -> Sequence[Request]:  # noqa: ARG001 - the signature of Kind.requests
    """The first page. A key, of the options or in the address, travels in a header, where no message shows it.

    Raises SourceError for what names no library.
    """
    parts = urlsplit(_address(source.location))
    said = dict(parse_qsl(parts.query))
    key = str(source.options.get("key") or said.pop("key", ""))
    path = parts.path.rstrip("/")
    path += "" if re.search(r"/items(?:/|$)", path) else "/items/top"
    location = urlunsplit(parts._replace(path=path, query=urlencode(QUESTION | said), fragment=""))
    return (Request(location, headers={"Zotero-API-Key": key} if key else {}),)


def _address(location: str) -> str:
    """The address of the API for what the user wrote."""
    location = location.strip()
    if page := GROUP_PAGE.fullmatch(location):
        return f"{API}groups/{page[1]}{page[2] or ''}"
    if named := LIBRARY.fullmatch(location):
        return API + named[1]
    if is_address(location) and not re.match(r"https?://(?:www\.)?zotero\.org(?:/|$)", location):
        return re.sub(r"^http://(?=api\.zotero\.org/)", "https://", location)
    raise SourceError(
        f"{shown(location)}: no Zotero library (users/123456, groups/123, one of their collections, or an API address;"
        " the number of a user stands on zotero.org/settings/keys)"
    )


def following(request: Request, page: Parsed, source: Source) -> Request | None:  # noqa: ARG001 - of Kind.following
    """The next page while pages are full, a hundred at most."""
    parts = urlsplit(request.location)
    said = dict(parse_qsl(parts.query))
    start, limit = _number(said.get("start", ""), 0), _number(said.get("limit", ""), PAGE)
    seen = len(page.entries) if page.seen is None else page.seen
    if seen < min(limit, PAGE) or start + seen >= MOST_PAGES * PAGE:
        return None
    query = urlencode(said | {"start": str(start + seen)})
    return replace(request, location=urlunsplit(parts._replace(query=query)))


def _number(raw: str, default: int) -> int:
    return int(raw) if raw.isdecimal() and int(raw) > 0 else default


KIND = Kind(library.parse, requests, following, hosts=("api.zotero.org",), interval=1.0)
