from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.schedule import Slot, issue_key, last_slot, next_slot, own_due, window
from newsletter.testing import NOON
from newsletter.types import Cadence

MONDAY_8 = Slot(0, 8, "Europe/Berlin")
moments = st.integers(0, 400_000_000).map(lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
slots = st.builds(
    Slot, st.integers(0, 6), st.integers(0, 23), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])
)


@pytest.mark.parametrize(
    ("cadence", "key"), [(Cadence.WEEKLY, "2025-W12"), (Cadence.DAILY, "2025-03-17"), (Cadence.MONTHLY, "2025-03")]
)
def test_a_key_names_the_period(cadence: Cadence, key: str) -> None:
    assert issue_key(cadence, NOON, "UTC") == key


def test_the_key_follows_the_calendar_of_the_time_zone() -> None:
    late_on_sunday = datetime(2025, 3, 16, 23, 30, tzinfo=UTC)

    assert issue_key(Cadence.WEEKLY, late_on_sunday, "UTC") == "2025-W11"
    assert issue_key(Cadence.WEEKLY, late_on_sunday, "Europe/Berlin") == "2025-W12"


def test_the_hour_stays_local_when_the_clock_changes() -> None:
    winter = next_slot(Cadence.WEEKLY, MONDAY_8, datetime(2025, 3, 20, tzinfo=UTC))
    summer = next_slot(Cadence.WEEKLY, MONDAY_8, winter)

    assert (winter.hour, summer.hour) == (7, 6)


@given(st.sampled_from(list(Cadence)), slots, moments)
def test_the_last_slot_is_before_and_the_next_after_and_none_between(
    cadence: Cadence, slot: Slot, now: datetime
) -> None:
    last, following = last_slot(cadence, slot, now), next_slot(cadence, slot, now)

    assert last <= now < following
    assert next_slot(cadence, slot, last) == following


@given(st.sampled_from(list(Cadence)), slots, moments)
def test_nobody_gets_an_issue_before_it_was_planned_or_a_period_late(
    cadence: Cadence, own: Slot, planned: datetime
) -> None:
    due = own_due(cadence, own, planned)

    assert planned <= due <= planned + timedelta(days=8)


def test_a_pool_begins_where_the_last_one_ended() -> None:
    last = NOON - timedelta(days=6)

    assert window(Cadence.WEEKLY, NOON, last) == last
    assert window(Cadence.WEEKLY, NOON, None) == NOON - timedelta(days=7)


def test_after_a_long_silence_the_pool_reaches_two_periods_back_at_most() -> None:
    assert window(Cadence.WEEKLY, NOON, NOON - timedelta(days=300)) == NOON - timedelta(days=14)
