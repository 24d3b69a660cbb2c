"""What follows from an answer: what the ledger is told, who goes slower, and who is not sent to for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Generic

from newsletter.errors import DeliveryError, Refused, Uncertain
from newsletter.sender.circuit_breaker import Breaker, PolicyRefusal, Trip, policy_refusal
from newsletter.sender.connections import RelayPool, Session
from newsletter.sender.jobs import Handle, Job, Work
from newsletter.sender.phase import Phase
from newsletter.sender.rate_limit import RateHint, rate_hint, retry_delay
from newsletter.sender.turns import Scheduler
from newsletter.types import Delivery, Outcome

_NEVER = datetime.max.replace(tzinfo=UTC)


def delivery_after(
    job: Job[Handle], error: DeliveryError, now: datetime, retry: Sequence[timedelta], resend: bool = False
) -> Delivery:
    """Decide what the ledger says of a mail that was not accepted; what is refused for policy comes again."""
    told = replace(job.delivery, code=error.code, detail=str(error))
    if isinstance(error, Refused) and not policy_refusal(error):
        return replace(told, outcome=Outcome.REFUSED)
    if isinstance(error, Uncertain) and not resend:
        return replace(told, outcome=Outcome.UNCERTAIN)
    due = now + retry_delay(told.attempts + 1, retry, job.mail.message_id)
    return replace(told, outcome=Outcome.DEFERRED, due=min(due, told.expires or _NEVER))


@dataclass(slots=True)
class Settling(Generic[Handle]):
    """What the ledger is told of each mail; `pending` are the writes that are not durable yet."""

    work: Work[Handle]
    retry: Sequence[timedelta]
    resend: bool  #: what is uncertain is tried again like what is deferred
    now: Callable[[], datetime]
    on_settled: Callable[[Delivery], None]
    on_failure: Callable[[], None]  #: the ledger could not write; whoever waits for `pending` gets the error
    pending: set[asyncio.Future[Outcome]] = field(default_factory=set)

    def accepted(self, job: Job[Handle], words: str) -> None:
        accepted = replace(job.delivery, outcome=Outcome.ACCEPTED, code=250, detail=words, due=self.now())
        self._settle(job, accepted)

    def not_accepted(self, job: Job[Handle], error: DeliveryError) -> None:
        self._settle(job, delivery_after(job, error, self.now(), self.retry, self.resend))

    async def take_back(self, job: Job[Handle]) -> None:
        """Take the mark back, where it was asked for: the mail was certainly not sent."""
        if job.asked:
            await self.work.take_back(job.handle)

    def _settle(self, job: Job[Handle], delivery: Delivery) -> None:
        settled = replace(delivery, attempts=delivery.attempts + 1, message_id=job.mail.message_id)
        settling = self.work.settle(job.handle, settled)
        self.pending.add(settling)
        settling.add_done_callback(self._settled)
        self.on_settled(settled)

    def _settled(self, settling: asyncio.Future[Outcome]) -> None:
        if not settling.cancelled() and settling.exception():
            self.on_failure()
        else:
            self.pending.discard(settling)


@dataclass(slots=True)
class Throttle(Generic[Handle]):
    """Takes those out of memory that are not to be sent to for a while."""

    work: Work[Handle]
    scheduler: Scheduler[Handle]
    breaker: Breaker
    connections: int
    early_seconds: float  #: after which a slowed lane's mails are due again

    def accepted(self, domain: str) -> None:
        self.breaker.record(domain, None)

    async def not_accepted(self, domain: str, error: DeliveryError, slowed: bool = False) -> None:
        """Record an answer; pause what was refused too often, or hand back what a slowed lane has in memory."""
        if isinstance(error, Uncertain):
            trip = self.breaker.record_doubt(error, self.connections)
        else:
            trip = self.breaker.record(domain, error)
        if trip:
            await self._pause(trip)
        elif slowed:
            await self._hand_back(domain)

    async def _hand_back(self, domain: str) -> None:
        """What a lane that was slowed down has in memory would keep others out."""
        jobs = self.scheduler.drop(domain)
        with self.scheduler.returning():
            await self.work.hand_back(jobs, timedelta(seconds=self.early_seconds))

    async def _pause(self, trip: Trip) -> None:
        if not trip.domain:
            self.scheduler.halt()
        await self.work.pause(trip, self.scheduler.drop(trip.domain))
        self.scheduler.wake()


@dataclass(slots=True)
class Outcomes(Generic[Handle]):
    """What each end of a transaction means for the ledger, the lanes, the relay and the breaker."""

    scheduler: Scheduler[Handle]
    settling: Settling[Handle]
    throttle: Throttle[Handle]
    relays: RelayPool[Handle]
    patience_tries: int  #: of a mail on relays that hang up
    clock: Callable[[], float]

    def accepted(self, session: Session[Handle], job: Job[Handle], words: str, took: float) -> None:
        session.answered()
        self.settling.accepted(job, words)
        self.throttle.accepted(job.domain)
        self.scheduler.done(job, RateHint.FINE, took)

    async def not_accepted(
        self, session: Session[Handle], job: Job[Handle], error: DeliveryError, took: float
    ) -> RateHint:
        """Act on a no, a later, or silence after the last dot. Returns what it says about the relay's pace."""
        self.settling.not_accepted(job, error)
        if job.moved and session.fresh and error.code == 452:
            session.route.renewing_helps = False
        if isinstance(error, Uncertain):
            hint = RateHint.NOTHING
        else:
            hint = rate_hint(error)
            session.answered()
        about_relay = error.phase == Phase.MAIL
        slowed = self.scheduler.done(job, RateHint.NOTHING if about_relay else hint, took)
        await self.throttle.not_accepted(job.domain, error, slowed)
        return hint if about_relay or isinstance(error, Uncertain) else RateHint.FINE

    async def turned_away(self, session: Session[Handle], job: Job[Handle], error: DeliveryError) -> None:
        """Leave it to the connections that the relay takes, and open no other one for a while."""
        if not session.turned_away:  # by the first of its mails; a neighbour only knows that it is closed
            session.route.turned_away += 1
            session.route.crowded = self.relays.trouble = str(error)
        session.turned_away = session.failed = True
        job.moved += error.code == 421
        await self.settling.take_back(job)
        self.scheduler.put_back(job)

    async def moves(self, session: Session[Handle], job: Job[Handle], error: DeliveryError) -> None:
        """Send it again on a new connection: the relay has had enough of this one."""
        job.moved += 1
        self.relays.trouble = str(error)
        session.retry_alone.append(job)
        await self.settling.take_back(job)

    async def hung_up(self, session: Session[Handle], job: Job[Handle], error: DeliveryError) -> None:
        """Send it again, alone and on another connection; unless it is this mail that servers do not like."""
        if session.turned_away:  # with its neighbour
            await self.turned_away(session, job, error)
            return
        session.retry_alone.appendleft(job) if session.alone else session.retry_alone.append(job)
        await self.settling.take_back(job)
        self.relays.trouble = str(error)
        if policy_refusal(error) is PolicyRefusal.SENDER:
            await self.throttle.not_accepted(job.domain, error)
        session.failed = session.alone and session.fresh
        job.hung_up += session.failed
        put_off = job.hung_up >= self.patience_tries
        if put_off or (session.failed and len(self.relays.routes) > 1):  # several in a row: it is the relay after all
            self.relays.failed(session.route, error, self.clock())
        if put_off and not self.scheduler.halted:
            session.retry_alone.remove(job)
            self.settling.not_accepted(job, error)
            self.scheduler.done(job, RateHint.NOTHING)

    def withdrawn(self, job: Job[Handle]) -> None:
        """Leave it: the ledger has settled it, or another sender holds it."""
        self.scheduler.done(job, RateHint.NOTHING)

    async def given_up(self, job: Job[Handle]) -> None:
        """Settle what we were told to leave, or could not write down. Without its dot it was certainly not sent."""
        self.scheduler.done(job, RateHint.NOTHING)
        if job.begun:
            self.settling.not_accepted(job, Uncertain("given up before the server's answer"))
        else:
            await self.settling.take_back(job)
