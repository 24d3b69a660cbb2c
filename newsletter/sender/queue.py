"""The mails that wait for a connection, by lane: whose turn is it? Pure; see rate_limit.py for when a lane is open.

Domains take turns, whatever their numbers are. Where another one could go too, none has more than half of what is under
way: so a domain that begins to take its time leaves connections to the others.
"""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from math import inf
from typing import Generic, NamedTuple, TypeVar

from newsletter.sender.rate_limit import Lane, Pace

AGAIN = 1.0  #: seconds until a full lane is looked at again: somebody else may use it too

Thing = TypeVar("Thing")


class Turn(NamedTuple, Generic[Thing]):
    """A mail that may go out now, and its lane, which knows that it does."""

    lane: Lane
    domain: str
    thing: Thing


class _Line(Generic[Thing]):
    """What waits for one lane."""

    __slots__ = ("domain", "lane", "limited", "ready", "things")

    def __init__(self, domain: str, lane: Lane) -> None:
        self.domain = domain
        self.lane = lane
        self.things: deque[Thing] = deque()
        self.ready = False  #: it is among those that are asked
        self.limited = lane.capacity() < inf


class Queue(Generic[Thing]):
    """For `most` mails under way at once."""

    def __init__(self, pace: Pace, most: int) -> None:
        self._pace = pace
        self._half = max(1, most // 2)
        self._lines: dict[str, _Line[Thing]] = {}
        self._ready: deque[_Line[Thing]] = deque()
        self._closed: list[tuple[float, int, _Line[Thing]]] = []
        self._number = count()
        self._size = 0
        self.limited = 0  #: those of lanes that are known to be limited: they may have to wait

    def __len__(self) -> int:
        return self._size

    def put(self, domain: str, thing: Thing, now: float, first: bool = False) -> None:
        """At the end of its line, or at its head."""
        line = self._lines.get(domain)
        if line is None:
            line = self._lines[domain] = _Line(domain, self._pace.lane(domain, now))
        line.things.appendleft(thing) if first else line.things.append(thing)
        self._count(line, 1)
        self._ask(line)

    def take(self, now: float) -> Turn[Thing] | None:
        """The next one; None where no lane is open."""
        self._reopen(now)
        crowded: _Line[Thing] | None = None
        for _ in range(len(self._ready)):
            line = self._ready.popleft()
            if not self._open(line, now):
                continue
            if crowded is None and line.lane.in_flight >= self._half:
                crowded = line
                continue
            if crowded:
                self._ready.append(crowded)
            return self._taken(line, now)
        return self._taken(crowded, now) if crowded else None

    def put_back(self, turn: Turn[Thing], now: float) -> None:
        """It did not go out after all, and is the first of its line again."""
        turn.lane.put_back()
        self.put(turn.domain, turn.thing, now, first=True)

    def done(self, domain: str) -> None:
        """One mail of a lane has its answer: another one may go."""
        if line := self._lines.get(domain):
            self._ask(line)

    def drop(self, domain: str) -> list[Thing]:
        """Take all of a domain out."""
        line = self._lines.pop(domain, None)
        if line is None:
            return []
        things = list(line.things)
        line.things.clear()
        self._count(line, -len(things))
        return things

    def clear(self) -> None:
        """Take everything out."""
        for domain in [*self._lines]:
            self.drop(domain)

    def opens_at(self) -> float:
        """When to ask again, after `take` had nothing; inf: not before something is put or done."""
        return self._closed[0][0] if self._closed else inf

    def _count(self, line: _Line[Thing], more: int) -> None:
        line.lane.waiting += more
        self._size += more
        self.limited += more if line.limited else 0

    def _ask(self, line: _Line[Thing]) -> None:
        if line.things and not line.ready:
            line.ready = True
            self._ready.append(line)

    def _open(self, line: _Line[Thing], now: float) -> bool:
        """Else it is asked again when it may be."""
        at = line.lane.opens(now) if line.things else inf
        if at <= now:
            return True
        line.ready = False
        if line.things:
            heapq.heappush(self._closed, (min(at, now + AGAIN), next(self._number), line))
        return False

    def _reopen(self, now: float) -> None:
        while self._closed and self._closed[0][0] <= now:
            self._ask(heapq.heappop(self._closed)[2])

    def _taken(self, line: _Line[Thing], now: float) -> Turn[Thing]:
        thing = line.things.popleft()
        self._count(line, -1)
        line.lane.start(now)
        line.ready = False
        if line.things:
            self._ask(line)
        else:
            del self._lines[line.domain]
        return Turn(line.lane, line.domain, thing)


def room(size: int, limited: int, hold: int) -> int:
    """How many more may be claimed for a queue that holds `hold`: none while it has enough that can go at once."""
    hungry = size - limited <= hold // 4 and size <= 3 * hold // 4
    return hold - size if hungry else 0


def room_to_wait(limited: int, hold: int) -> int:
    """For so many more whose lane is not open yet: a quarter of the places is for the others."""
    return max(0, 3 * hold // 4 - limited)
