"""Keep the connections busy: each takes the next mail whose turn it is, asks the ledger, sends, writes down the answer.

    Work.claim ─▶ Scheduler (a lane per domain) ─▶ Sessions of each route ─▶ send(mail, begin) ─▶ Outcomes ─▶ settle
         ▲          feeding.py, turns.py                 │ HostDown: certainly not sent, back to the scheduler
         └── not let in: comes back when its lane has room

A connection has as many sends under way as it says is of use. A relay that is down is left out and asked again after
pauses that double, while the others carry on; the run gives up when none is left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Generic

from newsletter.sender.circuit_breaker import Breaker
from newsletter.sender.connections import RelayPool
from newsletter.sender.feeding import Feeder, capacity
from newsletter.sender.jobs import Handle, Work
from newsletter.sender.outcomes import Outcomes, Settling, Throttle
from newsletter.sender.rate_limit import Pace
from newsletter.sender.relay import Route
from newsletter.sender.sessions import Sessions
from newsletter.sender.tuning import DISPATCH, DispatchTuning
from newsletter.sender.turns import Scheduler
from newsletter.types import Delivery


@dataclass(slots=True)
class Run(Generic[Handle]):
    """One run over what is due now. `stop` ends it after the mails in flight."""

    work: Work[Handle]
    routes: Sequence[Route]
    pace: Pace
    breaker: Breaker
    retry: Sequence[timedelta]
    now: Callable[[], datetime]
    stop: asyncio.Event
    on_settled: Callable[[Delivery], None]
    resend: bool = False  #: what is uncertain is tried again like what is deferred
    turn: float = inf  #: seconds after which it no longer waits for lanes: others want to send too
    clock: Callable[[], float] = time.monotonic
    trouble: str = ""  #: the last words of a server that hung up
    gave_up: bool = False
    tuning: DispatchTuning = DISPATCH
    _patient_until: float = field(init=False)

    def __post_init__(self) -> None:
        self._patient_until = self.clock() + self.turn

    def impatient(self) -> bool:
        """Say whether it has had its turn."""
        return self.clock() > self._patient_until

    async def finish(self) -> None:
        """Send until nothing is due and no lane is waited for, all relays are down, or `stop` is set.

        A run may be finished more than once. Errors of ours propagate.
        """
        scheduler = self._scheduler()
        relays = RelayPool(self.routes, scheduler, self.tuning, self.clock)
        settling = self._settling(scheduler)
        sessions = self._sessions(scheduler, relays, settling)
        if self.stop.is_set():
            scheduler.halt()
        relays.give_up_if_all_are_down()
        try:
            await self._drive(scheduler, sessions, settling)
        finally:
            scheduler.discard()
            self.trouble = relays.trouble or self.trouble
            self.gave_up |= relays.all_down

    def _scheduler(self) -> Scheduler[Handle]:
        for route in self.routes:
            route.failures, route.crowded = 0, ""
        return Scheduler(self.pace, self._connections(), partial(capacity, self.routes, self.tuning), self.clock)

    def _settling(self, scheduler: Scheduler[Handle]) -> Settling[Handle]:
        return Settling(self.work, self.retry, self.resend, self.now, self.on_settled, on_failure=scheduler.halt)

    def _sessions(
        self, scheduler: Scheduler[Handle], relays: RelayPool[Handle], settling: Settling[Handle]
    ) -> Sessions[Handle]:
        early = self.pace.tuning.early_seconds
        throttle = Throttle(self.work, scheduler, self.breaker, self._connections(), early)
        patience = self.tuning.relay_patience_tries
        outcomes = Outcomes(scheduler, settling, throttle, relays, patience, self.clock)
        return Sessions(self.work, scheduler, relays, outcomes, self.tuning, self.clock)

    def _connections(self) -> int:
        return sum(route.connections for route in self.routes)

    async def _drive(
        self, scheduler: Scheduler[Handle], sessions: Sessions[Handle], settling: Settling[Handle]
    ) -> None:
        """Let everything work at once until it is done; in any case nothing is left running."""
        poll = self.tuning.poll_seconds
        feeder = Feeder(self.work, self.pace, scheduler, self.impatient, poll, self.clock)
        places = [route for route in self.routes for _ in range(route.connections)]  #: one for each connection
        serving: list[asyncio.Task[None]] = []
        feeding = asyncio.create_task(feeder.feed())
        stopping = asyncio.create_task(self._obey(scheduler, sessions, serving))
        serving += [asyncio.create_task(sessions.serve(route)) for route in places]
        try:
            await asyncio.gather(feeding, *serving)
            await asyncio.gather(*settling.pending)
        finally:
            tasks = [feeding, stopping, *serving]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *settling.pending, return_exceptions=True)

    async def _obey(
        self, scheduler: Scheduler[Handle], sessions: Sessions[Handle], serving: list[asyncio.Task[None]]
    ) -> None:
        """Give what is in flight some time when somebody says stop; then close its connection."""
        await self.stop.wait()
        scheduler.halt()
        await asyncio.sleep(self.tuning.grace_seconds)
        sessions.given_up = True
        for task in serving:
            task.cancel()
