"""The state of an installation."""

from __future__ import annotations

from newsletter.schedule import window
from newsletter.services.collection import Collecting
from newsletter.services.context import Context
from newsletter.services.overview import Overview
from newsletter.services.scheduling import Scheduling
from newsletter.services.vectors import EntryVectors


class StatusReports:
    """Gathers what the overview tells."""

    def __init__(self, context: Context, collection: Collecting, scheduling: Scheduling, vectors: EntryVectors) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._collection = collection
        self._scheduling = scheduling
        self._vectors = vectors

    def changed_at(self) -> int:
        """When the store last changed, in nanoseconds; 0 where it does not say."""
        return self._store.changed_at()

    def overview(self) -> Overview:
        """Gather the sources, the latest issues and what comes next."""
        now, schedule = self._now(), self._settings.schedule
        since = window(schedule.cadence, now, self._store.issues.latest_until(schedule.cadence))
        news, seen = self._store.entries.counted(since, now)
        health = tuple(self._collection.health())
        read = {source.source for source in health}
        return Overview(
            now=now,
            health=health,
            unread=tuple(source.name for source in self._settings.sources if source.name not in read),
            since=since,
            news=news,
            seen=seen,
            readers=self._store.subscribers.counted(),
            issues=tuple(self._store.ledger.tally(issue.key) for issue in self._store.issues.listed()[:10]),
            due=self._scheduling.next_event(),
            collect_every=schedule.collect_every,
            embedder=self._vectors.trouble(),
        )
