"""Whose turn it is: hands jobs out to the workers that ask, first come, first served, when a lane is open."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from typing import Generic, TypeAlias

from newsletter.sender.jobs import Handle, Job
from newsletter.sender.queue import Queue, room, room_to_wait
from newsletter.sender.rate_limit import Pace, RateHint

Request: TypeAlias = "asyncio.Future[Job[Handle] | None]"  #: a worker's request for a job; None: there is none for it


class Scheduler(Generic[Handle]):
    """The jobs in memory, the workers without one, and whether anything is left to do. Of one event loop."""

    def __init__(self, pace: Pace, connections: int, capacity: Callable[[], int], clock: Callable[[], float]) -> None:
        """`capacity`: how many mails there may be in memory now."""
        self._pace = pace
        self._connections = connections
        self._capacity = capacity
        self._clock = clock
        self._queue: Queue[Handle] = Queue(pace, 2 * connections)
        self._requests: deque[Request[Handle]] = deque()
        self._in_flight: set[Job[Handle]] = set()
        self._returning = 0  #: blocks on their way back into the ledger
        self._fed = False  #: nothing more will be claimed
        self._room, self._quiet, self._halted, self._ended = (asyncio.Event() for _ in range(4))
        self._timer: asyncio.TimerHandle | None = None

    @property
    def halted(self) -> bool:
        """Nothing more is begun."""
        return self._halted.is_set()

    def over(self) -> bool:
        """Say whether nothing more is to be done."""
        return self._halted.is_set() or (self._fed and not self.busy())

    def busy(self) -> bool:
        """Say whether anything is in memory, in flight, or on its way into the ledger: that may come back, too."""
        return bool(self._queue or self._in_flight or self._returning)

    def halt(self) -> None:
        """Begin nothing more."""
        self._halted.set()
        self.wake()

    def close(self) -> None:
        """Let it end when all jobs are done: nothing more will be claimed."""
        self._fed = True
        self.wake()

    def discard(self) -> None:
        """Leave the lanes as if nothing were waiting or in flight: an error of ours may have left jobs behind."""
        if self._timer:
            self._timer.cancel()
        self._queue.clear()
        for job in self._in_flight:
            job.lane.put_back()

    async def rest(self, seconds: float) -> None:
        """Sleep so long, or less when there is nothing more to do."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    # Jobs

    def put(self, jobs: Iterable[Job[Handle]]) -> None:
        for job in jobs:
            self._queue.put(job, self._clock())
        self.wake()

    async def next(
        self, patience: float | None = None, requests: set[Request[Handle]] | None = None
    ) -> Job[Handle] | None:
        """Wait for the next job; None when nothing is left, `patience` seconds are over, or somebody says so.

        The request is in `requests` while it waits; whoever holds them may answer it with None.
        """
        request: Request[Handle] = asyncio.get_running_loop().create_future()
        self._requests.append(request)
        if requests is not None:
            requests.add(request)
        self.wake()
        try:
            return request.result() if request.done() else await asyncio.wait_for(request, patience)
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            if request.done() and not request.cancelled() and (job := request.result()):
                self.put_back(job)
            raise
        finally:
            if requests is not None:
                requests.discard(request)

    def put_back(self, job: Job[Handle]) -> None:
        """Take back a job that did not go out after all."""
        self._in_flight.discard(job)
        self._queue.put_back(job, self._clock())
        self.wake()

    def done(self, job: Job[Handle], hint: RateHint, took: float = 0.0) -> bool:
        """Count a job that has its answer. Returns whether its lane was slowed down now."""
        self._in_flight.discard(job)
        slowed = self._pace.done(job.lane, self._clock(), hint, took, self._connections)
        self._queue.done(job.domain)
        self.wake()
        return slowed

    def drop(self, domain: str) -> list[Job[Handle]]:
        """Take all jobs of a domain out of memory."""
        return self._queue.drop(domain)

    @contextmanager
    def returning(self) -> Iterator[None]:
        """Count as busy while a block goes back into the ledger."""
        self._returning += 1
        try:
            yield
        finally:
            self._returning -= 1
            self.wake()

    # Room

    def room(self) -> int:
        """Return how many jobs more may be claimed."""
        return room(len(self._queue), self._queue.limited, self._capacity())

    def room_to_wait(self) -> int:
        """Return for how many more jobs whose lane is not open yet there is room."""
        return room_to_wait(self._queue.limited, self._capacity())

    async def wait_for_room(self) -> bool:
        """Wait until more may be claimed; False: nothing more is begun."""
        while not self.room() and not self.halted:
            self._room.clear()
            await self._room.wait()
        return not self.halted

    async def wait_until_quiet(self) -> None:
        """Wait until nothing is in memory or in flight, or nothing more is begun."""
        self._quiet.clear()
        await self._quiet.wait()

    # Turns

    def wake(self) -> None:
        """Hand out what may go now, to those who asked first."""
        while self._requests:
            if self._requests[0].done():
                self._requests.popleft()
            elif self.over():
                self._requests.popleft().set_result(None)
            elif job := self._queue.take(self._clock()):
                self._in_flight.add(job)
                self._requests.popleft().set_result(job)
            else:
                break
        if not self._room.is_set() and (self.halted or self.room()):
            self._room.set()
        if not self.busy() or self.halted:
            self._quiet.set()
        if self.over():
            self._ended.set()
        self._set_timer()

    def _set_timer(self) -> None:
        """Look again when the next lane opens, if somebody waits for it."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._requests and (at := self._queue.opens_at()) < inf:
            self._timer = asyncio.get_running_loop().call_later(max(at - self._clock(), 0.001), self.wake)
