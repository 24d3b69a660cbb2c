"""How a send goes."""

from datetime import timedelta

from newsletter.services.progress import common_words, progress
from newsletter.testing import NOON
from newsletter.types import DomainTally, IssueState, Tally

TALLY = Tally("2025-W12", IssueState.SENDING, planned=1000, accepted=600, waiting=400)
QUICK = DomainTally("quick.example", 100, 590, 0, 590, NOON - timedelta(seconds=20))
SLOW = DomainTally("slow.example", 300, 10, 5, 10, NOON - timedelta(seconds=18))
DONE = DomainTally("done.example", 0, 50, 0, 0, None)


def test_the_time_left_is_that_of_the_slowest_domain() -> None:
    told = progress(TALLY, [SLOW, QUICK, DONE], [], {}, NOON)

    assert told.rate == 30
    assert [each.rate for each in told.domains] == [0.5, 29.5, 0]
    assert told.left == 600


def test_nothing_lately_is_no_rate_and_no_time() -> None:
    told = progress(TALLY, [DONE], [], {}, NOON)

    assert (told.rate, told.left) == (0, None)


def test_the_most_frequent_reason_counts_what_differs_by_a_number_only_as_one() -> None:
    reasons = [
        ("slow.example", "451 4.3.0 queue full", 3),
        *(("slow.example", f"451 4.7.1 slow down <r{n}@slow.example> A1B2C3{n}", 1) for n in range(4)),
    ]

    [told] = progress(TALLY, [SLOW], reasons, {}, NOON).domains

    assert told.reason == "451 4.7.1 slow down … …"


def test_a_paused_domain_says_until_when_and_why() -> None:
    until = NOON + timedelta(hours=1)
    [told] = progress(
        TALLY, [SLOW], [("slow.example", "451 x", 9)], {"slow.example": (until, "5 in a row")}, NOON
    ).domains

    assert (told.paused, told.reason) == (until, "5 in a row")


def test_words_without_what_is_theirs_alone() -> None:
    assert common_words("250 2.0.0 Ok: queued as 4F1B2C3D") == "250 2.0.0 Ok: queued as …"
    assert common_words("450 4.2.1 <ada@example.org> from 192.0.2.1") == "450 4.2.1 … from …"
