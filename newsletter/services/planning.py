"""Planning: an issue is frozen (pool, templates, audience); and the draft of the next one, as of now."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from newsletter.collector.extractive_summary import extract
from newsletter.collector.trend import Counted, field_of, trends
from newsletter.errors import InputError, StoreBusy
from newsletter.i18n import catalogues_of
from newsletter.schedule import KEY, Slot, issue_key, last_slot, next_slot, own_due, window
from newsletter.services.collection import Collecting
from newsletter.services.context import Context
from newsletter.services.vectors import EntryVectors
from newsletter.store import Frozen, Plan, PlanOutdated, day_of, ready
from newsletter.types import Cadence, Entry, Issue, SourceState, Tally

logger = logging.getLogger("newsletter")

TRIES = 100  #: to plan with what nobody changes meanwhile
COUNTS_KEPT = timedelta(days=21)  #: votes, comments and stars older than this say nothing of a trend
_MISSING = {
    SourceState.FAILING: "",
    SourceState.STALE: " (nothing new came from it)",
    SourceState.PARTIAL: " (in part)",
}


class Planning:
    """Freezes issues."""

    def __init__(self, context: Context, collection: Collecting, vectors: EntryVectors) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._collection = collection
        self._vectors = vectors

    def plan(
        self, cadence: Cadence | None = None, key: str = "", until: datetime | None = None
    ) -> tuple[Issue, Tally, bool]:
        """Freeze an issue; (issue, its accounting, whether it is new). Planning twice adds nobody twice."""
        from newsletter.renderer import make_renderer

        schedule = self._settings.schedule
        cadence, now = cadence or schedule.cadence, self._now()
        until = until or now
        key = key or issue_key(cadence, until, schedule.timezone)
        if not KEY.fullmatch(key):
            raise InputError(f"{key!r}: the key of an issue is up to 64 letters, digits, dots and dashes")
        issue = Issue(key, cadence, window(cadence, until, self._store.issues.latest_until(cadence)), until)
        templates = self.templates()
        make_renderer(templates, self._settings.masthead)  # a template that cannot be rendered is not frozen
        planned = self._freeze(issue, templates, now)
        logger.info("planned", extra={"issue": key, "deliveries": planned})
        if planned >= 0 and self._settings.selection.model:
            self._vectors.embed_pool(self._store.issues.frozen(key).entries)
        return self._store.issues.get(key), self._store.ledger.tally(key), planned >= 0

    def _freeze(self, issue: Issue, templates: Mapping[str, str], now: datetime) -> int:
        """Write the plan, made again where readers or papers changed meanwhile; returns how many deliveries, or -1."""
        for _ in range(TRIES):
            with suppress(PlanOutdated):
                return self._store.issues.plan(self._plan_of(issue, templates, now))
        raise StoreBusy

    def _plan_of(self, issue: Issue, templates: Mapping[str, str], now: datetime) -> Plan:
        """All that is written of an issue, computed from the store as it is now."""
        schedule, store = self._settings.schedule, self._store
        pool = store.entries.new_between(issue.since, issue.until) if self._settings.summary.url else ()
        own_times = store.subscribers.own_times(issue.cadence, schedule.cadence)
        return Plan(
            issue=issue,
            masthead=self._settings.masthead,
            templates=templates,
            missing=self._missing(),
            planned=now,
            expires=now + schedule.expire_after,
            cadence_default=schedule.cadence,
            own_times={own: own_due(issue.cadence, self.slot(*own), now) for own in own_times},
            trends=self._trends(now),
            tldrs=self._tldrs(pool),
            spread=schedule.spread,
        )

    def plan_slot(self, cadence: Cadence) -> list[str]:
        """Plan the issue of the last slot if nobody did and the store was in use by then. Returns what was done."""
        moment = last_slot(cadence, self.slot(), self._now())
        key = issue_key(cadence, moment, self._settings.schedule.timezone)
        known = {issue.key for issue in self._store.issues.listed()}
        if key in known or moment < self._store.installed(self._now()):
            return []
        _, tally, new = self.plan(cadence, key)
        return [f"planned {key} for {tally.planned}"] if new else []

    def drafted(self, generous: bool = False) -> Frozen:
        """The issue that would be planned now, from today's pool and templates.

        `generous`: where nothing is new since the last issue, the pool reaches one period back.
        """
        now, cadence = self._now(), self._settings.schedule.cadence
        since = window(cadence, now, self._store.issues.latest_until(cadence))
        entries = self._store.entries.new_between(since, now)
        if generous and not entries:
            since = window(cadence, now, None)
            entries = self._store.entries.new_between(since, now)
        rises, tldrs = self._trends(now), self._tldrs(entries)
        issue = Issue(self._next_key(cadence, now), cadence, since, now)
        pool = tuple(ready(entry, rises, tldrs) for entry in entries)
        return Frozen(issue, self._settings.masthead, self.templates(), self._missing(), pool)

    def templates(self) -> dict[str, str]:
        """Today's templates of the mail, with what they need of the configuration."""
        from newsletter.renderer import wanted_templates

        return wanted_templates(self._settings, "weekly")

    def languages(self) -> dict[str, str]:
        """The languages that a mail can be in: BCP 47 tag → its name in itself."""
        catalogues = catalogues_of(self.templates())
        return {language: catalogues.messages(language).name for language in catalogues.languages}

    def slot(self, weekday: int | None = None, hour: int | None = None, zone: str | None = None) -> Slot:
        """When mails go out: as the newsletter says, but for what a reader says."""
        schedule = self._settings.schedule
        return Slot(
            schedule.weekday if weekday is None else weekday,
            schedule.hour if hour is None else hour,
            zone or schedule.timezone,
        )

    def _next_key(self, cadence: Cadence, now: datetime) -> str:
        """Of the issue of this period; where that is planned already, of the next one."""
        zone, known = self._settings.schedule.timezone, {issue.key for issue in self._store.issues.listed()}
        key = issue_key(cadence, now, zone)
        return key if key not in known else issue_key(cadence, next_slot(cadence, self.slot(), now), zone)

    def _missing(self) -> tuple[str, ...]:
        """Sources that were not all there when they were last tried, in words for the readers."""
        health = self._collection.health()
        return tuple(f"{each.source}{_MISSING[each.state]}" for each in health if each.state in _MISSING)

    def _tldrs(self, pool: Iterable[Entry]) -> dict[str, str] | None:
        """Entry id → a TL;DR out of the abstract, for papers that have none; None where summaries are not wanted."""
        if not self._settings.summary.url:
            return None
        return {entry.id: extract(entry.title, entry.abstract) for entry in pool if not entry.tldr}

    def _trends(self, now: datetime) -> dict[str, float]:
        """Entry id → trend, among all papers whose counts were seen lately."""
        taken, known = self._store.entries.snapshots(now - COUNTS_KEPT)
        counts: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for shot in taken:
            for signal in ("votes", "comments", "stars"):
                value = getattr(shot, signal)
                if value is not None:
                    mine = counts.setdefault(shot.entry, {})
                    mine.setdefault(f"{shot.source}/{signal}", []).append((shot.day, value))
        papers = [
            Counted(key, field_of(known[key][0].topics), max(0, (now - _born(*known[key])).days), mine)
            for key, mine in counts.items()
        ]
        return trends(papers, day_of(now))


def _born(entry: Entry, first_seen: datetime) -> datetime:
    return min(entry.published or first_seen, first_seen)
