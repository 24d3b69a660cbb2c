"""The ledger's side of a run: blocks are claimed ahead, and the marks of all connections are written together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf

from newsletter.errors import Withdrawn
from newsletter.sender import REST, Gate, Job, Trip
from newsletter.services.accounting import Accounting
from newsletter.services.claiming import Claimer
from newsletter.services.context import Context
from newsletter.services.editions import BLOCK
from newsletter.services.group_commit import GroupCommit
from newsletter.store import Claim, Later
from newsletter.types import Delivery, Outcome

logger = logging.getLogger("newsletter")


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
            await asyncio.to_thread(self._accounting.pause_issue, self._key, trip.reason, unless_paused=True)
            return
        logger.warning("domain paused", extra={"issue": self._key, "domain": trip.domain, "reason": trip.reason})
        await asyncio.to_thread(
            self._store.ledger.pause_domain, self._key, trip.domain, self._now() + REST, trip.reason
        )
        await self.hand_back(jobs, REST, kept=False)
