"""Days, keys and moments; and every reader of the world gets every issue, once, and in time."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from examples import FULL
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from newsletter.schedule import (
    EARLIEST,
    Slot,
    day_planned_by_hand,
    due_moment,
    is_zone,
    issue_day,
    issue_key,
    latest_issue_day,
    local_minute,
    next_issue_day,
    planning_moment,
    second_key,
    shown_day,
    window,
)
from newsletter.testing import NOON, WEEK_12
from newsletter.types import Cadence, Issue, OwnTime

MONDAY = date(2025, 3, 17)
MONDAY_8 = Slot(0, 8, "Europe/Berlin")
DAY = timedelta(days=1)
ZONES = sorted(available_timezones())
LATEST = {Cadence.DAILY: DAY, Cadence.WEEKLY: 7 * DAY, Cadence.MONTHLY: DAY}
cadences = st.sampled_from(list(Cadence))
days = st.dates(date(2025, 1, 1), date(2026, 12, 31))
slots = st.builds(Slot, st.integers(0, 6), st.integers(0, 23), st.sampled_from(ZONES))
own_times = st.builds(
    OwnTime, st.none() | st.integers(0, 6), st.none() | st.integers(0, 23), st.none() | st.sampled_from(ZONES)
)


@pytest.mark.parametrize(
    ("cadence", "key"), [(Cadence.WEEKLY, "2025-W12"), (Cadence.DAILY, "2025-03-17"), (Cadence.MONTHLY, "2025-03")]
)
def test_a_key_names_the_period(cadence: Cadence, key: str) -> None:
    assert issue_key(cadence, MONDAY) == key


def test_the_first_days_of_a_year_may_be_of_the_last_ones_week() -> None:
    assert issue_key(Cadence.WEEKLY, date(2027, 1, 1)) == "2026-W53"
    assert second_key(Cadence.WEEKLY, date(2027, 1, 1)) == "2026-W53-5"


@given(cadences, st.integers(0, 6), days)
def test_each_day_has_one_latest_issue_and_one_next(cadence: Cadence, weekday: int, day: date) -> None:
    last, following = issue_day(cadence, weekday, day), next_issue_day(cadence, weekday, day)

    assert last <= day < following
    assert next_issue_day(cadence, weekday, last) == following
    assert issue_key(cadence, last) != issue_key(cadence, following)


@given(cadences, slots, days, own_times)
def test_nobody_gets_an_issue_before_its_date_or_too_late_by_their_own_calendar(
    cadence: Cadence, slot: Slot, day: date, own: OwnTime
) -> None:
    due = due_moment(cadence, day, slot, own)
    local = due.astimezone(ZoneInfo(own.timezone or slot.timezone))

    assert day <= local.date() < day + LATEST[cadence]
    assert due == due.replace(minute=due.minute, second=0, microsecond=0)
    if own.weekday is not None and cadence is Cadence.WEEKLY:
        assert local.weekday() == own.weekday


@given(cadences, slots, days, own_times)
@tries(max_examples=max(300, FULL))
def test_a_reader_gets_every_issue_once_and_in_order(cadence: Cadence, slot: Slot, day: date, own: OwnTime) -> None:
    """Over three issues on end, wherever a change of the clock falls."""
    issue_days = [issue_day(cadence, slot.weekday, day)]
    for _ in range(2):
        issue_days.append(next_issue_day(cadence, slot.weekday, issue_days[-1]))
    moments = [due_moment(cadence, issue_day, slot, own) for issue_day in issue_days]

    for (first, second), (earlier, later) in zip(pairwise(moments), pairwise(issue_days), strict=True):
        assert abs((second - first) - (later - earlier)) <= timedelta(hours=2)


@pytest.mark.parametrize("zone", ZONES)
def test_in_every_time_zone_two_years_of_weeks_and_days_come_in_time(zone: str) -> None:
    """All zones that there are; every day of two years, at an hour that changes with it."""
    slot, there = MONDAY_8, ZoneInfo(zone)
    for number in range(731):
        day = date(2025, 1, 1) + number * DAY
        own = OwnTime(number % 7, number % 24, zone)
        daily = due_moment(Cadence.DAILY, day, slot, own).astimezone(there)
        monday = issue_day(Cadence.WEEKLY, slot.weekday, day)
        weekly = due_moment(Cadence.WEEKLY, monday, slot, own).astimezone(there)
        assert daily.date() == day
        assert monday <= weekly.date() < monday + 7 * DAY
        assert weekly.weekday() == number % 7


@given(cadences, slots, days, st.lists(own_times, max_size=4))
def test_an_issue_is_planned_when_its_first_readers_moment_comes(
    cadence: Cadence, slot: Slot, day: date, owns: list[OwnTime]
) -> None:
    planned = planning_moment(cadence, day, slot, owns)

    assert planned <= min(due_moment(cadence, day, slot, own) for own in (OwnTime(), *owns))
    assert planned >= datetime(day.year, day.month, day.day, tzinfo=UTC) - EARLIEST
    assert latest_issue_day(cadence, slot.weekday, planned) >= issue_day(cadence, slot.weekday, day)


@pytest.mark.parametrize(
    ("own", "due"),
    [
        (OwnTime(), "2025-03-17 07:00"),
        (OwnTime(weekday=0), "2025-03-17 07:00"),  # the newsletter's own day is no reason to wait
        (OwnTime(timezone="Asia/Tokyo"), "2025-03-16 23:00"),
        (OwnTime(hour=7, timezone="Asia/Tokyo"), "2025-03-16 22:00"),
        (OwnTime(hour=23, timezone="Pacific/Honolulu"), "2025-03-18 09:00"),
        (OwnTime(weekday=6, hour=8), "2025-03-23 07:00"),
        (OwnTime(weekday=4, hour=18, timezone="America/New_York"), "2025-03-21 22:00"),
        (OwnTime(timezone="Asia/Kolkata"), "2025-03-17 02:30"),
    ],
)
def test_a_readers_moment_is_their_hour_on_that_date_or_on_their_next_weekday(own: OwnTime, due: str) -> None:
    assert f"{due_moment(Cadence.WEEKLY, MONDAY, MONDAY_8, own):%Y-%m-%d %H:%M}" == due


def test_the_hour_stays_local_when_the_clock_changes() -> None:
    winter, summer = date(2025, 3, 24), date(2025, 3, 31)

    assert [due_moment(Cadence.WEEKLY, day, MONDAY_8).hour for day in (winter, summer)] == [7, 6]


def test_an_hour_that_is_skipped_is_taken_a_little_later_and_one_that_comes_twice_the_first_time() -> None:
    spring, autumn = (
        due_moment(Cadence.DAILY, day, Slot(0, 2, "Europe/Berlin")) for day in (date(2025, 3, 30), date(2025, 10, 26))
    )

    assert (spring.hour, autumn.hour) == (1, 0)  # 03:00 and 02:00 of summer time
    assert spring.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2025, 3, 30)


def test_an_issue_by_hand_is_of_its_weeks_day_or_of_today_where_that_is_to_come() -> None:
    wednesday, friday = MONDAY + 2 * DAY, 4

    assert day_planned_by_hand(Cadence.WEEKLY, 0, wednesday) == MONDAY
    assert day_planned_by_hand(Cadence.WEEKLY, friday, wednesday) == wednesday
    assert day_planned_by_hand(Cadence.MONTHLY, 0, wednesday) == date(2025, 3, 1)


def test_an_issue_that_was_planned_the_evening_before_shows_its_own_date() -> None:
    early = Issue("2025-W12", Cadence.WEEKLY, NOON - 7 * DAY, NOON - DAY, day=MONDAY)

    assert shown_day(early, "UTC") == MONDAY
    assert shown_day(WEEK_12, "Pacific/Kiritimati") == MONDAY + DAY


def test_a_pool_begins_where_the_last_one_ended() -> None:
    last = NOON - timedelta(days=6)

    assert window(Cadence.WEEKLY, NOON, last) == last
    assert window(Cadence.WEEKLY, NOON, None) == NOON - timedelta(days=7)


def test_after_a_long_silence_the_pool_reaches_two_periods_back_at_most() -> None:
    assert window(Cadence.WEEKLY, NOON, NOON - timedelta(days=300)) == NOON - timedelta(days=14)


def test_a_moment_is_told_in_the_newsletters_zone() -> None:
    assert local_minute(NOON, "Asia/Tokyo") == "Monday 2025-03-17 21:00 Asia/Tokyo"


@pytest.mark.parametrize(
    ("name", "known"), [("Europe/Berlin", True), ("Nowhere/Atlantis", False), ("Europe", False), ("", False)]
)
def test_a_zone_is_known_or_not(name: str, known: bool) -> None:
    assert is_zone(name) is known
