"""The calendar of issues: which one is owed, when the next is planned, and when each reader gets it."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.schedule import (
    NEWSLETTERS,
    PERIODS,
    Slot,
    begins,
    day_planned_by_hand,
    due_moment,
    is_zone,
    issue_day,
    issue_key,
    latest_issue_day,
    next_issue_day,
    planning_moment,
    second_key,
)
from newsletter.services.context import Context
from newsletter.types import Cadence, Issue, IssueState, OwnTime

logger = logging.getLogger("newsletter")

LATE = timedelta(hours=1)  #: after its moment an issue that is planned was missed
NEAR = 8  #: a missed issue is not caught up with in the last eighth of its period: the next one holds its papers
ASK_AGAIN = timedelta(seconds=20)
SEEN_EVERY = timedelta(minutes=5)
_SEEN = "schedule seen"
_NOTE = "cadences"  #: what the store remembers the calendar by


@dataclass(frozen=True, slots=True)
class OwedIssue:
    """An issue that should be planned now."""

    cadence: Cadence
    day: date
    key: str
    due: datetime  #: for who has no time of their own; past, where it was missed


class IssueCalendar:
    """Tells days and moments, from the schedule, the readers' own times and the issues that there are."""

    def __init__(self, context: Context) -> None:
        self._schedule = context.settings.schedule
        self._store = context.store
        self._now = context.now
        self._asked: dict[Cadence, tuple[datetime, set[OwnTime]]] = {}

    def begin(self) -> list[Cadence]:
        """Note which cadences are in use since when: no issue is owed for the time before. Returns them.

        A cadence that nobody wanted until now, and another weekday, begin now, so that nothing is sent at once that
        was not due; the newsletter's own, and its weekday, when the schedule was last looked at. What is noted for a
        moment that is still to come (the clock was ahead) begins now, too.
        """
        now, known = self._now(), self._noted()
        first, seen = self._store.installed(now), self._seen_before(now)
        if self._store.issues.clamp(now):
            logger.warning("issues were dated later than now: the clock was ahead")
        cadences = sorted(self.cadences())
        beginnings = {cadence: self._beginning(cadence, known, first, seen) for cadence in cadences}
        row = {cadence.value: [self._weekday(cadence), since.isoformat()] for cadence, since in beginnings.items()}
        self._store.note(_NOTE, json.dumps(row))
        return cadences

    def cadences(self) -> set[Cadence]:
        """The newsletter's own cadence, and those of its readers."""
        default = self._schedule.cadence
        return {default, *self._store.subscribers.cadences(default)}

    def slot(self) -> Slot:
        """When issues go out to who has no time of their own."""
        return Slot(self._schedule.weekday, self._schedule.hour, self._schedule.timezone)

    def due(self, cadence: Cadence, day: date, own: OwnTime = NEWSLETTERS) -> datetime:
        """When a reader gets the issue of that day; a zone that this machine does not know is the newsletter's."""
        return due_moment(cadence, day, self.slot(), _known(own))

    def own_times(self, cadence: Cadence) -> set[OwnTime]:
        """The different times of their own that readers of this cadence have."""
        return self._store.subscribers.own_times(cadence, self._schedule.cadence)

    def owed(self, cadence: Cadence, issues: Iterable[Issue] | None = None) -> OwedIssue | None:
        """The issue whose time to be planned has come, that was not, and that is not older than the calendar.

        After a downtime this is the latest one, unless the next is near. None before `begin`. `issues`: all that there
        are, where somebody has just asked for them.
        """
        slot = self._slot_to_plan(cadence)
        if slot is None:
            return None
        day, due, since = slot
        known = self._store.issues.listed() if issues is None else issues
        key = self._free_key(cadence, day, since, known)
        return OwedIssue(cadence, day, key, due) if key else None

    def draft_in_place(self, cadence: Cadence, issues: Iterable[Issue]) -> str:
        """The key of the draft that keeps the issue from being owed whose time to be planned has come; "" for none."""
        slot = self._slot_to_plan(cadence)
        if slot is None:
            return ""
        keys = (issue_key(cadence, slot[0]), second_key(cadence, slot[0]))
        drafts = (issue.key for issue in issues if issue.state is IssueState.DRAFT and issue.day == slot[0])
        return next((key for key in drafts if key in keys), "")

    def _slot_to_plan(self, cadence: Cadence) -> tuple[date, datetime, datetime] | None:
        """(day of the issue whose time to be planned has come, when it is due, since when the cadence is in use)."""
        now, noted = self._now(), self._noted().get(cadence)
        day = self._latest(cadence, now)
        due = self.due(cadence, day)
        return None if noted is None or due < noted[1] or self._is_late(cadence, now, day) else (day, due, noted[1])

    def next_due(self, cadence: Cadence) -> datetime:
        """When the next issue of this cadence that is not planned yet goes out to who has no time of their own."""
        owed, now = self.owed(cadence), self._now()
        if owed:
            return owed.due
        day = self._latest(cadence, now)
        return self.due(cadence, next_issue_day(cadence, self._schedule.weekday, day))

    def next_key(self, cadence: Cadence) -> tuple[str, date]:
        """The key and day that an issue has that is planned now, or the next one's where this period's is planned."""
        known = {issue.key for issue in self._store.issues.listed()}
        today, weekday = self.day_of(self._now()), self._schedule.weekday
        key, day = issue_key(cadence, today), day_planned_by_hand(cadence, weekday, today)
        while key in known:
            day = next_issue_day(cadence, weekday, max(day, today))
            today, key = day, issue_key(cadence, day)
        return key, day

    def day_of(self, moment: datetime) -> date:
        """The day in the newsletter's time zone."""
        return moment.astimezone(ZoneInfo(self._schedule.timezone)).date()

    def unknown_zones(self) -> tuple[str, ...]:
        """Time zones of readers that this machine does not know."""
        zones = {own.timezone for cadence in self.cadences() for own in self.own_times(cadence) if own.timezone}
        return tuple(sorted(zone for zone in zones if not is_zone(zone)))

    def _latest(self, cadence: Cadence, now: datetime) -> date:
        """The day of the latest issue whose time to be planned has come."""
        day = latest_issue_day(cadence, self._schedule.weekday, now)
        while self._planned(cadence, day) > now:
            day = issue_day(cadence, self._schedule.weekday, day - timedelta(days=1))
        return day

    def _own_times_lately(self, cadence: Cadence) -> Collection[OwnTime]:
        """The same, as of a few seconds ago: a schedule asks often, and all readers are looked at."""
        asked, found = self._asked.get(cadence, (None, set[OwnTime]()))
        if asked is None or not timedelta() <= self._now() - asked < ASK_AGAIN:
            found = {_known(own) for own in self.own_times(cadence)}
            self._asked[cadence] = self._now(), found
        return found

    def _planned(self, cadence: Cadence, day: date) -> datetime:
        return planning_moment(cadence, day, self.slot(), self._own_times_lately(cadence))

    def _is_late(self, cadence: Cadence, now: datetime, day: date) -> bool:
        """Whether the issue of that day was missed and the next one is near."""
        coming = self.due(cadence, next_issue_day(cadence, self._schedule.weekday, day))
        return now > self.due(cadence, day) + LATE and coming - now < PERIODS[cadence] / NEAR

    def _free_key(self, cadence: Cadence, day: date, since: datetime, issues: Iterable[Issue]) -> str:
        """The key for the issue of that day; "" where it was planned already.

        An issue that somebody planned by hand and sent takes the place of its period's. A draft of an earlier day does
        not, nor does an issue from before the calendar changed, nor one from before its own day, when the clock was
        ahead: then the day gets a key of its own.
        """
        known = {issue.key: issue for issue in issues}
        key, second = issue_key(cadence, day), second_key(cadence, day)
        if key not in known:
            return key
        other = known[key]
        of_its_day = other.day is None or other.until >= begins(other.day)
        replaces = other.day == day or (other.state is not IssueState.DRAFT and other.until >= since)
        return "" if (replaces and of_its_day) or second in known else second

    def _beginning(
        self, cadence: Cadence, known: Mapping[Cadence, tuple[int, datetime]], first: datetime, seen: datetime
    ) -> datetime:
        """`seen`: when the schedule was looked at before."""
        if not known:
            return first
        now = self._now()
        if cadence not in known:
            return seen if cadence is self._schedule.cadence else now
        weekday, since = known[cadence]
        return now if since > now else since if weekday == self._weekday(cadence) else seen

    def _seen_before(self, now: datetime) -> datetime:
        """When the schedule was looked at before, an hour ago at most; noted every few minutes."""
        noted = self._store.noted(_SEEN)
        before = datetime.fromisoformat(noted) if noted else now
        if not noted or not timedelta() <= now - before < SEEN_EVERY:
            self._store.note(_SEEN, now.isoformat())
        return max(before, now - LATE) if before <= now else now

    def _weekday(self, cadence: Cadence) -> int:
        return self._schedule.weekday if cadence is Cadence.WEEKLY else 0

    def _noted(self) -> dict[Cadence, tuple[int, datetime]]:
        """Cadence → (weekday, in use since)."""
        row = json.loads(self._store.noted(_NOTE) or "{}")
        return {Cadence(name): (weekday, datetime.fromisoformat(since)) for name, (weekday, since) in row.items()}


def _known(own: OwnTime) -> OwnTime:
    """The same time in the newsletter's zone, where this machine does not know the reader's."""
    return own if own.timezone is None or is_zone(own.timezone) else own._replace(timezone=None)
