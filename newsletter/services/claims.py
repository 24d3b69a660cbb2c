"""The ledger's side of a send: blocks are claimed, chosen and rendered; marks are written together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf

from newsletter.errors import NewsletterError, Withdrawn
from newsletter.sender import REST, Gate, Job, Trip, domain_of
from newsletter.services.accounting import Accounting
from newsletter.services.claiming import claim_due
from newsletter.services.context import Context
from newsletter.services.editions import IssueEditions
from newsletter.services.group_commit import GroupCommit
from newsletter.services.prepared import PreparedIssue
from newsletter.store import Claim, Later
from newsletter.types import Delivery, Outcome, Status, Subscriber

logger = logging.getLogger("newsletter")

BLOCK = 100  #: subscribers selected, rendered and claimed together
LISTEN = 5.0  #: seconds between two looks at the complaints about an issue that is being sent


class Claimer:
    """Claims a block of an issue's deliveries, and makes their mails."""

    def __init__(
        self,
        context: Context,
        editions: IssueEditions,
        accounting: Accounting,
        prepared: PreparedIssue,
        sender: int,
        on_settled: Callable[[Delivery], None],
    ) -> None:
        self._store = context.store
        self._now = context.now
        self._editions = editions
        self._accounting = accounting
        self._prepared = prepared
        self._sender = sender
        self._on_settled = on_settled
        self._key = prepared.issue.key
        self._listened = -inf  #: when it was looked for complaints
        self._expiry: datetime | None = None  #: of the first that waits

    def claim(self, gate: Gate, most: int, stopped: Callable[[], bool]) -> list[Job[Claim]]:
        """Claim a block, choose and keep its editions, render them; whoever left meanwhile is settled at once."""
        ledger, now = self._store.ledger, self._now()
        if not self._expiry or self._expiry <= now:
            ledger.expire(self._key, now)
            self._expiry = ledger.first_expiry(self._key) or datetime.max.replace(tzinfo=UTC)
        if self._paused():
            return []
        later = _Later(gate, ledger.pauses(self._key, now), now)
        while claims := claim_due(ledger, self._key, self._sender, self._now(), most, later, stopped):
            people = self._store.subscribers.many([claim.delivery.subscriber for claim in claims])
            wanting = {person.id: person for person in people if person.status is Status.ACTIVE}
            ledger.write([claim for claim in claims if claim.delivery.subscriber not in wanting], [])
            staying = [claim for claim in claims if claim.delivery.subscriber in wanting]
            jobs = self._jobs(staying, [wanting[claim.delivery.subscriber] for claim in staying])
            if jobs:
                return jobs
        return []

    def _paused(self) -> bool:
        """By anybody, or now, for complaints."""
        if self._store.issues.paused(self._key):
            return True
        now = time.monotonic()
        if now - self._listened < LISTEN:
            return False
        self._listened = now
        if reason := self._accounting.too_many_complaints(self._key):
            self._accounting.pause_issue(self._key, reason)
        return bool(reason)

    def _jobs(self, claims: Sequence[Claim], people: Sequence[Subscriber]) -> list[Job[Claim]]:
        """One mail that cannot be rendered is refused with its reason and stops nobody else's."""
        editions = self._store.editions.keep(self._editions.for_people(self._prepared, people))
        jobs, broken = [], []
        for claim, kept in zip(claims, editions, strict=True):
            try:
                jobs.append(Job(claim, claim.delivery, self._prepared.render_mail(kept)))
            except NewsletterError as error:
                refused = replace(claim.delivery, outcome=Outcome.REFUSED, detail=f"not rendered: {error}")
                broken.append(replace(claim, delivery=refused))
        self._store.ledger.write([], broken)
        for claim in broken:
            self._on_settled(claim.delivery)
        return jobs


class LedgerJobs:
    """What a run asks of the ledger (sender.jobs.Work)."""

    def __init__(
        self,
        context: Context,
        accounting: Accounting,
        claimer: Claimer,
        key: str,
        stopped: Callable[[], bool],
    ) -> None:
        self._store = context.store
        self._now = context.now
        self._accounting = accounting
        self._claimer = claimer
        self._key = key
        self._stopped = stopped
        self._commit = GroupCommit(context.store)

    async def claim(self, gate: Gate, most: int) -> Sequence[Job[Claim]]:
        return await asyncio.to_thread(self._claimer.claim, gate, min(most, BLOCK), self._stopped)

    async def comes_back(self) -> float:
        return await asyncio.to_thread(self._comes_back)

    def _comes_back(self) -> float:
        due = None if self._store.issues.paused(self._key) else self._store.ledger.comes_back(self._key)
        return (due - self._now()).total_seconds() if due else inf

    async def begin(self, handle: Claim) -> None:
        if await self._commit.begin(handle) is not Outcome.SENDING:
            raise Withdrawn

    async def take_back(self, handle: Claim) -> None:
        await self._commit.settle(handle)

    def settle(self, handle: Claim, delivery: Delivery) -> asyncio.Future[Outcome]:
        ids = {"issue": delivery.issue, "subscriber": delivery.subscriber}
        logger.info("settled", extra={**ids, "outcome": delivery.outcome.value, "code": delivery.code})
        return self._commit.settle(replace(handle, delivery=delivery))

    async def hand_back(self, jobs: Sequence[Job[Claim]], wait: timedelta, kept: bool = True) -> None:
        claims, later = [job.handle for job in jobs], Later(wait, kept)
        await asyncio.to_thread(self._store.ledger.hand_back, claims, later, self._now())

    async def pause(self, trip: Trip, jobs: Sequence[Job[Claim]]) -> None:
        if not trip.domain:
            await asyncio.to_thread(self._accounting.pause_issue, self._key, trip.reason)
            return
        logger.warning("domain paused", extra={"issue": self._key, "domain": trip.domain, "reason": trip.reason})
        await asyncio.to_thread(self._store.ledger.pause, self._key, trip.domain, self._now() + REST, trip.reason)
        await self.hand_back(jobs, REST, kept=False)


@dataclass(frozen=True, slots=True)
class _Later:
    """What must wait that is due: mails to paused domains, and those that the gate does not let in."""

    gate: Gate
    pauses: Mapping[str, tuple[datetime, str]]
    now: datetime

    def __call__(self, address: str) -> Later | None:
        domain = domain_of(address)
        if domain in self.pauses:
            return Later(self.pauses[domain][0] - self.now, kept=False)
        wait = self.gate.wait(domain)
        return Later(timedelta(seconds=wait)) if wait else None
