"""Bytes ─▶ sightings: parsed, counted, and made readable; in a process apart, but for the smallest documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from newsletter.collector.document import apart, is_too_old
from newsletter.collector.kinds import kind_of
from newsletter.collector.normalize import Sighting, finish
from newsletter.collector.source_kind import SEARCHED, Parsed
from newsletter.collector.text.urls import shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source
from newsletter.worker_process import WorkerGone, WorkerLost, WorkerProcess

SMALL = 8_192  #: bytes that are read here: what takes the square of them is done in a second, and a process costs half


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading one source may take."""

    entries: int = 5_000  #: of one harvest
    seconds: float = 60.0  #: of computing, for one document
    whole: float = 600.0  #: seconds by the clock, for all documents of a source, and of those that it names


class Page(NamedTuple):
    """One document, read."""

    parsed: Parsed  #: with the entries that were taken, as they stand in the document
    sightings: tuple[Sighting, ...]  #: the same, made readable
    left_out: str = ""  #: one line, where it holds more entries than are taken
    old: int = 0  #: entries that are no news for their age alone


def read_page(data: bytes, source: Source, now: datetime, most: int, max_age: timedelta | None = None) -> Page:
    """Parse a document, and make at most so many of its entries readable. Raises SourceError.

    `max_age`: what is older is no news; None: SEARCHED for the results of a search, else no limit; zero: no limit.
    """
    parsed = kind_of(source).parse(data, source, now)
    taken, which = _taken(parsed.entries, most)
    left_out = f"{len(parsed.entries):,} entries in one document: {which} {len(taken):,} were taken" if which else ""
    seen = len(parsed.entries) if parsed.seen is None else parsed.seen
    limit = max_age if max_age is not None else SEARCHED if parsed.search else None
    old = [is_too_old(entry, limit, now) for entry in taken]
    entries = tuple(replace(entry, update=True) if late else entry for entry, late in zip(taken, old, strict=True))
    sightings = apart([finish(entry, now) for entry in entries])
    return Page(replace(parsed, entries=entries, seen=seen), sightings, left_out, sum(old))


def _taken(entries: Sequence[Entry], most: int) -> tuple[Sequence[Entry], str]:
    """At most so many entries, and which they are: the newest where all are dated, else the first."""
    if len(entries) > most:
        entries = [entry for entry in entries if not entry.withdrawn]
    if len(entries) <= most:
        return entries, ""
    dated = [(entry.published, place) for place, entry in enumerate(entries) if entry.published]
    if len(dated) < len(entries):
        return entries[:most], "the first"
    newest = sorted(dated, key=lambda day: day[0], reverse=True)[:most]
    return [entries[place] for place in sorted(place for _, place in newest)], "the newest"


class DocumentReader:
    """Reads documents, the large ones one after the other in a process apart. For one event loop.

    A context manager: at its end the process is gone.
    """

    def __init__(self, now: datetime, limits: ReadLimits) -> None:
        self.limits = limits
        self._worker = WorkerProcess()
        self._now = now
        self._turn = asyncio.Lock()

    def __enter__(self) -> DocumentReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._worker.close()

    async def read(self, data: bytes, source: Source, most: int, max_age: timedelta | None = None) -> Page:
        """Read one document. Raises SourceError, also where it takes too long or too much memory."""
        if len(data) <= SMALL:
            return await asyncio.to_thread(read_page, data, source, self._now, most, max_age)
        try:
            async with self._turn:
                try:
                    return await self._read_apart(data, source, most, max_age)
                except WorkerGone:  # ended by somebody else, as where memory is short
                    return await self._read_apart(data, source, most, max_age)
        except WorkerLost as error:
            raise SourceError(f"{shown(source.location)}: {error}") from error

    async def _read_apart(self, data: bytes, source: Source, most: int, max_age: timedelta | None) -> Page:
        """Wait in a thread, which cannot be cancelled: the process is ended for it, and the next one has another."""
        read = partial(self._worker.run, self.limits.seconds, read_page, data, source, self._now, most, max_age)
        reading = asyncio.ensure_future(asyncio.to_thread(read))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            self._worker.cancel()
            await asyncio.wait([reading])
            reading.exception()
            self._worker.close()
            self._worker = WorkerProcess()
            raise
