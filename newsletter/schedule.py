"""Which issue is due for whom, and when. Pure: days and moments in, moments and keys out.

An issue has a date: of a weekly one, its weekday's; of a daily one, the day; of a monthly one, the first. A reader's
moment is their hour, in their time zone, on that date by their own calendar; of a weekly reader with a weekday of their
own, on the first such day at or after it. Nothing is reckoned from when the issue was planned.

All hours are local hours: at 08:00 in Berlin it is 08:00 in summer and in winter. An hour that a change of the clock
skips is taken with the offset before it, and of one that comes twice the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.types import Cadence, Issue, OwnTime

PERIODS = {Cadence.DAILY: timedelta(days=1), Cadence.WEEKLY: timedelta(days=7), Cadence.MONTHLY: timedelta(days=31)}
DAY = timedelta(days=1)
EARLIEST = timedelta(hours=14)  #: so long before midnight UTC a date begins in Kiritimati, where it begins first

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  #: of an issue


@dataclass(frozen=True, slots=True)
class Slot:
    """The moment in a period when an issue goes out."""

    weekday: int  #: 0 = Monday; weekly only
    hour: int
    timezone: str


NEWSLETTERS = OwnTime()  #: of readers who said nothing


def issue_key(cadence: Cadence, day: date) -> str:
    """Name the period: "2025-W12" (ISO week), "2025-03-17" or "2025-03"."""
    year, week, _ = day.isocalendar()
    keys = {Cadence.DAILY: day.isoformat(), Cadence.WEEKLY: f"{year}-W{week:02}", Cadence.MONTHLY: f"{day:%Y-%m}"}
    return keys[cadence]


def second_key(cadence: Cadence, day: date) -> str:
    """Name the second issue of a period, as where the newsletter's weekday changed: "2025-W12-5" (ISO week date)."""
    return f"{issue_key(cadence, day)}-{day.isoweekday() if cadence is Cadence.WEEKLY else 2}"


def begins(day: date) -> datetime:
    """Return the first moment at which it is that day for anybody in the world."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - EARLIEST


def issue_day(cadence: Cadence, weekday: int, day: date) -> date:
    """Return the latest day at or before `day` of which there is an issue."""
    if cadence is Cadence.WEEKLY:
        return day - timedelta(days=(day.weekday() - weekday) % 7)
    return day.replace(day=1) if cadence is Cadence.MONTHLY else day


def next_issue_day(cadence: Cadence, weekday: int, day: date) -> date:
    """Return the earliest day after `day` of which there is an issue."""
    following = issue_day(cadence, weekday, day + DAY)
    while following <= day:
        following = issue_day(cadence, weekday, following + PERIODS[cadence])
    return following


def latest_issue_day(cadence: Cadence, weekday: int, now: datetime) -> date:
    """Return the latest day of which there is an issue that has begun for anybody in the world."""
    return issue_day(cadence, weekday, (now + EARLIEST).astimezone(UTC).date())


def day_planned_by_hand(cadence: Cadence, weekday: int, today: date) -> date:
    """Date an issue that somebody plans by hand: its period's own day, or today where that is still to come."""
    day = issue_day(cadence, weekday, today)
    return day if issue_key(cadence, day) == issue_key(cadence, today) else today


def due_moment(cadence: Cadence, day: date, slot: Slot, own: OwnTime = NEWSLETTERS) -> datetime:
    """Say when a reader gets the issue of that day: a whole hour of theirs, in UTC."""
    if cadence is Cadence.WEEKLY and own.weekday is not None:
        day += timedelta(days=(own.weekday - day.weekday()) % 7)
    hour = slot.hour if own.hour is None else own.hour
    return datetime.combine(day, time(hour), ZoneInfo(own.timezone or slot.timezone)).astimezone(UTC)


def planning_moment(cadence: Cadence, day: date, slot: Slot, own_times: Iterable[OwnTime] = ()) -> datetime:
    """Say when the issue of that day is planned: when its first reader's moment comes, or the newsletter's own."""
    return min(due_moment(cadence, day, slot, own) for own in (NEWSLETTERS, *own_times))


def window(cadence: Cadence, until: datetime, last: datetime | None) -> datetime:
    """Where the pool begins: at the end of the last issue, or one period back when there was none lately."""
    period = until - PERIODS[cadence]
    return min(until, max(last, period - PERIODS[cadence])) if last else period


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Tell whether this machine's time zone database has it: old names are a package of their own in some systems."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def local_minute(moment: datetime, timezone: str) -> str:
    """Tell a moment to people: "Monday 2025-03-17 08:00 Europe/Berlin"."""
    return f"{moment.astimezone(ZoneInfo(timezone)):%A %Y-%m-%d %H:%M} {timezone}"


def shown_day(issue: Issue, timezone: str) -> date:
    """Return the day that readers see on an issue: its date, or, where it was planned late, the day of that."""
    planned = issue.until.astimezone(ZoneInfo(timezone)).date()
    return max(issue.day or planned, planned)
