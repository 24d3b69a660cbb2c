"""A send on a clock of our own: gate, lanes and turns together, with a ledger that is a heap. Nothing waits here."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest

from newsletter.sender.jobs import Job
from newsletter.sender.queue import Queue, room, room_to_wait
from newsletter.sender.rate_limit import Limit, Pace, RateHint
from newsletter.testing import NOON
from newsletter.types import Delivery, Mail

CONNECTIONS, TOOK, TICK = 8, 0.02, 0.005
CAPACITY = CONNECTIONS / (TOOK + TICK)  #: mails a second
HOLD, BLOCK = 200, 100


def job(domain: str, number: int) -> Job[int]:
    return Job(number, Delivery("issue", number, NOON), Mail("<1@x>", "w@x.org", f"r{number}@{domain}", b""))


@dataclass
class Send:
    """One mail takes TOOK seconds; the server says no to some, who come again after five seconds."""

    people: dict[str, int]
    limits: dict[str, Limit] = field(default_factory=dict)
    refused: float = 0.0
    hint: RateHint = RateHint.LATER
    took: dict[str, float] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    most: int = 0

    def run(self) -> "Send":
        """Until everybody has a mail; `times` has when, by domain."""
        pace = Pace(limits=self.limits)
        queue: Queue[int] = Queue(pace, CONNECTIONS)
        people = [(name, place) for name, number in self.people.items() for place in range(number)]
        people.sort(key=lambda person: Random(f"{person}").random())
        names, tried = [name for name, _ in people], Counter[int]()
        ledger = [(1000, number) for number in range(len(names))]
        out: list[tuple[float, int, str]] = []
        now, left = 1000.0, len(names)
        self.times = {name: [] for name in self.people}
        while left:
            now += TICK
            self._claim(ledger, names, queue, pace, now)
            while len(out) < CONNECTIONS and (taken := queue.take(now)):
                heapq.heappush(out, (now + self.took.get(taken.domain, TOOK), taken.handle, taken.domain))
            while out and out[0][0] <= now:
                at, number, name = heapq.heappop(out)
                tried[number] += 1
                no = Random(f"{people[number]} {tried[number]}").random() < self.refused
                pace.done(
                    pace.lane(name, now),
                    now,
                    self.hint if no else RateHint.FINE,
                    self.took.get(name, TOOK),
                    CONNECTIONS,
                )
                queue.done(name)
                if no:
                    heapq.heappush(ledger, (int(now) + 5, number))
                else:
                    self.times[name].append(at - 1000)
                    left -= 1
            self.most = max(self.most, len(queue))
        return self

    def _claim(
        self, ledger: list[tuple[int, int]], names: list[str], queue: Queue[int], pace: Pace, now: float
    ) -> None:
        most = min(BLOCK, room(len(queue), queue.limited, HOLD))
        if not most:
            return
        gate, let_in = pace.gate(now, room_to_wait(queue.limited, HOLD)), 0
        while ledger and ledger[0][0] <= int(now) and let_in < most:
            _, number = heapq.heappop(ledger)
            if wait := gate.wait(names[number]):
                heapq.heappush(ledger, (int(now + wait), number))
            else:
                queue.put(job(names[number], number), now)
                let_in += 1
        pace.book(gate)


def others(send: Send) -> tuple[float, float]:
    """When the last of all other domains than the slow one had its mail, and the mean of all of them."""
    times = [moment for name, moments in send.times.items() if name != "slow" for moment in moments]
    return max(times), sum(times) / len(times)


PEOPLE = {"big": 4000, "small": 500, "tiny": 20, "slow": 60}
OTHERS = {name: number for name, number in PEOPLE.items() if name != "slow"}


@pytest.mark.parametrize("hint", [RateHint.LATER, RateHint.SLOWER])
def test_a_third_of_temporary_refusals_and_a_slow_domain_slow_no_other_one(hint: RateHint) -> None:
    alone = Send(OTHERS, refused=0.3, hint=hint).run()
    beside = Send(PEOPLE, {"slow": Limit(rate=2)}, refused=0.3, hint=hint).run()

    assert all(with_it <= 1.05 * without for with_it, without in zip(others(beside), others(alone), strict=True))
    assert {name: len(times) for name, times in beside.times.items()} == PEOPLE


def test_a_slow_domain_goes_at_its_rate_all_the_time() -> None:
    slow = Send(PEOPLE, {"slow": Limit(rate=2)}).run().times["slow"]

    assert 60 / 2 - 1 <= slow[-1] <= 60 / 2 + 2
    for start in range(0, 28, 4):
        assert sum(start <= moment < start + 4 for moment in slow) <= 4 * 2 + 1


def test_many_slow_domains_do_not_fill_the_memory() -> None:
    people = {f"slow{number}": 40 for number in range(100)} | {"quick": 3000}
    limits = {name: Limit(rate=1) for name in people if name != "quick"}

    send = Send(people, limits).run()

    assert send.most <= HOLD
    assert send.times["quick"][-1] <= 1.05 * 3000 / (CAPACITY - 100)
    assert max(times[-1] for times in send.times.values()) <= 40 + 5


def test_a_domain_that_takes_its_time_leaves_most_connections_to_others() -> None:
    send = Send({"slow": 200, "quick": 4000}, took={"slow": 3.0}).run()

    assert send.times["quick"][-1] < 1.5 * 4000 / CAPACITY
    assert len(send.times["slow"]) == 200
