"""Which issue is due for whom, and when. Pure: moments in, moments and keys out.

All hours are local hours: at 08:00 in Berlin it is 08:00 in summer and in winter. An hour that a change of the
clock skips is taken with the offset before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from newsletter.types import Cadence

WINDOWS = {Cadence.DAILY: timedelta(days=1), Cadence.WEEKLY: timedelta(days=7), Cadence.MONTHLY: timedelta(days=31)}

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  #: of an issue


@dataclass(frozen=True, slots=True)
class Slot:
    """The moment in a period when an issue goes out."""

    weekday: int  #: 0 = Monday; weekly only
    hour: int
    timezone: str


def issue_key(cadence: Cadence, moment: datetime, timezone: str) -> str:
    """ "2025-W12" (ISO week), "2025-03-17" or "2025-03", by the calendar of that time zone."""
    day = moment.astimezone(ZoneInfo(timezone)).date()
    year, week, _ = day.isocalendar()
    keys = {Cadence.DAILY: day.isoformat(), Cadence.WEEKLY: f"{year}-W{week:02}", Cadence.MONTHLY: f"{day:%Y-%m}"}
    return keys[cadence]


def last_slot(cadence: Cadence, slot: Slot, now: datetime) -> datetime:
    """The latest send time at or before `now`; monthly issues go out on the first day of the month."""
    day = now.astimezone(ZoneInfo(slot.timezone)).date()
    candidate = _send_day(cadence, slot, day)
    while _at(candidate, slot) > now:
        candidate = _send_day(cadence, slot, candidate - timedelta(days=1))
    return _at(candidate, slot)


def next_slot(cadence: Cadence, slot: Slot, now: datetime) -> datetime:
    """The earliest send time after `now`."""
    day = now.astimezone(ZoneInfo(slot.timezone)).date()
    while (moment := _at(_send_day(cadence, slot, day), slot)) <= now:
        day += timedelta(days=1)
    return moment


def own_due(cadence: Cadence, own: Slot, planned: datetime) -> datetime:
    """When a subscriber with a day, hour or zone of their own gets an issue planned for `planned`: never before."""
    if _at(planned.astimezone(ZoneInfo(own.timezone)).date(), own) == planned:
        return planned
    return next_slot(Cadence.DAILY if cadence is Cadence.MONTHLY else cadence, own, planned)


def window(cadence: Cadence, until: datetime, last: datetime | None) -> datetime:
    """Where the pool begins: at the end of the last issue, or one period back when there was none lately."""
    period = until - WINDOWS[cadence]
    return min(until, max(last, period - WINDOWS[cadence])) if last else period


def _send_day(cadence: Cadence, slot: Slot, day: date) -> date:
    """The latest day at or before `day` on which issues of this cadence go out."""
    if cadence is Cadence.WEEKLY:
        return day - timedelta(days=(day.weekday() - slot.weekday) % 7)
    return day.replace(day=1) if cadence is Cadence.MONTHLY else day


def _at(day: date, slot: Slot) -> datetime:
    return datetime.combine(day, time(slot.hour), ZoneInfo(slot.timezone)).astimezone(UTC)
