"""Whose turn it is."""

from collections import Counter
from math import inf
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from newsletter.sender.jobs import Job
from newsletter.sender.queue import Queue
from newsletter.sender.rate_limit import Limit, Pace, RateHint
from newsletter.testing import NOON
from newsletter.types import Delivery, Mail

MOST = 8
T = TypeVar("T")


def job(domain: str, thing: T) -> Job[T]:
    """A mail to a domain, told apart by its handle."""
    return Job(thing, Delivery("issue", 1, NOON), Mail("<1@x>", "w@x.org", f"r@{domain}", b""))


def queue_of(pace: Pace, **numbers: int) -> Queue[str]:
    """So many things of each domain."""
    queue: Queue[str] = Queue(pace, MOST)
    for domain, number in numbers.items():
        for place in range(number):
            queue.put(job(domain, f"{domain}{place}"), 0.0)
    return queue


def taken(queue: Queue[str], now: float = 0.0) -> list[str]:
    """All that may go now."""
    things = []
    while found := queue.take(now):
        things.append(found.handle)
    return things


def test_domains_take_turns_whatever_their_numbers() -> None:
    queue = queue_of(Pace(), gmail=100, tiny=1, small=2)

    first = [queue.take(0.0) for _ in range(5)]

    assert [found.handle for found in first if found] == ["gmail0", "tiny0", "small0", "gmail1", "small1"]


def test_a_slow_domain_keeps_its_rate_and_no_other_one_out() -> None:
    queue = queue_of(Pace(limits={"slow": Limit(rate=2)}), slow=10, quick=50)

    assert Counter(thing[:4] for thing in taken(queue)) == {"slow": 1, "quic": 50}
    assert queue.opens_at() == 0.5
    assert taken(queue, 0.6) == ["slow1"]


def test_nobody_has_more_than_half_while_others_could_go_too() -> None:
    queue = queue_of(Pace(), slow=20)
    for _ in range(MOST // 2):
        queue.take(0.0)
    for place in range(3):
        queue.put(job("quick", f"quick{place}"), 0.0)

    assert [found.domain for _ in range(5) if (found := queue.take(0.0))] == [
        "quick",
        "quick",
        "quick",
        "slow",
        "slow",
    ]


def test_a_full_lane_goes_on_when_one_of_its_mails_is_done() -> None:
    pace = Pace(limits={"one": Limit(connections=1)})
    queue = queue_of(pace, one=3)
    first = queue.take(0.0)

    assert first
    assert queue.take(0.0) is None
    first.lane.done(0.0, RateHint.FINE)
    queue.done("one")
    assert taken(queue) == ["one1"]


def test_what_did_not_go_out_is_first_again_and_cost_nothing() -> None:
    queue = queue_of(Pace(Limit(rate=1)), a=2)
    found = queue.take(0.0)

    assert found
    queue.put_back(found, 0.0)
    assert taken(queue) == ["a0"]


def test_a_domain_can_be_taken_out() -> None:
    pace = Pace()
    queue = queue_of(pace, a=3, b=1)

    assert [dropped.handle for dropped in queue.drop("a")] == ["a0", "a1", "a2"]
    assert queue.drop("nobody") == []
    assert (taken(queue), len(queue), pace.lane("a", 0.0).waiting) == (["b0"], 0, 0)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["put", "take", "done", "back", "wait"]))))
def test_nothing_is_lost_and_nothing_comes_twice(steps: list[tuple[str, str]]) -> None:
    limits = {"a": Limit(rate=2), "b": Limit(connections=1), "c": Limit(rate=1, connections=1)}
    pace = Pace(limits=limits)
    queue: Queue[int] = Queue(pace, 4)
    out: list[Job[int]] = []
    now, put, gone = 0.0, 0, []
    for domain, step in steps:
        if step == "put":
            queue.put(job(domain, put), now)
            put += 1
        elif step == "take" and (found := queue.take(now)):
            out.append(found)
        elif step == "done" and out:
            found = out.pop(0)
            pace.done(found.lane, now, RateHint.FINE, 0.1, 4)
            queue.done(found.domain)
            gone.append(found.handle)
        elif step == "back" and out:
            queue.put_back(out.pop(), now)
        elif step == "wait":
            now += 0.4
    for _ in range(10 * put + 10):
        now += 1.1
        while found := queue.take(now):
            pace.done(found.lane, now, RateHint.FINE, 0.1, 4)
            gone.append(found.handle)
        for found in out:
            pace.done(found.lane, now, RateHint.FINE, 0.1, 4)
            gone.append(found.handle)
        out = []

    assert sorted(gone) == list(range(put))
    assert (len(queue), queue.opens_at()) == (0, inf)
    assert all(lane.in_flight == lane.waiting == 0 for lane in (pace.lane(domain, now) for domain in "abcd"))
