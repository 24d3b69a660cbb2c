"""What believed reports make of a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.bounces import Effect
from newsletter.bounces.policy import counted, status_after
from newsletter.testing import NOON
from newsletter.types import Bounce, Status

MONTH = timedelta(days=30)
SOFT = Bounce("r", 1, "2025-W12", "filtered", hard=False, counts=True, at=NOON)


@pytest.mark.parametrize("status", [Status.PENDING, Status.ACTIVE, Status.PAUSED])
def test_a_hard_bounce_ends_a_subscription_at_once(status: Status) -> None:
    assert status_after(Effect.BOUNCES, status, 0, 3) is Status.BOUNCED


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED])
def test_a_bounce_changes_nobody_who_left(status: Status) -> None:
    assert status_after(Effect.BOUNCES, status, 9, 3) is None


@pytest.mark.parametrize("status", sorted({*Status} - {Status.COMPLAINED}))
def test_a_complaint_is_the_last_word_whatever_the_status(status: Status) -> None:
    assert status_after(Effect.COMPLAINS, status, 0, 3) is Status.COMPLAINED
    assert status_after(Effect.COMPLAINS, Status.COMPLAINED, 0, 3) is None


def test_soft_bounces_end_a_subscription_when_there_are_enough() -> None:
    assert status_after(Effect.COUNTS, Status.ACTIVE, 2, 3) is None
    assert status_after(Effect.COUNTS, Status.ACTIVE, 3, 3) is Status.BOUNCED
    assert status_after(Effect.NOTHING, Status.ACTIVE, 99, 3) is None


def test_soft_bounces_count_once_an_issue_and_only_for_a_while() -> None:
    last = replace(SOFT, issue="2025-W11", at=NOON - timedelta(days=7))
    old = replace(SOFT, issue="2025-W02", at=NOON - timedelta(days=70))

    assert counted(SOFT, [], MONTH) == 1
    assert counted(SOFT, [replace(SOFT, report="again")], MONTH) == 1
    assert counted(SOFT, [last, old], MONTH) == 2


def test_where_no_issue_is_known_a_day_counts_once() -> None:
    plain = replace(SOFT, issue="")
    same_day, day_before = replace(plain, at=NOON - timedelta(hours=2)), replace(plain, at=NOON - timedelta(days=1))

    assert counted(plain, [same_day, day_before], MONTH) == 2


def test_full_mailboxes_and_policies_do_not_count() -> None:
    full = replace(SOFT, reason="mailboxfull", counts=False, issue="2025-W11", at=NOON - timedelta(days=7))

    assert counted(SOFT, [full], MONTH) == 1


def test_what_led_to_an_end_before_is_forgotten_once_the_person_came_back() -> None:
    ended = replace(SOFT, issue="2025-W11", at=NOON - timedelta(days=7), status=Status.BOUNCED)
    earlier = replace(SOFT, issue="2025-W10", at=NOON - timedelta(days=14))

    assert counted(SOFT, [ended, earlier], MONTH) == 1
