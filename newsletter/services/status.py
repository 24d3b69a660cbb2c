"""The state of an installation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from newsletter.schedule import window
from newsletter.services.collection import Collecting
from newsletter.services.context import Context
from newsletter.services.issue_calendar import IssueCalendar
from newsletter.services.overview import Overview
from newsletter.services.scheduling import Scheduling
from newsletter.services.vectors import EntryVectors
from newsletter.store import left_out
from newsletter.types import Health, Issue

LATEST = 10  #: issues that are told


class StatusReports:
    """Gathers what the overview tells."""

    def __init__(
        self,
        context: Context,
        calendar: IssueCalendar,
        collection: Collecting,
        scheduling: Scheduling,
        vectors: EntryVectors,
    ) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._calendar = calendar
        self._collection = collection
        self._scheduling = scheduling
        self._vectors = vectors

    def changed_at(self) -> int:
        """When the store last changed, in nanoseconds; 0 where it does not say."""
        return self._store.changed_at()

    def overview(self) -> Overview:
        """Gather the sources, the latest issues and what comes next."""
        now, schedule = self._now(), self._settings.schedule
        since = window(schedule.cadence, now, self._store.issues.latest_until(schedule.cadence, now))
        news, seen = self._store.entries.counted(since, now)
        health = tuple(self._collection.health())
        read = {source.source for source in health}
        listed = self._store.issues.listed()
        tallies = tuple(self._store.ledger.tally(issue.key) for issue in listed[:LATEST])
        return Overview(
            now=now,
            health=health,
            unread=tuple(source.name for source in self._settings.sources if source.name not in read),
            since=since,
            news=news,
            seen=seen,
            readers=self._store.subscribers.counted(),
            issues=tallies,
            due=self._scheduling.next_issue(),
            collect_every=schedule.collect_every,
            embedder=self._vectors.trouble(),
            timezone=schedule.timezone,
            ahead={tally.issue: self._store.waiting.ahead(tally.issue, now) for tally in tallies if tally.waiting},
            unknown_zones=self._calendar.unknown_zones(),
            left_out=left_out(news, self._settings.collect.papers_per_issue),
            dated_ahead=tuple(self._dated_ahead(listed, health, now)),
        )

    def _dated_ahead(self, issues: Iterable[Issue], health: Iterable[Health], now: datetime) -> Iterator[str]:
        """What the store holds from a time that is still to come."""
        if count := self._store.entries.ahead(now):
            yield f"{count} papers"
        if sources := sum(1 for source in health if source.checked > now):
            yield f"{sources} sources"
        yield from (f"the issue {issue.key}" for issue in issues if issue.until > now)
