"""The rate limit of a host, with a clock that moves only when somebody sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from newsletter.collector.http.rate_limit import (
    HostLeases,
    HostRateLimiter,
    LocalLeases,
    host_of,
    retry_after,
    span,
)
from newsletter.errors import SourceError

NOON = datetime(2025, 3, 17, 12, tzinfo=UTC)
HOST = "papers.example.org"


class Clock:
    """Time passes for whoever sleeps least; the others sleep on."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        due = self.now + seconds
        await asyncio.sleep(0.005)
        self.now = max(self.now, due)


class VisitLog:
    """Visits to a host, and how many were there at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.starts: list[float] = []
        self.inside = self.most = 0

    async def visit(self, limiter: HostRateLimiter, interval: float, alone: bool, host: str = HOST) -> None:
        async with limiter.slot(host, interval, alone):
            self.starts.append(self.clock())
            self.inside += 1
            self.most = max(self.most, self.inside)
            await asyncio.sleep(0.01)
            self.inside -= 1

    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.starts, self.starts[1:], strict=False)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> VisitLog:
    return VisitLog(clock)


def limiter_of(clock: Clock, leases: HostLeases | None = None, longest_wait: float = 60) -> HostRateLimiter:
    return HostRateLimiter(leases, longest_wait=longest_wait, clock=clock, sleep=clock.sleep, jitter=lambda: 0.0)


async def test_starts_keep_their_distance(clock: Clock, log: VisitLog) -> None:
    limiter = limiter_of(clock)

    await asyncio.gather(*(log.visit(limiter, 2, alone=False) for _ in range(5)))

    assert len(log.starts) == 5
    assert min(log.gaps()) >= 2


async def test_visits_that_are_not_alone_may_overlap(log: VisitLog) -> None:
    await asyncio.gather(*(log.visit(HostRateLimiter(), 0, alone=False) for _ in range(5)))

    assert log.most > 1


async def test_who_is_alone_is_never_met(log: VisitLog) -> None:
    leases = LocalLeases()
    processes = [HostRateLimiter(leases), HostRateLimiter(leases)]

    await asyncio.gather(*(log.visit(processes[place % 2], 0, alone=True) for place in range(6)))

    assert log.most == 1
    assert len(log.starts) == 6


async def test_two_processes_share_a_host(clock: Clock, log: VisitLog) -> None:
    leases = LocalLeases()
    processes = [limiter_of(clock, leases), limiter_of(clock, leases)]

    await asyncio.gather(*(log.visit(processes[place % 2], 3, alone=place < 3) for place in range(6)))

    assert len(log.starts) == 6
    assert min(log.gaps()) >= 3


async def test_within_a_process_the_first_to_come_is_the_first_to_go(clock: Clock) -> None:
    limiter, order = limiter_of(clock), []

    async def visit(name: str) -> None:
        async with limiter.slot(HOST, 1, alone=True):
            order.append(name)

    await asyncio.gather(*(visit(name) for name in "abcdef"))

    assert order == list("abcdef")


async def test_hosts_do_not_wait_for_each_other(clock: Clock, log: VisitLog) -> None:
    limiter = limiter_of(clock)

    await log.visit(limiter, 60, True, "one.org")
    await log.visit(limiter, 60, True, "two.org")

    assert log.gaps() == [0]


async def test_arxiv_has_its_own_terms(clock: Clock, log: VisitLog) -> None:
    leases = LocalLeases()
    processes = [limiter_of(clock, leases), limiter_of(clock, leases)]
    hosts = [host_of("https://export.arxiv.org/api/query"), host_of("http://rss.arxiv.org/atom/cs.CL")]

    await asyncio.gather(*(log.visit(processes[place % 2], 0, False, hosts[place % 2]) for place in range(6)))

    assert log.most == 1
    assert min(log.gaps()) >= 3


async def test_the_host_of_a_dead_process_is_free_when_its_lease_ends(clock: Clock, log: VisitLog) -> None:
    leases = LocalLeases()
    began = clock.now
    leases.reserve(HOST, began, 20)  # and it was never seen again

    await log.visit(limiter_of(clock, leases), 1, alone=True)

    assert began + 20 <= log.starts[0] <= began + 22


async def test_who_overstays_its_lease_takes_nothing_from_the_next(clock: Clock) -> None:
    leases = LocalLeases()
    async with limiter_of(clock, leases).slot(HOST, 1, alone=True, lease=10):
        clock.now += 11
        assert leases.reserve(HOST, clock.now, 10) == 0.0

    assert leases.reserve(HOST, clock.now, 10) == 10


async def test_a_pause_holds_for_every_process(clock: Clock, log: VisitLog) -> None:
    leases = LocalLeases()
    one, other = limiter_of(clock, leases), limiter_of(clock, leases)
    async with one.slot(HOST, 1, alone=True):
        await one.postpone(HOST, 20)

    await log.visit(other, 1, alone=True)

    assert log.starts[0] >= NOON.timestamp() + 20


async def test_a_long_pause_is_told_rather_than_waited_for(clock: Clock, log: VisitLog) -> None:
    leases = LocalLeases()
    await limiter_of(clock, leases).postpone(HOST, 1800)

    for alone in (True, False):
        with pytest.raises(SourceError, match=r"^papers\.example\.org asked for a pause until 12:30 UTC$"):
            await log.visit(limiter_of(clock, leases), 1, alone)


async def test_a_pause_is_an_hour_at_most_and_never_shortened(clock: Clock) -> None:
    leases = LocalLeases()
    limiter = limiter_of(clock, leases)

    await limiter.postpone(HOST, 1_000_000)
    await limiter.postpone(HOST, 5)

    assert leases.reserve(HOST, clock.now, 1) == 3600


async def test_a_longer_pause_follows_a_shorter_one(clock: Clock) -> None:
    leases = LocalLeases()

    await limiter_of(clock, leases).postpone(HOST, 5)
    await limiter_of(clock, leases).postpone(HOST, 20)

    assert leases.reserve(HOST, clock.now, 1) == 20


async def test_a_short_pause_does_not_cut_the_turn_of_another(clock: Clock) -> None:
    leases = LocalLeases()
    leases.reserve(HOST, clock.now, 30)

    await limiter_of(clock, leases).postpone(HOST, 5)

    assert leases.reserve(HOST, clock.now, 1) == 30


async def test_a_host_that_is_never_free_is_given_up() -> None:
    leases = LocalLeases()
    limiter = HostRateLimiter(leases, longest_wait=0.1)
    async with HostRateLimiter(leases).slot(HOST, 1, alone=True):
        with pytest.raises(SourceError, match=r"^papers\.example\.org is busy: no turn within 0\.1 s$"):
            async with limiter.slot(HOST, 1, alone=True):
                pass

    async with HostRateLimiter(leases).slot(HOST, 0, alone=True):
        pass  # who gave up holds nothing


async def test_who_is_cancelled_while_reserving_holds_nothing(clock: Clock, log: VisitLog) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow(LocalLeases):
        def reserve(self, host: str, now: float, hold: float) -> float:
            loop.call_soon_threadsafe(started.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
            return super().reserve(host, now, hold)

    leases = Slow()
    visit = asyncio.ensure_future(log.visit(limiter_of(clock, leases), 60, alone=True))
    await started.wait()
    visit.cancel()
    go_on.set()
    with suppress(asyncio.CancelledError):
        await visit

    assert log.starts == []
    assert LocalLeases.reserve(leases, HOST, clock.now, 1) == 0.0


async def test_a_failure_gives_the_turn_back(clock: Clock) -> None:
    leases = LocalLeases()
    with pytest.raises(SourceError, match="bad"):
        async with limiter_of(clock, leases).slot(HOST, 2, alone=True):
            raise SourceError("bad")

    assert leases.reserve(HOST, clock.now, 1) == 2


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Papers.Example.org/feed", "papers.example.org"),
        ("https://papers.example.org:443/feed", "papers.example.org"),
        ("http://papers.example.org:443/feed", "papers.example.org:443"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("http://[::1]:80/", "[::1]"),
        ("https://ada:secret@papers.example.org./", "papers.example.org"),
        ("https://RSS.arXiv.org:443/atom/cs", "arxiv.org"),
        ("http://arxiv.org/", "arxiv.org"),
        ("https://notarxiv.org/", "notarxiv.org"),
    ],
)
def test_hosts_are_told_apart(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("٣", 0),
        (format_datetime(NOON + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOON - timedelta(minutes=2), usegmt=True), 0),
        ("Mon, 17 Mar 2025 12:00:30 -0000", 30),
        ("Mon, 99 Mar 99999 12:00:30 GMT", 0),
    ],
)
def test_a_host_may_ask_for_a_pause_in_two_ways(header: str, seconds: float) -> None:
    assert retry_after(header, NOON.timestamp()) == seconds


def test_spans_are_short() -> None:
    assert [span(seconds) for seconds in (0.25, 45, 90, 600, 3600, 86400)] == [
        "0.25 s", "45 s", "1.5 min", "10 min", "1 h", "24 h",
    ]  # fmt: skip
