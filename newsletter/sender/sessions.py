"""Conversations with a relay: one connection after another, each shared by as many workers as it says are of use."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Generic

from newsletter.errors import DeliveryError, HostDown, Uncertain, Withdrawn
from newsletter.sender.connections import RelayPool, Session
from newsletter.sender.jobs import Handle, Job, Work
from newsletter.sender.outcomes import Outcomes
from newsletter.sender.phase import Phase
from newsletter.sender.rate_limit import RateHint, crowded, rate_hint
from newsletter.sender.relay import Route
from newsletter.sender.tuning import DispatchTuning
from newsletter.sender.turns import Scheduler


class Sessions(Generic[Handle]):
    """Keeps connections busy: each worker takes the next job, sends it, and says what became of it."""

    def __init__(
        self,
        work: Work[Handle],
        scheduler: Scheduler[Handle],
        relays: RelayPool[Handle],
        outcomes: Outcomes[Handle],
        tuning: DispatchTuning,
        clock: Callable[[], float],
    ) -> None:
        self.given_up = False  #: what is still in flight is cancelled, and that is no error
        self._work = work
        self._scheduler = scheduler
        self._relays = relays
        self._outcomes = outcomes
        self._tuning = tuning
        self._clock = clock

    async def serve(self, route: Route) -> None:
        """Keep one connection to a relay, or open the next one, until nothing more is to be done."""
        retry_alone: deque[Job[Handle]] = deque()
        try:
            failed = 0  #: in a row
            while not self._scheduler.over():
                failed = 0 if await self._serve_once(route, failed, retry_alone) else failed + 1
        except asyncio.CancelledError:
            if not self.given_up:
                raise
        finally:
            self._put_back(retry_alone)

    async def _serve_once(self, route: Route, failed: int, retry_alone: deque[Job[Handle]]) -> bool:
        """Hold one session when there is something to send; False: it failed before anything was answered."""
        job = None
        if failed:
            connection = await self._relays.open_again(route, failed)
        elif retry_alone:
            connection = await self._relays.open(route)
        elif job := await self._scheduler.next():
            connection = await self._relays.open(route, job)
        else:
            return True
        if not connection:
            self._put_back(retry_alone)
            return False
        session = Session(route, connection, retry_alone, route.mails or inf)
        await self._hold(session, job)
        if session.failed and len(self._relays.routes) > 1:
            self._put_back(retry_alone)
        return not session.failed

    def _put_back(self, jobs: deque[Job[Handle]]) -> None:
        """Leave them to another relay."""
        while jobs:
            self._scheduler.put_back(jobs.pop())

    async def _hold(self, session: Session[Handle], job: Job[Handle] | None) -> None:
        """Send first who was in flight when the last one ended, each alone; then as many at once as are of use."""
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._send_alone(session)
            others = (self._run_worker(session, None) for _ in range(session.connection.ahead - 1))
            tasks += [asyncio.create_task(worker) for worker in (self._run_worker(session, job), *others)]
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            session.route.open -= 1
            patience = self._tuning.goodbye_seconds if self._scheduler.halted else None
            with suppress(TimeoutError):
                await asyncio.wait_for(session.connection.close(), patience)

    async def _send_alone(self, session: Session[Handle]) -> None:
        """Send one at a time, so that nobody pays for a neighbour that servers hang up on."""
        session.alone = True
        while session.retry_alone and session.mails_left and not session.over:
            job = session.retry_alone.popleft()
            if await self._may_go(session, job):
                await self._send_at_pace(session, job)
        session.alone = False

    async def _run_worker(self, session: Session[Handle], job: Job[Handle] | None) -> None:
        """Send one mail after the other, until the connection is used up."""
        idle_seconds = self._tuning.idle_seconds
        while session.mails_left and not session.over:
            job = job or await self._scheduler.next(idle_seconds, session.requests)
            if not job:
                return
            if await self._may_go(session, job):
                await self._send_at_pace(session, job)
            job = None

    async def _may_go(self, session: Session[Handle], job: Job[Handle]) -> bool:
        """Wait until the relay's own lane is open; False: the job is somebody else's."""
        now, lane = self._clock(), session.route.lane
        wait = lane.opens(now) - now
        lane.start(now)
        try:
            if wait > 0:
                await self._scheduler.rest(wait)
        except BaseException:
            self._scheduler.put_back(job)
            raise
        if session.over or not session.mails_left or self._scheduler.halted:
            lane.put_back()
            self._scheduler.put_back(job)
            return False
        session.mails_left -= 1
        return True

    async def _send_at_pace(self, session: Session[Handle], job: Job[Handle]) -> None:
        hint = RateHint.NOTHING
        try:
            hint = await self._send(session, job)
        finally:
            session.route.lane.done(self._clock(), hint)

    async def _send(self, session: Session[Handle], job: Job[Handle]) -> RateHint:
        """Send one mail. Returns what the answer says about the relay's pace."""
        outcomes, began = self._outcomes, self._clock()
        job.asked = job.begun = False
        try:
            words = await session.connection.send(job.mail, partial(self._begin, job))
        except Withdrawn:
            session.end()
            outcomes.withdrawn(job)
            return RateHint.NOTHING
        except DeliveryError as error:
            return await self._not_accepted(session, job, error, self._clock() - began)
        except BaseException:
            await outcomes.given_up(job)
            raise
        outcomes.accepted(session, job, words, self._clock() - began)
        return RateHint.FINE

    async def _not_accepted(
        self, session: Session[Handle], job: Job[Handle], error: DeliveryError, took: float
    ) -> RateHint:
        """Say whether it was about the mail or about the connection, which ends then."""
        outcomes = self._outcomes
        if session.one_too_many(error, job, self._tuning.relay_patience_tries):
            session.end()
            await outcomes.turned_away(session, job, error)
            return RateHint.NOTHING
        if isinstance(error, HostDown) or (session.fresh and error.phase == Phase.MAIL and crowded(error)):
            session.end()
            hint = rate_hint(error) if session.fresh else RateHint.NOTHING
            await outcomes.hung_up(session, job, error)
            return hint
        if session.worn_out(error, job):
            session.end()
            await outcomes.moves(session, job, error)
            return RateHint.NOTHING
        if isinstance(error, Uncertain):
            session.end()
        return await outcomes.not_accepted(session, job, error, took)

    async def _begin(self, job: Job[Handle]) -> None:
        """Mark a mail as begun, in the ledger and here."""
        job.asked = True
        await self._work.begin(job.handle)
        job.begun = True
