"""Collect entries from sources.

    source ─ fetch ─▶ bytes ─ parse (one of KINDS) ─▶ entries, problems ─▶ Harvest

To add a kind: one file with `parse(data, source, now) -> Parsed`, and one line in KINDS.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from newsletter.collector import feed, fetch, jsonl, page
from newsletter.collector.identity import entry_id, names, same_paper
from newsletter.collector.jsonl import read_entries
from newsletter.collector.links import is_address, shown
from newsletter.collector.parsed import Parsed, Parser
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

__all__ = [
    "KINDS",
    "Harvest",
    "Parsed",
    "Parser",
    "collect",
    "entry_id",
    "guess_kind",
    "names",
    "parser_of",
    "read_entries",
    "same_paper",
]

KINDS: dict[str, Parser] = {
    "feed": feed.parse,
    "jsonl": jsonl.parse,
    "page": page.parse,
}
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "page"}
TOGETHER = 20  #: sources fetched at the same time

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one source gave."""

    source: Source
    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()  #: one line each: what was left out or mended
    error: str = ""  #: one line: the source gave nothing


async def collect(
    sources: Sequence[Source],
    now: datetime,
    base: Path = Path(),
    *,
    timeout: float = fetch.TIMEOUT,  # noqa: ASYNC109 - it bounds each source, not this call
    limit: int = fetch.LIMIT,
    contact: str = "",
    on_done: Callable[[Harvest], None] | None = None,
) -> tuple[Harvest, ...]:
    """All sources together, results in their order; one bad source stops nobody else.

    Relative files are looked for in `base` (the folder of the configuration), then in the current directory.
    `on_done` is called in the event loop as each source is done, in no order. Called by Engine.collect.
    """
    places = asyncio.Semaphore(TOGETHER)

    async def one(source: Source) -> Harvest:
        async with places:
            harvest = await _harvest(
                source, now, partial(fetch.fetch, timeout=timeout, limit=limit, contact=contact), base
            )
        if on_done:
            on_done(harvest)
        return harvest

    return tuple(await asyncio.gather(*(one(source) for source in sources)))


def parser_of(source: Source) -> Parser:
    """Raises SourceError for an unknown kind."""
    if source.kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise SourceError(f'{shown(source.location)}: unknown kind "{source.kind}" (known: {known})')
    return KINDS[source.kind]


def guess_kind(location: str) -> str:
    """The kind of a bare location: .jsonl and .ndjson are jsonl, .txt is page, all else a feed."""
    path = urlsplit(location).path if is_address(location) else location
    return SUFFIXES.get(PurePosixPath(path).suffix.lower(), "feed")


async def _harvest(source: Source, now: datetime, fetched: Callable[..., Awaitable[bytes]], base: Path) -> Harvest:
    """Parsing runs in a thread: a long one must not use up the other sources' time."""
    try:
        parser = parser_of(source)
        return Harvest(source, *await asyncio.to_thread(parser, await fetched(source.location, base), source, now))
    except SourceError as error:
        return Harvest(source, (), error=str(error))
    except Exception as error:  # a bug in one parser must not cost the other sources
        logger.exception("a parser failed", extra={"source": source.name})
        return Harvest(
            source, (), error=f"{shown(source.location)}: {type(error).__name__} in the {source.kind} parser"
        )
