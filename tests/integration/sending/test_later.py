"""The ledger, where what is due cannot go now: sent away, handed back, paused, spread."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from newsletter.config import Settings
from newsletter.services.claiming import claim_due
from newsletter.services.group_commit import GroupCommit
from newsletter.store import Claim, Later, Plan, Store
from newsletter.testing import NOON, WEEK_12, make_subscriber
from newsletter.types import Cadence, DomainTally, Outcome, Status

WEEK = "2025-W12"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def planned(
    store: Store, addresses: Iterable[str], due: Callable[..., datetime] = lambda *own: NOON, **changes: object
) -> None:
    people = [replace(make_subscriber(number=0), email=address) for address in addresses]
    store.subscribers.put_all(people, "test", NOON)
    masthead, days = Settings().masthead, timedelta(days=3)
    own_times = {own: due(*own) for own in store.subscribers.own_times(Cadence.WEEKLY, Cadence.WEEKLY)}
    plan = Plan(WEEK_12, masthead, {}, (), NOON, NOON, days, Cadence.WEEKLY, own_times)
    store.issues.plan(replace(plan, **changes))  # type: ignore[arg-type]


def readers(domain: str, number: int) -> list[str]:
    return [f"r{place}@{domain}" for place in range(number)]


def settled(store: Store, claims: Iterable[Claim], outcome: Outcome, **more: object) -> None:
    store.ledger.write([], [replace(each, delivery=replace(each.delivery, outcome=outcome, **more)) for each in claims])  # type: ignore[arg-type]


def slow(address: str) -> Later | None:
    return Later(MINUTE) if address.endswith("@slow.example") else None


def test_what_cannot_go_now_is_due_later_and_was_not_tried(store: Store) -> None:
    planned(store, [*readers("slow.example", 3), *readers("quick.example", 2)])
    sender = store.ledger.enroll(NOON + HOUR)

    claims = claim_due(store.ledger, WEEK, sender, NOON, 10, slow)

    assert [claim.delivery.subscriber for claim in claims] == [4, 5]
    assert claim_due(store.ledger, WEEK, sender, NOON, 10, slow) == []
    assert store.ledger.next_due(WEEK) == store.ledger.comes_back(WEEK) == NOON + MINUTE
    later = claim_due(store.ledger, WEEK, sender, NOON + MINUTE, 10)
    assert [(claim.delivery.subscriber, claim.delivery.attempts) for claim in later] == [(1, 0), (2, 0), (3, 0)]


def test_a_block_of_nothing_else_is_looked_beyond(store: Store) -> None:
    planned(store, [*readers("slow.example", 30), *readers("quick.example", 2)])

    claims = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 5, slow)

    assert [claim.delivery.subscriber for claim in claims] == [31, 32]


def test_what_is_sent_away_for_a_moment_does_not_come_back_in_the_same_second(store: Store) -> None:
    planned(store, readers("quick.example", 3))
    now = NOON + timedelta(seconds=0.2)

    assert claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), now, 10, lambda _: Later(timedelta(0))) == []
    assert store.ledger.next_due(WEEK) == NOON + timedelta(seconds=1)


def test_nothing_is_due_later_than_it_expires(store: Store) -> None:
    planned(store, ["ada@slow.example"], expire_after=timedelta(seconds=30))
    claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 5, slow)

    assert store.ledger.next_due(WEEK) == NOON + timedelta(seconds=30)
    assert claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON + timedelta(seconds=30), 5, slow) == []
    assert store.ledger.expire(WEEK, NOON + timedelta(seconds=30)) == 1


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_handed_back_is_due_later_for_anybody(store: Store, kept: bool) -> None:
    planned(store, readers("slow.example", 3))
    sender = store.ledger.enroll(NOON + HOUR)
    claims = claim_due(store.ledger, WEEK, sender, NOON, 10)
    store.ledger.write(claims[:1], [])

    store.ledger.hand_back(claims, Later(MINUTE, kept), NOON)

    assert store.ledger.comes_back(WEEK) == (NOON + MINUTE if kept else None)
    other = store.ledger.enroll(NOON + HOUR)
    assert [each.delivery.subscriber for each in claim_due(store.ledger, WEEK, other, NOON + MINUTE, 10)] == [2, 3]
    assert store.ledger.write(claims[1:], []) == [Outcome.PLANNED, Outcome.PLANNED]


def test_what_is_deferred_is_nobodys_to_wait_for(store: Store) -> None:
    planned(store, ["ada@quick.example"])
    claims = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 10)
    settled(store, claims, Outcome.DEFERRED, due=NOON + MINUTE, attempts=1)

    assert store.ledger.comes_back(WEEK) is None
    assert store.ledger.next_due(WEEK) == NOON + MINUTE


def test_what_was_begun_and_certainly_not_sent_may_begin_again(store: Store) -> None:
    planned(store, ["ada@quick.example"])
    claims = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 10)
    store.ledger.write(claims, [])
    assert store.ledger.write(claims, []) == [Outcome.PLANNED]

    store.ledger.write([], claims)

    assert store.ledger.write(claims, []) == [Outcome.SENDING]


async def test_a_begin_that_was_given_up_leaves_nobody_in_doubt(store: Store) -> None:
    planned(store, ["ada@quick.example"])
    [claim] = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 1)
    commit = GroupCommit(store)
    commit.begin(claim).cancel()

    await commit.settle(claim)

    assert store.ledger.write([claim], []) == [Outcome.SENDING]


async def test_who_holds_the_lock_does_not_hold_the_event_loop(store: Store) -> None:
    planned(store, readers("quick.example", 2))
    first, second = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 2)
    commit = GroupCommit(store)
    await commit.begin(first)  # it was quick: the next one would be written in the loop's own thread

    with store.database.write():
        waiting = commit.begin(second)
        await asyncio.sleep(0.1)
        assert not waiting.done()

    assert await waiting is Outcome.SENDING


def test_the_first_that_waits_to_expire_is_known_until_it_is_settled(store: Store) -> None:
    planned(store, readers("quick.example", 2), expire_after=MINUTE)
    claims = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 2)
    settled(store, claims[:1], Outcome.ACCEPTED)
    assert store.ledger.first_expiry(WEEK) == NOON + MINUTE

    settled(store, claims[1:], Outcome.ACCEPTED)

    assert store.ledger.first_expiry(WEEK) is None


def test_a_domain_is_paused_until_then_and_the_later_word_counts(store: Store) -> None:
    planned(store, [])
    store.ledger.pause_domain(WEEK, "slow.example", NOON + MINUTE, "first")
    store.ledger.pause_domain(WEEK, "slow.example", NOON + HOUR, "second")

    assert store.ledger.pauses(WEEK, NOON) == {"slow.example": (NOON + HOUR, "second")}
    assert store.ledger.pauses(WEEK, NOON + HOUR) == {}


def test_a_paused_issue_is_not_the_schedules_until_it_is_resumed(store: Store) -> None:
    planned(store, ["ada@quick.example"])
    store.issues.pause_issue(WEEK, "the server refuses the sender")
    store.ledger.pause_domain(WEEK, "slow.example", NOON + HOUR, "no")

    assert store.issues.open_ones() == []
    assert store.ledger.tally(WEEK).paused == store.issues.paused(WEEK) == "the server refuses the sender"

    store.issues.resume(WEEK, excused=3)

    assert [issue.key for issue in store.issues.open_ones()] == [WEEK]
    assert (store.issues.paused(WEEK), store.issues.excused(WEEK), store.ledger.pauses(WEEK, NOON)) == ("", 3, {})


def test_complaints_are_those_of_who_was_sent_the_issue(store: Store) -> None:
    planned(store, readers("quick.example", 4))
    claims = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 3)
    settled(store, claims, Outcome.ACCEPTED)
    for number in (1, 4):
        store.subscribers.set_status(number, Status.COMPLAINED, NOON)

    assert store.ledger.complaints(WEEK) == 1


def test_an_issue_is_counted_by_domain(store: Store) -> None:
    planned(store, [*readers("slow.example", 4), *readers("Quick.example", 3)])
    claims = claim_due(store.ledger, WEEK, store.ledger.enroll(NOON + HOUR), NOON, 6)
    settled(store, claims[:1], Outcome.ACCEPTED, due=NOON - HOUR)
    settled(store, claims[1:2], Outcome.DEFERRED, detail="451 later")
    settled(store, claims[4:], Outcome.ACCEPTED, due=NOON)
    store.subscribers.erase(7)

    assert store.domains.tallied(WEEK, NOON - MINUTE) == [
        DomainTally("slow.example", 3, 1, 1, 0, None),
        DomainTally("", 0, 0, 0, 0, None),
        DomainTally("quick.example", 0, 2, 0, 2, NOON),
    ]
    assert store.domains.reasons(WEEK) == [("slow.example", "451 later", 1)]


# spread


def dues(store: Store) -> list[int]:
    """Seconds after NOON, by subscriber."""
    sender = store.ledger.enroll(NOON + HOUR)
    claims = claim_due(store.ledger, WEEK, sender, NOON + timedelta(days=2), 10_000)
    by_person = sorted((each.delivery.subscriber, each.delivery.due) for each in claims)
    return [int((due - NOON).total_seconds()) for _, due in by_person]


def test_an_issue_is_spread_evenly_and_each_reader_keeps_a_share(store: Store) -> None:
    planned(store, readers("quick.example", 3000), spread=HOUR)

    found = dues(store)

    assert 0 <= min(found) < 10
    assert 3590 <= max(found) < 3600
    for start in range(0, 3600, 360):
        assert 270 <= sum(start <= due < start + 360 for due in found) <= 330
        assert 24 <= sum(start <= due < start + 360 for due in found[:300]) <= 36  # any part of the audience


def test_a_spread_comes_on_top_of_ones_own_hour_and_moves_the_end_too(store: Store) -> None:
    store.subscribers.add(make_subscriber("Ada", 0, hour=18), "test", NOON)
    planned(store, [], spread=HOUR, due=lambda *own: NOON + 6 * HOUR, expire_after=HOUR)

    due = store.ledger.next_due(WEEK)

    assert due is not None
    assert NOON + 6 * HOUR <= due < NOON + 7 * HOUR
    assert store.ledger.expire(WEEK, due) == 0


def test_without_a_spread_all_are_due_at_once(store: Store) -> None:
    planned(store, readers("quick.example", 50))

    assert dues(store) == [0] * 50
