"""Collect entries from sources.

    source ─ requests ─▶ fetch (rate_limit.py, ssrf.py) ─▶ bytes ─ parse (one of KINDS) ─▶ finish ─▶ Harvest
    Harvest ─ judge ─▶ Health

To add a kind: one file with `parse(data, source, now) -> Parsed` and a `KIND`, and one line in KINDS. Other people's
packages add theirs by an entry point in the group `newsletter.sources`, whose name is the kind and whose object is a
`Kind`, or just the parse function.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit

from newsletter.collector.health import judge, stale_after
from newsletter.collector.http.client import LIMIT, TIMEOUT, Validators, Web
from newsletter.collector.http.rate_limit import LocalMemory, Memory, Turns
from newsletter.collector.identity import entry_id, names, same_paper
from newsletter.collector.normalize import Raw, Sighting, finish
from newsletter.collector.source_kind import Kind, Parsed, Parser, Request, few
from newsletter.collector.sources import (
    arxiv,
    biorxiv,
    feed,
    huggingface,
    jsonl,
    library,
    openreview,
    opml,
    page,
    semanticscholar,
    zotero,
)
from newsletter.collector.sources.jsonl import read_entries
from newsletter.collector.text.urls import is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Receipt, Source
from newsletter.version import __version__

__all__ = [
    "KINDS",
    "Harvest",
    "Kind",
    "Parsed",
    "Parser",
    "Raw",
    "Records",
    "Request",
    "Sighting",
    "ask",
    "collect",
    "entry_id",
    "guess_kind",
    "guess_library",
    "judge",
    "kind_of",
    "names",
    "read_entries",
    "same_paper",
]

KINDS: dict[str, Kind] = {
    "arxiv": arxiv.KIND,
    "biorxiv": biorxiv.KIND,
    "feed": feed.KIND,
    "huggingface": huggingface.KIND,
    "jsonl": jsonl.KIND,
    "openreview": openreview.KIND,
    "opml": opml.KIND,
    "page": page.KIND,
    "semanticscholar": semanticscholar.KIND,
}
#: What a reader's reference library is read by: papers that are liked, and no news.
LIBRARIES: dict[str, Kind] = {"library": Kind(library.parse), "zotero": zotero.KIND}
GROUP = "newsletter.sources"  #: of the entry points of other packages
ANSWER_LIMIT = 100_000  #: bytes of what `ask` takes
TOGETHER = 20  #: sources fetched at the same time
MOST_PAGES = 100  #: of one question
REST = timedelta(hours=1)  #: a source on the web is not asked again sooner, unless forced

logger = logging.getLogger(__name__)


class Records(Memory, Protocol):
    """What is remembered between two runs. Implemented by store.sources; called in threads."""

    def recall(self, keys: Sequence[str]) -> Mapping[str, Receipt]:
        """Key → the receipt of the last answer."""


class NoRecords(LocalMemory):
    """Nothing is remembered: for one run alone."""

    def recall(self, keys: Sequence[str]) -> Mapping[str, Receipt]:  # noqa: ARG002
        return {}


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one source gave."""

    source: Source
    sightings: tuple[Sighting, ...] = ()
    problems: tuple[str, ...] = ()  #: one line each: what is missing
    notes: tuple[str, ...] = ()  #: one line each: what was mended or cut
    error: str = ""  #: one line: the source gave nothing
    dated: datetime | None = None  #: of the newest thing in it
    online: bool = False  #: it is on the web, not a file
    unchanged: bool = False  #: all of it is as it was the last time
    rested: datetime | None = None  #: it was not asked, since it was so recently
    receipts: tuple[Receipt, ...] = ()  #: to be kept once the entries are stored
    sources: tuple[Source, ...] = ()  #: that this one named, each with a harvest of its own

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Finished."""
        return tuple(sighting.entry for sighting in self.sightings)


async def collect(
    sources: Sequence[Source],
    now: datetime,
    base: Path = Path(),
    *,
    records: Records | None = None,
    force: bool = False,
    timeout: float = TIMEOUT,  # noqa: ASYNC109 - it bounds each request, not this call
    limit: int = LIMIT,
    contact: str = "",
    on_done: Callable[[Harvest], object] | None = None,
) -> tuple[Harvest, ...]:
    """All sources together, results in their order, those that a list of sources named behind it.

    One bad source stops nobody else. Relative files are looked for in `base` (the folder of the configuration), then in
    the current directory. `on_done` is called in the event loop as each source is done, in no order. `force` asks again
    what was asked within REST, and reads again what did not change. Called by Engine.collect.
    """
    places = asyncio.Semaphore(TOGETHER)
    remembered = records or NoRecords()
    async with Web(Turns(remembered), timeout=timeout, limit=limit, contact=contact, base=base) as web:
        picker = _Picker(web, remembered, now, force)

        async def one(source: Source, list_of: str = "") -> list[Harvest]:
            async with places:
                harvest = await picker.pick(source, list_of)
            if on_done:
                on_done(harvest)
            named_by = "" if list_of else source.location  # a list that a list names is not followed
            more = await asyncio.gather(*(one(each, named_by) for each in harvest.sources if named_by))
            return [harvest, *(each for some in more for each in some)]

        found = await asyncio.gather(*(one(source) for source in sources))
    return tuple(harvest for some in found for harvest in some)


async def ask(url: str, contact: str = "", timeout: float = 10.0) -> bytes:  # noqa: ASYNC109
    """The answer of an address that somebody else's data names: only the public internet is reached.

    Called by Engine.ask. Raises SourceError.
    """
    async with Web(Turns(LocalMemory()), timeout=timeout, limit=ANSWER_LIMIT, contact=contact) as web:
        answer = await web.fetch(Request(url, outside=True), Kind(_nothing))
    return answer.data or b""


def _nothing(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001
    return Parsed(())


def kind_of(source: Source) -> Kind:
    """Raises SourceError for an unknown kind."""
    known = {**_plugged_in(), **KINDS}
    if source.kind in LIBRARIES:
        return LIBRARIES[source.kind]
    if source.kind not in known:
        raise SourceError(f'{shown(source.location)}: unknown kind "{source.kind}" (known: {", ".join(sorted(known))})')
    return known[source.kind]


@cache
def _plugged_in() -> dict[str, Kind]:
    """Kinds of other packages; one that cannot be loaded is logged and costs only itself."""
    found = {}
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception:  # somebody else's code
            logger.exception("a kind of source cannot be loaded", extra={"kind": point.name})
        else:
            found[point.name] = loaded if isinstance(loaded, Kind) else Kind(loaded)
    return found


def guess_kind(location: str) -> str:
    """The kind of a bare location, by its host or the ending of its file; a feed where nothing else fits."""
    path, place = location, ""
    if is_address(location):
        parts = urlsplit(location)
        path, place = parts.path, f"{parts.hostname or ''}{parts.path}"
    suffix = PurePosixPath(path).suffix.lower()
    for name, kind in {**_plugged_in(), **KINDS}.items():
        if suffix in kind.suffixes or any(_below(place, host) for host in kind.hosts):
            return name
    return "feed"


def _below(place: str, host: str) -> bool:
    """Whether "rss.arxiv.org/atom/cs.AI" is on or below "arxiv.org", or whatever host and path are given."""
    return f".{place}/".startswith(f".{host}") or f".{host}/" in f".{place}/".partition("/")[0] + "/"


def guess_library(location: str) -> str:
    """Zotero for what names one of its libraries, else a file in any of the formats."""
    return "zotero" if is_address(location) or re.match(r"(?:users|groups)/\d+", location) else "library"


class _Picker:
    """Reads one source after the other, page by page."""

    def __init__(self, web: Web, records: Records, now: datetime, force: bool) -> None:
        self._web = web
        self._records = records
        self._now = now
        self._force = force

    async def pick(self, source: Source, list_of: str = "") -> Harvest:
        """Never raises for what a source does. `list_of`: where the list is that names this source, if one does."""
        try:
            kind = kind_of(source)
            stale_after(source, kind)  # a wrong option is told at once
            requests = tuple(_trusted(each, list_of) for each in kind.requests(source, self._now))
            if not all(each.location for each in requests):
                raise SourceError(f'a {source.kind} source needs a "location"')
            known = await asyncio.to_thread(self._records.recall, [_key(source, each) for each in requests])
            if kind.lists:
                known = {}
            if rested := self._rested(requests, source, known):
                return Harvest(source, rested=rested)
            return await self._all(source, kind, requests, known)
        except SourceError as error:
            return Harvest(source, error=str(error))
        except Exception as error:  # a bug in one kind must not cost the other sources
            logger.exception("a source failed", extra={"source": source.name})
            name = f"{type(error).__name__} in the {source.kind} parser"
            return Harvest(source, error=f"{shown(source.location)}: {name}")

    def _rested(self, requests: Sequence[Request], source: Source, known: Mapping[str, Receipt]) -> datetime | None:
        """When all of its requests were answered, if that is so recent that it is not asked again."""
        times = [known[key].fetched for key in (_key(source, each) for each in requests) if key in known]
        on_web = all(is_address(each.location) for each in requests)
        if self._force or not on_web or not times or len(times) < len(requests):
            return None
        return min(times) if timedelta() <= self._now - min(times) < REST else None

    async def _all(
        self, source: Source, kind: Kind, requests: Sequence[Request], known: Mapping[str, Receipt]
    ) -> Harvest:
        """Every page of every request; what fails costs itself, and all only when nothing could be read."""
        pages: list[Parsed] = []
        receipts: list[Receipt] = []
        troubles: list[str] = []
        for request in requests:
            try:
                async for parsed, receipt in self._pages(source, kind, request, known.get(_key(source, request))):
                    receipts += [receipt] if receipt else []
                    pages += [parsed] if parsed else []
            except SourceError as error:
                troubles.append(str(error))
        if troubles and not pages and not receipts:
            return Harvest(source, error=troubles[0])
        online = any(is_address(each.location) for each in requests)
        return await asyncio.to_thread(self._harvest, source, pages, troubles, tuple(receipts), online)

    def _harvest(
        self,
        source: Source,
        pages: Sequence[Parsed],
        troubles: Sequence[str],
        receipts: tuple[Receipt, ...],
        online: bool,
    ) -> Harvest:
        sightings, problems = [], list(troubles)
        for parsed in pages:
            problems += parsed.problems
            for entry in parsed.entries:
                sighting = finish(entry, self._now)
                if sighting.entry.title:
                    sightings.append(sighting)
                else:
                    problems.append(f"nothing readable in the title: {sighting.entry.url or sighting.entry.id}")
        return Harvest(
            source,
            tuple(sightings),
            few(problems),
            few([note for sighting in sightings for note in sighting.notes]),
            dated=max((parsed.dated for parsed in pages if parsed.dated), default=None),
            online=online,
            unchanged=not pages and not troubles,
            receipts=_to_keep(receipts, troubles, problems),
            sources=tuple(each for parsed in pages for each in _named(parsed.sources)),
        )

    async def _pages(
        self, source: Source, kind: Kind, request: Request, known: Receipt | None
    ) -> AsyncIterator[tuple[Parsed | None, Receipt | None]]:
        """(page, receipt); no page where nothing changed, no receipt but for the first page."""
        first: Request | None = request
        again = known if known and not self._force else None
        following, pages = first, 0
        while following and pages < MOST_PAGES:
            parsed, receipt = await self._page(source, kind, following, again if following is request else None)
            if parsed and not parsed.seen and parsed.total and following is not request:
                parsed, _ = await self._page(source, kind, following, None)  # arXiv's deep pages may come back empty
            yield parsed, receipt if following is request else None
            following = kind.following(following, parsed, source) if parsed else None
            pages += 1

    async def _page(
        self, source: Source, kind: Kind, request: Request, known: Receipt | None
    ) -> tuple[Parsed | None, Receipt]:
        """Parsing runs in a thread: a long one must not use up the other sources' time."""
        validators = Validators(known.etag, known.modified) if known else Validators()
        answer = await self._web.fetch(request, kind, validators)
        receipt = Receipt(_key(source, request), self._now, answer.etag, answer.modified)
        if answer.data is None:
            return None, replace(receipt, digest=known.digest if known else "")
        digest = hashlib.sha256(answer.data).hexdigest()
        receipt = replace(receipt, digest=digest)
        if known and known.digest == digest:
            return None, receipt
        return await asyncio.to_thread(kind.parse, answer.data, source, self._now), receipt


def _to_keep(receipts: tuple[Receipt, ...], troubles: Sequence[str], problems: Sequence[str]) -> tuple[Receipt, ...]:
    """None where a page is missing; where something else was wrong, the time alone: it may be whole the next time."""
    if troubles:
        return ()
    return tuple(replace(each, etag="", modified="", digest="") for each in receipts) if problems else receipts


def _trusted(request: Request, list_of: str) -> Request:
    """What a list on the web names is an address from outside, but on the list's own server."""
    if not list_of or not is_address(list_of) or urlsplit(list_of)[:2] == urlsplit(request.location)[:2]:
        return request
    return replace(request, outside=True)


def _named(sources: Sequence[Source]) -> list[Source]:
    return [replace(each, kind=each.kind or guess_kind(each.location)) for each in sources]


def _key(source: Source, request: Request) -> str:
    """Of the same question by the same source to the same reader of answers."""
    parts = (__version__, source.name, source.kind, request.location, repr(request.body))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
