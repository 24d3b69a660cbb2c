"""How fast: the clock is a number that the tests move."""

from datetime import timedelta
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import Deferred, DeliveryError, HostDown, Refused
from newsletter.sender.rate_limit import Lane, Limit, Pace, RateHint, rate_hint, retry_delay
from newsletter.sender.tuning import RateLimitTuning

TUNING = RateLimitTuning()
IN_A_ROW, SLOWEST = TUNING.slower_replies_in_a_row, TUNING.slowest_mails_per_second
RETRY = (timedelta(minutes=5), timedelta(hours=1))


def starts(lane: Lane, seconds: float, step: float = 0.01) -> int:
    """How many mails leave in this time when there are always more, and each is answered at once."""
    count = 0
    for tick in range(int(seconds / step)):
        now = 100 + tick * step
        while lane.opens(now) <= now:
            lane.start(now)
            lane.done(now, RateHint.FINE)
            count += 1
            if count > 100_000:
                return count
    return count


def hear(lane: Lane, *hints: RateHint, at: float = 0.0, apart: float = 0.0) -> float:
    """Returns the moment of the last reply."""
    for number, hint in enumerate(hints):
        lane.start(at + number * apart)
        lane.done(at + number * apart, hint)
    return at + (len(hints) - 1) * apart


@given(st.floats(0.1, 200), st.floats(1, 20))
def test_a_lane_keeps_its_rate(rate: float, seconds: float) -> None:
    count = starts(Lane(Limit(rate)), seconds)

    assert count <= rate * (seconds + 0.25) + 1
    assert count >= rate * seconds * 0.9 - 1


def test_a_lane_without_a_limit_is_always_open() -> None:
    assert starts(Lane(), 1) > 100_000


def test_a_lane_has_so_many_under_way_at_once() -> None:
    lane = Lane(Limit(connections=2))
    lane.start(0)
    lane.start(0)

    assert lane.opens(5) == inf
    lane.done(5, RateHint.FINE)
    assert lane.opens(5) == 5


def test_what_was_not_sent_after_all_costs_no_time() -> None:
    lane = Lane(Limit(rate=1))
    lane.start(10)
    lane.put_back()

    assert lane.opens(10) == 10
    assert lane.in_flight == 0


def test_a_domain_that_asks_for_it_gets_half() -> None:
    lane = Lane(Limit(rate=20))
    hear(lane, *[RateHint.SLOWER] * IN_A_ROW, at=10)

    assert lane.rate == 10
    assert lane.slowed


def test_replies_to_what_was_under_way_do_not_slow_twice() -> None:
    lane = Lane(Limit(rate=20))
    last = hear(lane, *[RateHint.SLOWER] * 5 * IN_A_ROW, at=10, apart=0.01)
    assert lane.rate == 10

    hear(lane, *[RateHint.SLOWER] * IN_A_ROW, at=last + TUNING.settling_seconds)
    assert lane.rate == 5


def test_a_quiet_domain_gets_more_again_up_to_its_limit() -> None:
    lane = Lane(Limit(rate=20))
    hear(lane, *[RateHint.SLOWER] * IN_A_ROW, at=0)
    rates = []
    for second in range(6, 60):
        hear(lane, RateHint.FINE, at=second)
        rates.append(lane.rate)

    assert rates == sorted(rates)
    assert rates[-1] == 20
    assert not lane.slowed


def test_a_domain_without_a_limit_comes_back_to_none() -> None:
    lane = Lane()
    hear(lane, *[RateHint.FINE] * 40, at=0, apart=0.01)
    hear(lane, *[RateHint.SLOWER] * IN_A_ROW, at=1, apart=0.01)
    assert 10 < lane.rate < 100

    for second in range(10, 80):
        hear(lane, RateHint.FINE, at=second)
    assert (lane.rate, lane.slowed) == (0, False)


@given(st.lists(st.sampled_from([RateHint.SLOWER, RateHint.LATER, RateHint.FINE]), max_size=400), st.floats(0.2, 50))
def test_no_replies_make_it_faster_than_configured_or_stop_it(hints: list[RateHint], rate: float) -> None:
    lane, now = Lane(Limit(rate)), 0.0
    for hint in hints:
        now = max(now + 1, lane.opens(now))
        hear(lane, hint, at=now)
        assert min(SLOWEST, rate) <= lane.rate <= rate
        assert lane.opens(now) - now <= 2 / min(SLOWEST, rate)


def test_a_third_of_temporary_refusals_slows_nobody() -> None:
    lane = Lane()
    third = [RateHint.SLOWER, RateHint.FINE, RateHint.LATER, RateHint.FINE, RateHint.FINE, RateHint.FINE]
    hear(lane, *third * 200, apart=0.1)

    assert not lane.slowed


def test_where_hardly_anything_goes_through_it_goes_slower() -> None:
    lane = Lane(Limit(rate=10))
    hear(lane, *[RateHint.LATER] * 30, at=0)

    assert lane.slowed


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (None, RateHint.FINE),
        (Refused("550 5.1.1 unknown", 550, "5.1.1"), RateHint.FINE),
        (Deferred("451 4.3.0 try later", 451, "4.3.0"), RateHint.LATER),
        (Deferred("452 4.2.2 mailbox full, limit exceeded", 452, "4.2.2"), RateHint.LATER),
        (Deferred("450 4.2.1 receiving mail too quickly", 450, "4.2.1"), RateHint.LATER),
        (Deferred("451 4.7.1 greylisted, come back", 451, "4.7.1"), RateHint.LATER),
        (Deferred("451 4.7.500 server busy", 451, "4.7.500"), RateHint.SLOWER),
        (Deferred("450 too many mails from you", 450), RateHint.SLOWER),
        (HostDown("421 4.7.28 rate limited", 421, "4.7.28"), RateHint.SLOWER),
    ],
)
def test_what_a_reply_says_about_pace(error: DeliveryError | None, hint: RateHint) -> None:
    assert rate_hint(error) is hint


@given(st.integers(0, 20), st.text(max_size=30))
def test_a_retry_delay_is_up_to_a_fifth_longer_or_shorter_and_always_the_same(attempts: int, seed: str) -> None:
    plain = RETRY[0] if attempts <= 1 else RETRY[1]

    assert 0.8 * plain <= retry_delay(attempts, RETRY, seed) <= 1.2 * plain
    assert retry_delay(attempts, RETRY, seed) == retry_delay(attempts, RETRY, seed)


def test_those_who_were_refused_together_do_not_come_back_together() -> None:
    delays = sorted(retry_delay(1, RETRY, f"<{number}@example.org>") for number in range(1000))

    assert delays[500] - delays[0] > 0.15 * RETRY[0]
    assert delays[-1] - delays[500] > 0.15 * RETRY[0]


# the gate


def test_the_gate_lets_in_what_a_lane_can_send_soon_and_lines_up_the_others() -> None:
    pace = Pace(limits={"slow.example": Limit(rate=4)})
    gate = pace.gate(50.0, 1000)
    waits = [gate.wait("slow.example") for _ in range(20)]
    fast = [gate.wait("fast.example") for _ in range(500)]

    soon = int(TUNING.ahead_seconds * 4) + 1
    assert waits[:soon] == [0.0] * soon
    assert all(next_one - one == pytest.approx(0.25) for one, next_one in pairwise(waits[soon:]))
    assert fast == [0.0] * 500


def test_where_many_wait_the_gate_lets_in_only_what_can_go_at_once() -> None:
    gate = Pace(Limit(rate=4)).gate(50.0, 0)

    assert [gate.wait("slow.example") == 0.0 for _ in range(3)] == [True, False, False]
    assert gate.wait("other.example") == 0.0


def test_the_line_goes_on_where_the_last_block_ended() -> None:
    pace = Pace(Limit(rate=1))
    pace.lane("a.example", 0.0).waiting = 10
    ends = []
    for _ in range(3):
        gate = pace.gate(0.0, 1000)
        ends.append([gate.wait("a.example") for _ in range(10)][-1])
        pace.book(gate)

    assert ends[0] < ends[1] < ends[2]
    assert ends[2] - ends[1] == pytest.approx(10)


def test_a_paused_line_is_spread_at_the_rate_that_is_hoped_for() -> None:
    pace = Pace(Limit(rate=10))
    lane = pace.lane("a.example", 0.0)
    hear(lane, *[RateHint.SLOWER] * IN_A_ROW, at=0)
    gate = pace.gate(20.0, 1000)
    waits = [wait for _ in range(100) if (wait := gate.wait("a.example"))]

    assert waits[-1] - waits[-11] == pytest.approx(1)


def test_a_domain_that_takes_far_longer_than_others_gets_few_connections() -> None:
    pace = Pace()
    slow, quick = pace.lane("slow.example", 0.0), pace.lane("quick.example", 0.0)
    for _ in range(5):
        for lane, took in ((quick, 0.05), (slow, 5.0)):
            lane.start(0.0)
            pace.done(lane, 0.0, RateHint.FINE, took, 12)

    assert (slow.most, quick.most) == (3, 0)
    for _ in range(20):
        slow.start(0.0)
        pace.done(slow, 0.0, RateHint.FINE, 0.05, 12)
    assert slow.most == 0


def test_a_relay_that_takes_its_time_with_all_of_them_keeps_its_connections() -> None:
    pace = Pace()
    for took in (0.05, 5.0, 5.0, 5.0):
        for name in ("a.example", "b.example"):
            lane = pace.lane(name, 0.0)
            lane.start(0.0)
            pace.done(lane, 0.0, RateHint.FINE, took, 12)

    assert [pace.lane(name, 0.0).most for name in ("a.example", "b.example")] == [0, 0]


def test_a_million_domains_are_not_remembered() -> None:
    pace = Pace(Limit(rate=5))
    for number in range(20_000):
        now = number / 100
        lane = pace.lane(f"{number}.example", now)
        lane.start(now)
        lane.done(now, RateHint.FINE)

    assert len(pace._lanes) <= TUNING.remembered_lanes
