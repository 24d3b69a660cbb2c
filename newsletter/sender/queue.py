"""The mails that wait for a connection, by domain: whose turn is it? Pure; when a lane is open is in rate_limit.py.

Domains take turns, whatever their numbers are. Where another one could go too, none has more than half of what is under
way: so a domain that begins to take its time leaves connections to the others.
"""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from math import inf
from typing import Generic

from newsletter.sender.jobs import Handle, Job
from newsletter.sender.rate_limit import Lane, Pace


class _DomainQueue(Generic[Handle]):
    """What waits for one lane."""

    __slots__ = ("domain", "jobs", "lane", "limited", "ready")

    def __init__(self, domain: str, lane: Lane) -> None:
        self.domain = domain
        self.lane = lane
        self.jobs: deque[Job[Handle]] = deque()
        self.ready = False  #: it is among those that are asked
        self.limited = lane.capacity() < inf


class Queue(Generic[Handle]):
    """The jobs in memory, a queue for each domain."""

    def __init__(self, pace: Pace, most: int) -> None:
        """Start empty, for `most` mails under way at once."""
        self._pace = pace
        self._half = max(1, most // 2)
        self._domains: dict[str, _DomainQueue[Handle]] = {}
        self._ready: deque[_DomainQueue[Handle]] = deque()
        self._closed: list[tuple[float, int, _DomainQueue[Handle]]] = []
        self._number = count()
        self._size = 0
        self.limited = 0  #: those of lanes that are known to be limited: they may have to wait

    def __len__(self) -> int:
        return self._size

    def put(self, job: Job[Handle], now: float, first: bool = False) -> None:
        """Put a job at the end of its domain's queue, or at its head."""
        waiting = self._domains.get(job.domain)
        if waiting is None:
            lane = self._pace.lane(job.domain, now)
            waiting = self._domains[job.domain] = _DomainQueue(job.domain, lane)
        job.lane = waiting.lane
        waiting.jobs.appendleft(job) if first else waiting.jobs.append(job)
        self._count(waiting, 1)
        self._ask(waiting)

    def take(self, now: float) -> Job[Handle] | None:
        """Take the next job, which its lane then counts as under way; None where no lane is open."""
        self._reopen(now)
        crowded: _DomainQueue[Handle] | None = None
        for _ in range(len(self._ready)):
            waiting = self._ready.popleft()
            if not self._open(waiting, now):
                continue
            if crowded is None and waiting.lane.in_flight >= self._half:
                crowded = waiting
                continue
            if crowded:
                self._ready.append(crowded)
            return self._taken(waiting, now)
        return self._taken(crowded, now) if crowded else None

    def put_back(self, job: Job[Handle], now: float) -> None:
        """Put a job that did not go out after all at the head of its domain's queue again."""
        job.lane.put_back()
        self.put(job, now, first=True)

    def done(self, domain: str) -> None:
        """Note that one mail of a domain has its answer: another one may go."""
        if waiting := self._domains.get(domain):
            self._ask(waiting)

    def drop(self, domain: str) -> list[Job[Handle]]:
        """Take all of a domain out."""
        waiting = self._domains.pop(domain, None)
        if waiting is None:
            return []
        jobs = list(waiting.jobs)
        waiting.jobs.clear()
        self._count(waiting, -len(jobs))
        return jobs

    def clear(self) -> None:
        """Take everything out."""
        for domain in [*self._domains]:
            self.drop(domain)

    def opens_at(self) -> float:
        """Return when to ask again, after `take` had nothing; inf: not before something is put or done."""
        return self._closed[0][0] if self._closed else inf

    def _count(self, waiting: _DomainQueue[Handle], more: int) -> None:
        waiting.lane.waiting += more
        self._size += more
        self.limited += more if waiting.limited else 0

    def _ask(self, waiting: _DomainQueue[Handle]) -> None:
        if waiting.jobs and not waiting.ready:
            waiting.ready = True
            self._ready.append(waiting)

    def _open(self, waiting: _DomainQueue[Handle], now: float) -> bool:
        """Say whether its lane is open; else it is asked again when it may be."""
        at = waiting.lane.opens(now) if waiting.jobs else inf
        if at <= now:
            return True
        waiting.ready = False
        if waiting.jobs:
            recheck = now + self._pace.tuning.full_lane_recheck_seconds
            heapq.heappush(self._closed, (min(at, recheck), next(self._number), waiting))
        return False

    def _reopen(self, now: float) -> None:
        while self._closed and self._closed[0][0] <= now:
            self._ask(heapq.heappop(self._closed)[2])

    def _taken(self, waiting: _DomainQueue[Handle], now: float) -> Job[Handle]:
        job = waiting.jobs.popleft()
        self._count(waiting, -1)
        waiting.lane.start(now)
        waiting.ready = False
        if waiting.jobs:
            self._ask(waiting)
        else:
            del self._domains[waiting.domain]
        return job


def room(size: int, limited: int, hold: int) -> int:
    """Return how many more may be claimed for a queue of `hold`: none while it has enough that can go at once."""
    hungry = size - limited <= hold // 4 and size <= 3 * hold // 4
    return hold - size if hungry else 0


def room_to_wait(limited: int, hold: int) -> int:
    """Return for how many more whose lane is not open yet there is room: a quarter of the places is for the others."""
    return max(0, 3 * hold // 4 - limited)
