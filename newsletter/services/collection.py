"""Collecting: the configured sources, readers' own libraries, and whether the sources are well."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from newsletter import collector
from newsletter.collector import Harvest
from newsletter.errors import InputError, SourceError
from newsletter.services.context import Context
from newsletter.services.papers import Papers
from newsletter.services.readership import liked_ids
from newsletter.store import Named
from newsletter.types import WANTED, Health, Profile, Source, Status, Verb

logger = logging.getLogger("newsletter")

KEEP_EVERY = 30.0  #: seconds after which what was read is stored, though other sources are still being read
AGAIN = timedelta(hours=1)  #: after which a collection is begun anew that was killed; until then another one may do it
NEAR = 8  #: a collection that is due within an eighth of its period may be made now
LIST_SLACK = timedelta(hours=2)  #: a source may rest for an hour while the list that names it is read again
MOST_LIKED = 5_000  #: papers that a profile keeps, the latest: a whole library
MOST_IN_LIBRARY = 50_000  #: papers of a library that are read
MOST_LIKES = 100  #: papers that a source of recommendations is asked with
_UNFINISHED = "collection unfinished"  #: what the store remembers by it from when on all are asked again

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Collected:
    """What one source brought."""

    harvest: Harvest
    added: int  #: news
    health: Health | None  #: None: it rests, and was never read before


class Collecting:
    """Papers from outside into the store."""

    def __init__(self, context: Context, papers: Papers) -> None:
        self.keep_every = KEEP_EVERY
        self._context = context
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._papers = papers

    async def collect(
        self,
        names: Sequence[str] = (),
        keep: bool = True,
        force: bool = False,
        on_done: Callable[[Collected], None] | None = None,
    ) -> list[Collected]:
        """Read the sources (all, or those named) and store what is new.

        One bad source stops nobody else, and a slow one keeps nobody waiting: what others brought is stored meanwhile.
        To cancel it leaves each source stored whole or not at all, and `is_due` says so. `keep` False only reads;
        `force` asks again what was asked within the hour. Raises InputError for an unknown name.
        """
        now = self._now()
        before = {health.source: health for health in await asyncio.to_thread(self._store.sources.health)}
        sources = await asyncio.to_thread(self.sources, names)
        arrived: list[Harvest] = []
        reading = asyncio.ensure_future(self._read(sources, now, force or not keep, arrived.append))
        done: dict[int, Collected] = {}
        is_whole = keep and not names

        async def take(harvests: Sequence[Harvest]) -> None:
            for harvest in (harvest for harvest in harvests if id(harvest) not in done):
                health = before.get(harvest.source.name)
                done[id(harvest)] = found = await _unbroken(self._keep, harvest, health, now, keep)
                if on_done:
                    on_done(found)

        try:
            while not (await asyncio.wait([reading], timeout=self.keep_every))[0]:
                await self._note_unfinished(now + AGAIN if is_whole and arrived else None)
                await take(tuple(arrived))
            await take(reading.result())  # in the order of the sources, where nothing was taken before
            await self._note_unfinished(None, is_whole)
        except asyncio.CancelledError:
            await self._note_unfinished(now if is_whole and arrived else None)
            raise
        finally:
            await _ended(reading)
        return [done[id(harvest)] for harvest in reading.result()]

    async def _read(
        self, sources: Sequence[Source], now: datetime, force: bool, on_done: Callable[[Harvest], None]
    ) -> tuple[Harvest, ...]:
        return await collector.collect(
            sources,
            now,
            self._settings.home,
            records=self._store.sources,
            force=force,
            contact=self._context.contact(),
            limits=self._limits(),
            on_done=on_done,
        )

    async def _note_unfinished(self, again: datetime | None, forget: bool = False) -> None:
        """Note when all are to be asked again, of whom some are stored already; or that this is not wanted any more."""
        if again or forget:
            await asyncio.to_thread(self._store.note, _UNFINISHED, again.isoformat() if again else "")

    async def like(self, address: str, library: str, key: str = "") -> tuple[int, Harvest]:
        """Take a reader's reference library (a file, or a Zotero library) as papers they like.

        Returns how many likes are new, and what was read. The papers are known from then on, and are no news. Raises
        InputError where the library cannot be read, UnknownSubscriber.
        """
        person, now = await asyncio.to_thread(self._store.subscribers.find, address), self._now()
        options = {"key": key} if key else {}
        source = Source("library", collector.guess_library(library), library, options)
        whole = self._limits(MOST_IN_LIBRARY)
        [harvest] = await collector.collect([source], now, records=self._store.sources, force=True, limits=whole)
        if harvest.error:
            raise InputError(harvest.error)
        await asyncio.to_thread(self._keep_sightings, harvest, now)
        found = await asyncio.to_thread(self._papers.find, [entry.id for entry in harvest.entries])
        before = dict.fromkeys(person.profile.liked)
        liked = before | dict.fromkeys(found[entry.id].id for entry in harvest.entries if entry.id in found)
        profile = replace(person.profile, liked=tuple(liked)[-MOST_LIKED:])
        await asyncio.to_thread(self._store.subscribers.change, replace(person, profile=profile))
        return len(liked) - len(before), harvest

    def _limits(self, entries: int = 0) -> collector.CollectLimits:
        section = self._settings.collect
        seconds, whole = section.read_within.total_seconds(), section.time_per_source.total_seconds()
        reading = collector.ReadLimits(entries or section.entries_per_source, seconds, whole)
        return collector.CollectLimits(read=reading)

    async def ask(self, url: str) -> bytes:
        """Fetch from the public internet an address that somebody else named. Raises SourceError."""
        return await collector.ask(url, self._context.contact())

    def health(self) -> list[Health]:
        """How the configured sources do that were read, and those that a configured list names."""
        names = {source.name for source in self._settings.sources}
        known = {health.source: health for health in self._store.sources.health()}
        return [health for name, health in known.items() if name in names or self._still_named(health, known)]

    def _still_named(self, health: Health, known: Mapping[str, Health]) -> bool:
        """Whether a configured list names this source: then it was read about when the list was."""
        of = known.get(health.source.partition(": ")[0])
        configured = {source.name for source in self._settings.sources}
        return of is not None and of.source in configured and of.checked - health.checked < LIST_SLACK

    def is_due(self, soon: bool = False) -> bool:
        """Whether the schedule owes a collection; `soon`: or will before long."""
        if not self._settings.sources:
            return False
        now, again = self._now(), self._store.noted(_UNFINISHED)
        if again and not now < datetime.fromisoformat(again) <= now + AGAIN:
            return True
        checked = [health.checked for health in self.health() if health.checked <= now]  # else the clock was ahead
        every = self._settings.schedule.collect_every
        return not checked or max(checked) <= now - (every - every / NEAR if soon else every)

    def sources(self, names: Sequence[str] = ()) -> list[Source]:
        """The configured sources, or those named, each with its kind and what its requests need."""
        sources = [
            replace(source, kind=source.kind or collector.guess_kind(source.location))
            for source in self._settings.sources
        ]
        unknown = set(names) - {source.name for source in sources}
        if unknown:
            known = ", ".join(source.name for source in sources) or "none is configured"
            raise InputError(f"There is no source {min(unknown)!r} (known: {known}).")
        return [self._with_likes(source) for source in sources if not names or source.name in names]

    def _with_likes(self, source: Source) -> Source:
        """A source of recommendations gets what the readers like, unless its own list of papers is configured."""
        if source.kind != "semanticscholar" or "liked" in source.options:
            return source
        likes = {
            "liked": self._most_named(liked_ids, WANTED),
            "disliked": self._most_named(lambda profile: profile.disliked, (Verb.LESS,)),
        }
        return replace(source, options={**source.options, **likes})

    def _most_named(self, chosen: Callable[[Profile], Iterable[str]], verbs: Collection[Verb]) -> list[str]:
        """Ids that most active readers name or voted on, as ids that others know too; nobody's name goes with them."""
        counts = Counter(
            entry_id for person in self._store.subscribers.listed(Status.ACTIVE) for entry_id in chosen(person.profile)
        )
        counts.update(self._store.votes.counted(verbs))
        found = self._papers.find(counts)
        best = [entry_id for entry_id, _ in counts.most_common() if entry_id in found]
        return [(*found[entry_id].also, entry_id)[0] for entry_id in best][:MOST_LIKES]

    def _keep(self, harvest: Harvest, before: Health | None, now: datetime, keep: bool) -> Collected:
        if harvest.rested:
            return Collected(harvest, 0, before)
        added = self._keep_sightings(harvest, now) if keep else 0
        try:
            kind = collector.kind_of(harvest.source)
        except SourceError:
            kind = None
        health = collector.judge(before, harvest, added, kind, now)
        if keep:
            self._store.sources.record(health, harvest.receipts)
        ids = {"source": harvest.source.name, "added": added, "state": health.state.value}
        logger.info("collected", extra={**ids, "error": harvest.error})
        return Collected(harvest, added, health)

    def _keep_sightings(self, harvest: Harvest, now: datetime) -> int:
        named = (Named(each.entry, each.names, each.raw) for each in harvest.sightings)
        return self._store.sightings.add(named, now, collector.same_paper, self._now)


async def _unbroken(function: Callable[..., Made], *given: object) -> Made:
    """Call it in a thread, and wait for its end whatever happens: nothing is half stored."""
    calling = asyncio.ensure_future(asyncio.to_thread(function, *given))
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        await asyncio.wait([calling])
        calling.exception()
        raise


async def _ended(reading: asyncio.Future[tuple[Harvest, ...]]) -> None:
    """Cancel it, where it is under way, and wait until it has closed what it opened."""
    reading.cancel()
    await asyncio.wait([reading])
