"""All sources at once: requests, pages, what was asked too recently, and receipts of what was read."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.collector.harvest import Harvest, NoRecords, Records
from newsletter.collector.health import max_age, stale_after
from newsletter.collector.http.client import Fetcher
from newsletter.collector.http.limits import FetchLimits
from newsletter.collector.http.rate_limit import HostRateLimiter, span
from newsletter.collector.http.validators import Validators
from newsletter.collector.kinds import guess_kind, kind_of
from newsletter.collector.normalize import Sighting
from newsletter.collector.reading import DocumentReader, Page, ReadLimits
from newsletter.collector.source_kind import Kind, Parsed, Request, few
from newsletter.collector.text.urls import is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Receipt, Source
from newsletter.version import __version__
from newsletter.worker_process import WorkerFault

ANSWER_LIMIT = 100_000  #: bytes of what `ask` takes
TOGETHER = 20  #: sources fetched at the same time
MOST_PAGES = 100  #: of one request
REST = timedelta(hours=1)  #: a source on the web is not asked again sooner, unless forced

logger = logging.getLogger("newsletter.collector")


@dataclass(frozen=True, slots=True)
class CollectLimits:
    """What collecting may take."""

    fetch: FetchLimits = field(default_factory=FetchLimits)
    read: ReadLimits = field(default_factory=ReadLimits)


DEFAULT_LIMITS = CollectLimits()


async def collect(
    sources: Sequence[Source],
    now: datetime,
    base: Path = Path(),
    *,
    records: Records | None = None,
    force: bool = False,
    contact: str = "",
    limits: CollectLimits = DEFAULT_LIMITS,
    on_done: Callable[[Harvest], object] | None = None,
) -> tuple[Harvest, ...]:
    """Collect from all sources together; results in their order, those that a list of sources named behind it.

    One bad source stops nobody else. Relative files are looked for in `base` (the folder of the configuration), then in
    the current directory. `on_done` is called in the event loop as each source is done, in no order; a list is done
    when the sources are that it names. `force` asks again what was asked within REST, and reads again what did not
    change.
    """
    remembered = records or NoRecords()
    with DocumentReader(now, limits.read) as documents:
        async with Fetcher(HostRateLimiter(remembered), limits=limits.fetch, contact=contact, base=base) as fetcher:
            reader = _SourceReader(fetcher, documents, remembered, now, force)
            together = _Together(reader, limits.read.whole, on_done or (lambda _: None))
            found = await asyncio.gather(*(together.read(source) for source in sources))
    return tuple(harvest for harvests in found for harvest in harvests)


async def ask(url: str, contact: str = "", timeout: float = 10.0) -> bytes:  # noqa: ASYNC109
    """The answer of an address that somebody else's data names: only the public internet is reached.

    Raises SourceError.
    """
    async with Fetcher(HostRateLimiter(), limits=FetchLimits(timeout, ANSWER_LIMIT), contact=contact) as fetcher:
        answer = await fetcher.fetch(Request(url, outside=True), Kind(_unparsed))
    return answer.data or b""


def _unparsed(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001
    return Parsed(())


class _Together:
    """Reads so many sources at the same time, each configured one within its time."""

    def __init__(self, reader: _SourceReader, seconds: float, on_done: Callable[[Harvest], object]) -> None:
        self._reader = reader
        self._seconds = seconds
        self._on_done = on_done
        self._places = asyncio.Semaphore(TOGETHER)

    async def read(self, source: Source) -> list[Harvest]:
        """Read a configured source, and behind it those that it names; what one of these names is not followed."""
        async with self._places:
            until = asyncio.get_running_loop().time() + self._seconds
            harvest = await self._reader.read(source, until)
        named = await self._read_named(harvest, until)
        if unread := len(harvest.sources) - len(named):
            told = f"{unread:,} of its {len(harvest.sources):,} sources were not read within {span(self._seconds)}"
            harvest = replace(harvest, problems=(told, *harvest.problems), late=True)
        self._on_done(harvest)
        return [harvest, *named]

    async def _read_named(self, by: Harvest, until: float) -> list[Harvest]:
        """Those that were reached in time.

        They begin in another order each time: where there is no time for all, not always the same ones are left out.
        """
        turns = asyncio.Semaphore(TOGETHER)  # else a long list would take all places for as long as it lasts

        async def read_one(source: Source) -> Harvest | None:
            async with turns, self._places:
                harvest = await self._reader.read(source, until, by.source.location)
            if harvest.late and harvest.error:
                return None
            self._on_done(harvest)
            return harvest

        order = random.sample(range(len(by.sources)), len(by.sources))
        found = await asyncio.gather(*(read_one(by.sources[place]) for place in order))
        ranked = sorted(zip(order, found, strict=True), key=lambda pair: pair[0])
        return [harvest for _, harvest in ranked if harvest]


class _SourceReader:
    """Reads sources page by page."""

    def __init__(
        self, fetcher: Fetcher, documents: DocumentReader, records: Records, now: datetime, force: bool
    ) -> None:
        self._fetcher = fetcher
        self._documents = documents
        self._records = records
        self._now = now
        self._force = force

    async def read(self, source: Source, until: float, list_of: str = "") -> Harvest:
        """Read one source; never raises for what it does.

        `until`: by the loop's clock; `list_of`: where the list is that names it, if one does.
        """
        if asyncio.get_running_loop().time() >= until:
            return Harvest(source, error=self._late(source), late=True)
        try:
            kind = kind_of(source)
            stale_after(source, kind), max_age(source)  # a wrong option is told at once
            asked = kind.requests(source, self._now)
            requests = tuple(_restricted(replace(request, private=source.private), list_of) for request in asked)
            if not all(request.location for request in requests):
                raise SourceError(f'a {source.kind} source needs a "location"')
            known = await asyncio.to_thread(self._records.recall, [_key(source, request) for request in requests])
            if kind.lists:
                known = {}
            if rested := self._rested(requests, source, known):
                return Harvest(source, rested=rested)
            return await self._read_all(source, kind, requests, known, until)
        except SourceError as error:
            return Harvest(source, error=str(error))
        except Exception as error:  # a bug in one kind must not cost the other sources
            logger.exception("a source failed", extra={"source": source.name})
            name = error.name if isinstance(error, WorkerFault) else type(error).__name__
            return Harvest(source, error=f"{shown(source.location)}: {name} in the {source.kind} parser")

    def _rested(self, requests: Sequence[Request], source: Source, known: Mapping[str, Receipt]) -> datetime | None:
        """When all of its requests were answered, if that is so recent that it is not asked again."""
        times = [known[key].fetched for key in (_key(source, request) for request in requests) if key in known]
        on_web = all(is_address(request.location) for request in requests)
        if self._force or not on_web or not times or len(times) < len(requests):
            return None
        return min(times) if timedelta() <= self._now - min(times) < REST else None

    async def _read_all(
        self, source: Source, kind: Kind, requests: Sequence[Request], known: Mapping[str, Receipt], until: float
    ) -> Harvest:
        """Read every page of every request in time; the source fails only when nothing could be read."""
        intake = _Intake(self._documents.limits.entries)
        receipts: list[Receipt] = []
        timer = asyncio.timeout_at(until)
        try:
            async with timer:
                for request in requests:
                    before = known.get(_key(source, request))
                    with intake.noting_errors():
                        async for receipt in self._take_pages(source, kind, request, before, intake):
                            receipts += [receipt] if receipt else []
        except TimeoutError:
            if not timer.expired():
                raise
            intake.errors.append(self._late(source))
            intake.late = len(intake.errors) == 1
        if intake.errors and not intake.pages and not receipts:
            return Harvest(source, error=intake.errors[0], late=intake.late)
        online = any(is_address(request.location) for request in requests)
        return _harvest(source, intake, tuple(receipts), online)

    def _late(self, source: Source) -> str:
        return f"{shown(source.location)}: not read to its end within {span(self._documents.limits.whole)}"

    async def _take_pages(
        self, source: Source, kind: Kind, request: Request, known: Receipt | None, intake: _Intake
    ) -> AsyncIterator[Receipt | None]:
        """Take in the pages of a request, but what did not change; yields a receipt for the first one, then None."""
        first: Request | None = request
        again = known if known and not self._force else None
        following, pages = first, 0
        while following and pages < MOST_PAGES and not intake.full():
            most = intake.left
            page, receipt = await self._page(source, kind, following, again if following is request else None, most)
            # arXiv's deep pages may come back empty
            if page and not page.parsed.seen and page.parsed.total and following is not request:
                page, _ = await self._page(source, kind, following, None, most)
            intake.take(page)
            yield receipt if following is request else None
            next_page = kind.following(following, page.parsed, source) if page else None
            following = next_page and _as_its_first(next_page, request)
            pages += 1

    async def _page(
        self, source: Source, kind: Kind, request: Request, known: Receipt | None, most: int
    ) -> tuple[Page | None, Receipt]:
        """One page, with at most so many entries; None where it is as it was."""
        validators = Validators(known.etag, known.modified) if known else Validators()
        answer = await self._fetcher.fetch(request, kind, validators)
        receipt = Receipt(_key(source, request), self._now, answer.etag, answer.modified)
        if answer.data is None:
            return None, replace(receipt, digest=known.digest if known else "")
        digest = hashlib.sha256(answer.data).hexdigest()
        receipt = replace(receipt, digest=digest)
        if known and known.digest == digest:
            return None, receipt
        return await self._documents.read(answer.data, source, most, max_age(source)), receipt


@dataclass(slots=True)
class _Intake:
    """What was taken of one source so far."""

    most: int  #: entries
    pages: list[Page] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)  #: one line, where there was more
    late: bool = False  #: nothing went wrong but that its time was over

    @contextmanager
    def noting_errors(self) -> Iterator[None]:
        """Go on with the next request where one fails."""
        try:
            yield
        except SourceError as error:
            self.errors.append(str(error))

    @property
    def left(self) -> int:
        return self.most - sum(len(page.parsed.entries) for page in self.pages)

    def take(self, page: Page | None) -> None:
        self.pages += [page] if page else []
        self.cut += [page.left_out] if page and page.left_out else []

    def full(self) -> bool:
        """Whether no more is to be asked for; it is asked before there is more, so that this is told."""
        if self.left <= 0 and not self.cut:
            self.cut.append(f"more than {self.most:,} entries: the rest was left out")
        return bool(self.cut)


def _harvest(source: Source, intake: _Intake, receipts: tuple[Receipt, ...], online: bool) -> Harvest:
    sightings: list[Sighting] = []
    problems = [*intake.errors, *intake.cut]
    for page in intake.pages:
        problems += page.parsed.problems
        for sighting in page.sightings:
            if sighting.entry.title:
                sightings.append(sighting)
            else:
                problems.append(f"nothing readable in the title: {sighting.entry.url or sighting.entry.id}")
    parsed = [page.parsed for page in intake.pages]
    return Harvest(
        source,
        tuple(sightings),
        few(problems),
        few([note for sighting in sightings for note in sighting.notes]),
        dated=max((page.dated for page in parsed if page.dated), default=None),
        online=online,
        unchanged=not parsed and not intake.errors,
        receipts=_receipts_to_keep(receipts, intake.errors, problems),
        late=intake.late,
        doubt=next((page.doubt for page in parsed if page.doubt), ""),
        old=sum(page.old for page in intake.pages),
        sources=tuple(named for page in parsed for named in _as_configured(page.sources, source)),
    )


def _receipts_to_keep(
    receipts: tuple[Receipt, ...], errors: Sequence[str], problems: Sequence[str]
) -> tuple[Receipt, ...]:
    """No receipts where a page is missing; their times alone where something else was wrong, to read it again."""
    if errors:
        return ()
    return tuple(replace(receipt, etag="", modified="", digest="") for receipt in receipts) if problems else receipts


def _restricted(request: Request, list_of: str) -> Request:
    """What a list on the web names is an address from outside, unless it is on the list's own server."""
    if not list_of or not is_address(list_of) or urlsplit(list_of)[:2] == urlsplit(request.location)[:2]:
        return request
    return replace(request, outside=True)


def _as_configured(sources: Sequence[Source], named_by: Source) -> list[Source]:
    """The sources of a list, each with its kind; they may be where the list may be."""
    return [
        replace(source, kind=source.kind or guess_kind(source.location), private=named_by.private) for source in sources
    ]


def _key(source: Source, request: Request) -> str:
    """The key of a receipt: one request of one source, as this version reads it."""
    parts = (__version__, source.name, source.kind, request.location, repr(request.body))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _as_its_first(page: Request, first: Request) -> Request:
    """A page after the first, which may lead where that may; but for an address that stands in the document."""
    return replace(page, outside=page.outside or first.outside, private=first.private and not page.outside)
