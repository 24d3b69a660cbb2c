"""Planning: an issue is frozen (pool, templates, audience); and the draft of the next one, as of now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta

from newsletter.collector.extractive_summary import extract
from newsletter.collector.trend import Counted, field_of, trends
from newsletter.errors import InputError, StoreBusy, TemplateError
from newsletter.i18n import catalogues_of
from newsletter.schedule import KEY, PERIODS, day_planned_by_hand, issue_key, local_minute, second_key, window
from newsletter.services.collection import Collecting
from newsletter.services.context import Context
from newsletter.services.issue_calendar import LATE, NEAR, IssueCalendar, OwedIssue
from newsletter.services.vectors import EntryVectors
from newsletter.store import UNSENT, Frozen, Plan, PlanOutdated, day_of, left_out, ready
from newsletter.types import NOTHING_NEW, Cadence, Entry, Issue, IssueState, OwnTime, SourceState, Tally

logger = logging.getLogger("newsletter")

TRIES = 100  #: to plan with what nobody changes meanwhile
JOIN_WITHIN = timedelta(hours=12)  #: of the newsletter's own moment, where nobody was there to look at it
COUNTS_KEPT = timedelta(days=21)  #: votes, comments and stars older than this say nothing of a trend
_MISSING = {
    SourceState.FAILING: "",
    SourceState.STALE: NOTHING_NEW,
    SourceState.PARTIAL: " (in part)",
}


class Planning:
    """Freezes issues."""

    def __init__(
        self, context: Context, calendar: IssueCalendar, collection: Collecting, vectors: EntryVectors
    ) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._calendar = calendar
        self._collection = collection
        self._vectors = vectors

    def plan(
        self, cadence: Cadence | None = None, key: str = "", until: datetime | None = None, draft: bool = False
    ) -> tuple[Issue, Tally, bool]:
        """Freeze an issue by hand; (issue, its accounting, whether it is new). Planning twice adds nobody twice.

        It is due at once for who has no time of their own. A pool cannot end later than now. `draft`: the schedule does
        not send it before it is approved.
        """
        cadence, now = cadence or self._settings.schedule.cadence, self._now()
        until = min(until or now, now)
        today = self._calendar.day_of(until)
        key = key or issue_key(cadence, today)
        if not KEY.fullmatch(key):
            raise InputError(f"{key!r}: the key of an issue is up to 64 letters, digits, dots and dashes")
        day = day_planned_by_hand(cadence, self._settings.schedule.weekday, today)
        return self._plan(self._issue(key, cadence, day, until, draft), now)

    def plan_again(self, key: str) -> tuple[Issue, Tally]:
        """Freeze anew, as a draft, an issue that nobody got: today's pool, templates and readers.

        Raises UnknownIssue, and InputError where somebody got it.
        """
        known, now = self._store.issues.get(key), self._now()
        day = known.day or self._calendar.day_of(now)
        issue, tally, _ = self._plan(self._issue(key, known.cadence, day, now, draft=True), now, again=True)
        return issue, tally

    def plan_owed(self, owed: OwedIssue) -> list[str]:
        """Freeze the issue that the calendar says is owed. Returns what was done."""
        now = self._now()
        missed = self._missed(owed.cadence, now)
        issue, tally, new = self._plan(self._issue(owed.key, owed.cadence, owed.day, now, missed=missed), owed.due)
        if not new:
            return []
        for older in missed:
            self._store.waiting.give_up(older.key, issue.key, now, PERIODS[owed.cadence] / NEAR)
        papers = self._store.issues.papers(issue.key)
        was_due = local_minute(owed.due, self._settings.schedule.timezone)
        late = f"; it was due on {was_due}" if now > owed.due + LATE else ""
        return [f"planned {issue.key} for {tally.planned} readers, {papers} papers{late}"]

    def left_out(self, issue: Issue) -> str:
        """One line where there were too many papers for its pool; "" where there were not."""
        news, _ = self._store.entries.counted(issue.since, issue.until)
        return left_out(news, self._settings.collect.papers_per_issue)

    def complete(self, cadence: Cadence, issues: Iterable[Issue]) -> list[str]:
        """Plan the latest issue, once, for who subscribed between its first reader's moment and the newsletter's own.

        `issues`: all that there are, newest first. Returns what was done.
        """
        of_cadence = (issue for issue in issues if issue.cadence is cadence)
        issue = next((issue for issue in of_cadence if issue.state not in UNSENT and _of_schedule(issue)), None)
        if issue is None:
            return []
        due, note = self._calendar.due(cadence, issue.day or issue.until.date()), f"complete {cadence}"
        if not issue.until < due <= self._now() < due + JOIN_WITHIN or self._store.noted(note) == issue.key:
            return []
        joined = self._again(lambda: self._store.issues.add_readers(self._plan_of(issue, {}, due)))
        self._store.note(note, issue.key)
        return [f"{issue.key}: {joined} more readers"] if joined else []

    def _missed(self, cadence: Cadence, now: datetime) -> tuple[Issue, ...]:
        """Issues of this cadence that somebody should have got, and nobody was there to send.

        Who gets the next issue soon does not get them too; that one has their papers again.
        """
        going = (issue for issue in self._store.issues.open_ones() if issue.cadence is cadence)
        return tuple(issue for issue in going if self._store.waiting.missed(issue.key, now))

    def cancel(self, key: str) -> None:
        """Take an issue back that nobody got: its papers are free again. Raises UnknownIssue, InputError.

        The schedule does not plan it anew. A draft is as if it had never been, unless its own moment has passed: the
        schedule would send the issue at once, to make up for it.
        """
        issue = self._store.issues.get(key)
        passed = self._calendar.due(issue.cadence, issue.day or issue.until.date()) <= self._now()
        self._store.issues.cancel(key, keep=issue.state is not IssueState.DRAFT or (passed and _of_schedule(issue)))
        logger.info("cancelled", extra={"issue": key})

    def approve(self, key: str) -> bool:
        """Let the schedule send a draft; False where it was none. Raises UnknownIssue."""
        expires = self._now() + self._settings.schedule.expire_after
        approved = self._store.issues.approve(self._store.issues.get(key).key, expires)
        logger.info("approved", extra={"issue": key})
        return approved

    def _issue(
        self,
        key: str,
        cadence: Cadence,
        day: date,
        until: datetime,
        draft: bool = False,
        missed: Iterable[Issue] = (),
    ) -> Issue:
        """`missed`: issues whose papers it has again."""
        since = window(cadence, until, self._store.issues.latest_until(cadence, until, but=key))
        since = min((since, *(older.since for older in missed)))
        return Issue(key, cadence, since, until, IssueState.DRAFT if draft else IssueState.PLANNED, day)

    def _plan(self, issue: Issue, due: datetime, again: bool = False) -> tuple[Issue, Tally, bool]:
        """`due`: for who has no time of their own; nobody is due before now."""
        from newsletter.renderer import make_renderer

        templates = self.templates()
        make_renderer(templates, self._settings.masthead)  # a template that cannot be rendered is not frozen
        self._refuse_faults()
        planned = self._freeze(issue, templates, due, again)
        logger.info("planned", extra={"issue": issue.key, "deliveries": planned})
        if limited := self.left_out(issue):
            logger.warning("pool limited", extra={"issue": issue.key, "reason": limited})
        if planned >= 0 and self._settings.selection.model:
            self._vectors.embed_pool(self._store.issues.frozen(issue.key))
        return self._store.issues.get(issue.key), self._store.ledger.tally(issue.key), planned >= 0

    def _refuse_faults(self) -> None:
        """Raise TemplateError where `newsletter lint` finds an error in the newsletter's own templates of the mail."""
        from newsletter.renderer import find_all, load_kind, own_folder

        if not (own := own_folder(self._settings)):
            return
        weekly, confirm, messages = (load_kind(kind, own) for kind in ("weekly", "confirm", "messages"))
        for finding in find_all(weekly, confirm, self._settings.masthead, messages, self._settings.theme):
            if finding.severity == "error" and not finding.file.startswith("confirm/"):
                raise TemplateError(f"{finding.text} (`newsletter lint` finds all)", finding.file, finding.line)

    def _freeze(self, issue: Issue, templates: Mapping[str, str], due: datetime, again: bool) -> int:
        """Write the plan; returns how many deliveries, or -1."""
        return self._again(lambda: self._store.issues.plan(self._plan_of(issue, templates, due), again))

    def _again(self, write: Callable[[], int]) -> int:
        """Write a plan, made again where readers or papers changed meanwhile."""
        for _ in range(TRIES):
            with suppress(PlanOutdated):
                return write()
        raise StoreBusy

    def _plan_of(self, issue: Issue, templates: Mapping[str, str], due: datetime) -> Plan:
        """All that is written of an issue, computed from the store as it is now."""
        schedule, store, now = self._settings.schedule, self._store, self._now()
        most = self._settings.collect.papers_per_issue
        pool = store.entries.new_between(issue.since, issue.until, now, most) if self._settings.summary.url else ()
        return Plan(
            issue=issue,
            masthead=self._settings.masthead,
            templates=templates,
            missing=self._missing(),
            planned=now,
            due=max(due, now),
            expire_after=schedule.expire_after,
            expire_ahead=max(schedule.expire_after, PERIODS[issue.cadence] - PERIODS[issue.cadence] / NEAR),
            cadence_default=schedule.cadence,
            own_times={own: self._due(issue, own, now) for own in self._calendar.own_times(issue.cadence)},
            trends=self._trends(now),
            tldrs=self._tldrs(pool),
            spread=schedule.spread,
            most_papers=most,
        )

    def _due(self, issue: Issue, own: OwnTime, now: datetime) -> datetime:
        """When a reader with a time of their own gets it: what is past is due now."""
        return max(self._calendar.due(issue.cadence, issue.day or self._calendar.day_of(now), own), now)

    def drafted(self, generous: bool = False) -> Frozen:
        """The issue that would be planned now, from today's pool and templates.

        `generous`: where nothing is new since the last issue, the pool reaches one period back.
        """
        now, cadence = self._now(), self._settings.schedule.cadence
        since = window(cadence, now, self._store.issues.latest_until(cadence, now))
        most = self._settings.collect.papers_per_issue
        entries = self._store.entries.new_between(since, now, now, most)
        if generous and not entries:
            since = window(cadence, now, None)
            entries = self._store.entries.new_between(since, now, now, most)
        rises, tldrs = self._trends(now), self._tldrs(entries)
        key, day = self._calendar.next_key(cadence)
        pool = tuple(ready(entry, rises, tldrs) for entry in entries)
        issue = Issue(key, cadence, since, now, day=day)
        return Frozen(issue, self._settings.masthead, self.templates(), self._missing(), pool)

    def templates(self) -> dict[str, str]:
        """Today's templates of the mail, with what they need of the configuration."""
        from newsletter.renderer import wanted_templates

        return wanted_templates(self._settings, "weekly")

    def languages(self) -> dict[str, str]:
        """The languages that a mail can be in: BCP 47 tag → its name in itself."""
        catalogues = catalogues_of(self.templates())
        return {language: catalogues.messages(language).name for language in catalogues.languages}

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


def _of_schedule(issue: Issue) -> bool:
    """Whether its key is that of its day, not one that somebody chose."""
    return issue.day is not None and issue.key in (
        issue_key(issue.cadence, issue.day),
        second_key(issue.cadence, issue.day),
    )


def _born(entry: Entry, first_seen: datetime) -> datetime:
    return min(entry.published or first_seen, first_seen)
