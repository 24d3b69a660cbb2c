"""When to stop trying everybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import Deferred, DeliveryError, HostDown, Refused, Uncertain
from newsletter.sender.circuit_breaker import (
    Breaker,
    PolicyRefusal,
    Trip,
    policy_refusal,
    too_many_complaints,
)
from newsletter.sender.tuning import BreakerTuning

TUNING = BreakerTuning()
DOMAIN = TUNING.domain_refusals_in_a_row
DOMAINS = TUNING.paused_domains
SENDER = TUNING.sender_refusals_in_a_row
BLOCKED = Refused("550 5.7.1 blocked", 550, "5.7.1", "rcpt")
LIMITED = Deferred("421 4.7.28 slow down", 450, "4.7.28", "rcpt")
UNKNOWN = Refused("550 5.1.1 unknown", 550, "5.1.1", "rcpt")
NOT_OURS = HostDown("553 sender not allowed", 553, "", "mail")


def trips(breaker: Breaker, domain: str, error: DeliveryError, times: int) -> list[Trip]:
    return [trip for _ in range(times) if (trip := breaker.record(domain, error))]


@pytest.mark.parametrize(
    ("error", "about"),
    [
        (BLOCKED, PolicyRefusal.MAIL),
        (Refused("554 spam", 554, "", "dot"), PolicyRefusal.MAIL),
        (Refused("552 5.3.4 too big", 552, "5.3.4", "data"), PolicyRefusal.MAIL),
        (Refused("550 5.7.26 not authenticated", 550, "5.7.26", "dot"), PolicyRefusal.MAIL),
        (Refused("550 relay not permitted", 550, "", "rcpt"), PolicyRefusal.MAIL),
        (Refused("550 a@b.example: Relaying denied", 550, "", "rcpt"), PolicyRefusal.MAIL),
        (Refused("530 Authentication required", 530, "", "rcpt"), PolicyRefusal.SENDER),
        (Refused("550 authentication is required for relay", 550, "", "rcpt"), PolicyRefusal.SENDER),
        (Refused("503 5.5.4 send AUTH first", 503, "5.5.4", "rcpt"), PolicyRefusal.MAIL),
        (Refused("550 5.1.1 unknown in relay recipient table", 550, "5.1.1", "rcpt"), None),
        (LIMITED, PolicyRefusal.PACE),
        (NOT_OURS, PolicyRefusal.SENDER),
        (UNKNOWN, None),
        (Refused("550 no such user", 550, "", "rcpt"), None),
        (Refused("550 5.1.1 no such user", 550, "5.1.1", "dot"), None),
        (Refused("550 5.2.1 disabled", 550, "5.2.1", "dot"), None),
        (Refused("500 what?", 500, "", "dot"), PolicyRefusal.MAIL),
        (Refused("70000 bytes are more than 60000", 552, "5.3.4", "mail"), None),
        (Deferred("451 4.7.1 greylisting in action", 451, "4.7.1", "rcpt"), None),
        (Deferred("451 4.3.0 later", 451, "4.3.0", "rcpt"), None),
        (HostDown("421 4.7.0 too many connections", 421, "4.7.0", "mail"), None),
        (HostDown("connection refused", phase="connect"), None),
    ],
)
def test_whom_a_refusal_is_about(error: DeliveryError, about: PolicyRefusal | None) -> None:
    assert policy_refusal(error) is about


def test_refusals_in_a_row_pause_the_domain() -> None:
    breaker = Breaker()

    assert trips(breaker, "a.example", BLOCKED, DOMAIN - 1) == []
    [trip] = trips(breaker, "a.example", BLOCKED, 1)
    assert (trip.domain, trip.reason) == ("a.example", "5 in a row: 550 5.7.1 blocked")


def test_an_acceptance_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(10):
        assert trips(breaker, "a.example", BLOCKED, DOMAIN - 1) == []
        breaker.record("a.example", None)


def test_unknown_addresses_pause_nobody() -> None:
    assert trips(Breaker(), "a.example", UNKNOWN, 100) == []


def test_a_domain_that_still_refuses_after_its_pause_is_paused_at_once() -> None:
    breaker = Breaker()
    trips(breaker, "a.example", BLOCKED, DOMAIN)

    assert len(trips(breaker, "a.example", BLOCKED, 1)) == 1


def test_several_domains_that_refuse_us_pause_the_issue() -> None:
    breaker = Breaker()
    for number in range(DOMAINS):
        found = trips(breaker, f"{number}.example", BLOCKED, DOMAIN)

    assert [trip.domain for trip in found] == [""]
    assert "3 domains refuse what we send" in found[0].reason


def test_a_few_strict_domains_among_many_do_not_pause_the_issue() -> None:
    breaker = Breaker()
    for _ in range(1000):
        breaker.record("gmail.com", None)
    for number in range(DOMAINS + 1):
        found = trips(breaker, f"{number}.example", BLOCKED, DOMAIN)

    assert [trip.domain for trip in found] == ["3.example"]


def test_domains_that_want_less_of_us_pause_themselves_only() -> None:
    breaker = Breaker()
    for number in range(20):
        found = trips(breaker, f"{number}.example", LIMITED, DOMAIN)
        assert [trip.domain for trip in found] == [f"{number}.example"]


def test_a_refused_sender_pauses_the_issue() -> None:
    breaker = Breaker()

    assert trips(breaker, "a.example", NOT_OURS, SENDER - 1) == []
    assert trips(breaker, "b.example", NOT_OURS, 1) == [
        Trip("", "the server refuses the sender: 553 sender not allowed")
    ]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([None, UNKNOWN])), max_size=200))
def test_without_policy_nothing_is_ever_paused(answers: list[tuple[str, DeliveryError | None]]) -> None:
    breaker = Breaker()

    assert not any(breaker.record(domain, error) for domain, error in answers)


def test_a_relay_that_dies_now_and_then_pauses_nothing() -> None:
    breaker, lost = Breaker(), Uncertain("lost after the last dot", phase="dot")
    for _ in range(5):
        assert not any(breaker.record_doubt(lost, 20) for _ in range(2 * 20))
        breaker.record("a.example", None)

    assert [bool(breaker.record_doubt(lost, 20)) for _ in range(60)].index(True) == 59


@pytest.mark.parametrize(
    ("complaints", "accepted", "too_many"),
    [(4, 100, False), (5, 100, True), (5, 5000, False), (6, 5000, True), (0, 0, False), (1000, 1_000_000, False)],
)
def test_complaints(complaints: int, accepted: int, too_many: bool) -> None:
    assert too_many_complaints(complaints, accepted) is too_many
