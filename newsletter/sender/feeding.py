"""What comes in: the next block is claimed and rendered while the last one is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Generic

from newsletter.sender.jobs import Handle, Work
from newsletter.sender.rate_limit import Pace
from newsletter.sender.relay import Route
from newsletter.sender.tuning import DispatchTuning
from newsletter.sender.turns import Scheduler


def capacity(routes: Sequence[Route], tuning: DispatchTuning) -> int:
    """Return how many mails there may be in memory: fewer where all relays are slow."""
    rate = sum(route.lane.rate or inf for route in routes)
    connections = sum(route.connections for route in routes)
    return int(min(tuning.held_mails, max(tuning.held_seconds * rate, 2 * connections)))


class Feeder(Generic[Handle]):
    """Claims blocks ahead of the workers."""

    def __init__(
        self,
        work: Work[Handle],
        pace: Pace,
        scheduler: Scheduler[Handle],
        impatient: Callable[[], bool],
        poll_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._work = work
        self._pace = pace
        self._scheduler = scheduler
        self._impatient = impatient
        self._poll_seconds = poll_seconds
        self._clock = clock

    async def feed(self) -> None:
        """Claim until nothing is due and nobody is waited for, or nothing more is begun."""
        scheduler = self._scheduler
        while await scheduler.wait_for_room():
            gate = self._pace.gate(self._clock(), scheduler.room_to_wait())
            jobs = await self._work.claim(gate, scheduler.room())
            self._pace.book(gate)
            scheduler.put(jobs)
            if not jobs and not await self._something_comes():
                break
        scheduler.close()

    async def _something_comes(self) -> bool:
        """Wait for those that were sent away, as long as we are patient; False: there is nobody to wait for."""
        scheduler = self._scheduler
        while (comes_back := await self._work.comes_back()) == inf:
            if not scheduler.busy() or scheduler.halted:
                return False
            await scheduler.wait_until_quiet()  # what is in memory may yet be sent away
        if self._impatient():
            return False
        await scheduler.rest(max(comes_back, self._poll_seconds))
        return not scheduler.halted
