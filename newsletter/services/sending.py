"""Sending: an issue to all who are due, as files, or as one mail to somebody who tries it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from pathlib import Path

from newsletter.errors import InputError, UnknownSubscriber
from newsletter.schedule import is_zone
from newsletter.sender import REST, DispatchTuning, FolderTransport, Pace, Route, Run, Transport, shared_out
from newsletter.services.accounting import Accounting
from newsletter.services.claiming import Claimer
from newsletter.services.claims import LedgerJobs
from newsletter.services.context import Context
from newsletter.services.editions import BLOCK, IssueEditions
from newsletter.services.lease import Lease, LeaseTuning
from newsletter.services.prepared import PreparedIssue
from newsletter.services.single_mail import SingleMails, no_ledger
from newsletter.store import Ahead, Claim
from newsletter.types import Delivery, Edition, IssueState, Outcome, Status, Subscriber, Tally

logger = logging.getLogger("newsletter")


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run of `send` did."""

    tally: Tally
    outcomes: Counter[Outcome]  #: of this run only
    trouble: str  #: why it ended early, in the server's words or ours
    stopped: bool  #: ended early because somebody asked
    ahead: Ahead  #: who waits for a time of their own
    crowded: str = ""  #: the words of a relay that wanted fewer connections


@dataclass(frozen=True, slots=True)
class SendTuning:
    """How patient sending is."""

    lease: LeaseTuning = field(default_factory=LeaseTuning)
    dispatch: DispatchTuning = field(default_factory=lambda: DispatchTuning())


class Sending:
    """Sends issues."""

    def __init__(
        self,
        context: Context,
        editions: IssueEditions,
        accounting: Accounting,
        single_mails: SingleMails,
        routes: Sequence[Route],
        pace: Pace,
        tuning: SendTuning,
    ) -> None:
        self._context = context
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._editions = editions
        self._accounting = accounting
        self._single_mails = single_mails
        self.routes = routes
        self._pace = pace
        self._tuning = tuning

    async def send(
        self,
        key: str,
        transport: Transport | None = None,
        connections: int = 0,
        stop: asyncio.Event | None = None,
        on_settled: Callable[[Delivery], None] = lambda _: None,
        turn: float = inf,
        everybody: bool = False,
    ) -> Sent:
        """Send what is due, or to `everybody` who waits; safe to run again, safe to kill, safe to run twice at once.

        Ends when nothing is due, no lane is waited for and no other sender holds anything, when `stop` is set (after
        the mails in flight), when all relays are down, or when the issue is paused. After `turn` seconds it no longer
        waits for lanes. Raises UnknownIssue, StoreError, and InputError where the issue was cancelled.
        """
        stop = stop or asyncio.Event()
        await asyncio.to_thread(self._open, key, everybody)
        prepared = await asyncio.to_thread(self._editions.prepared, key)
        outcomes: Counter[Outcome] = Counter()

        def settled(delivery: Delivery) -> None:
            outcomes[delivery.outcome] += 1
            on_settled(delivery)

        async with Lease(self._store, self._now, self._tuning.lease).held() as sender:
            run = Run(
                work=self._jobs(prepared, sender, settled, stop.is_set),
                routes=self._routes(transport, connections),
                pace=self._pace,
                breaker=self._accounting.breaker(key),
                retry=self._settings.smtp.retry,
                now=self._now,
                stop=stop,
                on_settled=settled,
                resend=self._settings.smtp.uncertain == "resend",
                turn=turn,
                tuning=self._tuning.dispatch,
            )
            await self._until_nobody_holds_any(run, key, sender)
        for route in run.routes:
            if route.crowded:
                logger.warning("fewer connections", extra={"issue": key, "reason": route.crowded})
        tally = await asyncio.to_thread(self._accounting.close, key)
        trouble = f"{key} is paused: {tally.paused}" if tally.paused else run.trouble if run.gave_up else ""
        ahead = await asyncio.to_thread(self._store.waiting.ahead, key, self._now())
        zone = ahead.timezone if is_zone(ahead.timezone) else self._settings.schedule.timezone
        crowded = next((route.crowded for route in run.routes if route.crowded), "")
        return Sent(tally, outcomes, trouble, stop.is_set(), ahead._replace(timezone=zone), crowded)

    def _open(self, key: str, everybody: bool) -> None:
        """Take the issue on: whoever may send it goes on from now."""
        state, now = self._store.issues.get(key).state, self._now()
        if state is IssueState.CANCELLED:
            raise InputError(f"{key} was cancelled; `newsletter plan --key {key}` makes it anew.")
        if state is IssueState.DRAFT:
            self._store.issues.approve(key, now + self._settings.schedule.expire_after)
        self._store.issues.set_state(key, IssueState.SENDING)
        if everybody:
            self._store.waiting.due_now(key, now)

    def _jobs(
        self,
        prepared: PreparedIssue,
        sender: int,
        settled: Callable[[Delivery], None],
        stopped: Callable[[], bool],
    ) -> LedgerJobs:
        claimer = Claimer(self._context, self._editions, self._accounting, prepared, sender, settled)
        return LedgerJobs(self._context, self._accounting, claimer, prepared.issue.key, stopped)

    def _routes(self, transport: Transport | None, connections: int) -> Sequence[Route]:
        """The relays; each with its share, where somebody wants another number of connections."""
        if transport:
            return [Route(transport, connections or self._settings.smtp.connections)]
        if not connections:
            return self.routes
        shares = shared_out(connections, [route.connections for route in self.routes])
        return [replace(route, connections=share) for route, share in zip(self.routes, shares, strict=True)]

    async def _until_nobody_holds_any(self, run: Run[Claim], key: str, sender: int) -> None:
        """A dead sender's claims are free again when its lease ends; wait for that rather than forget them."""
        while True:
            await asyncio.to_thread(self._recover, key)
            await run.finish()
            if run.stop.is_set() or run.gave_up:
                return
            if await asyncio.to_thread(self._store.issues.paused, key):
                return
            if run.impatient() or not await asyncio.to_thread(self._store.ledger.held, key, sender):
                return
            await asyncio.sleep(self._tuning.lease.renew_seconds / 2)

    def _recover(self, key: str) -> None:
        """What a dead sender left behind; in doubt goes again where that is configured."""
        now = self._now()
        self._store.ledger.recover(key, now, 2 * self._tuning.lease.length)
        self._store.waiting.bring_forward(key, now, now + self._latest_retry())
        if self._settings.smtp.uncertain == "resend":
            self._accounting.resolve(key, Outcome.PLANNED)

    def is_due(self, key: str) -> bool:
        """Whether anybody's mail of this issue is due now."""
        now = self._now()
        self._store.waiting.bring_forward(key, now, now + self._latest_retry())
        due = self._store.ledger.next_due(key)
        return due is None or due <= now

    def _latest_retry(self) -> timedelta:
        """Nothing that was tried is due later than that, if the clock was right then."""
        return 2 * max(self._settings.smtp.retry, default=timedelta()) + REST

    async def dry_run(self, key: str, folder: Path, on_written: Callable[[], None] = lambda: None) -> int:
        """Write one .eml for each delivery that still waits; the ledger stays as it is. Returns how many."""
        connection = await FolderTransport(folder).open()
        prepared = await asyncio.to_thread(self._editions.prepared, key)
        waiting = await asyncio.to_thread(self._store.ledger.waiting, key)
        for start in range(0, len(waiting), BLOCK):
            people = await asyncio.to_thread(self._store.subscribers.many, waiting[start : start + BLOCK])
            for kept in await asyncio.to_thread(self._editions.for_people, prepared, people):
                await connection.send(prepared.render_mail(kept), no_ledger)
                on_written()
        return len(waiting)

    async def send_test(self, key: str, address: str) -> str:
        """Send one mail to `address`, outside the ledger; its links open nobody's pages. Returns the server's words.

        The edition is that of the subscriber with this address, or else of the first one of the audience.
        """
        prepared = await asyncio.to_thread(self._editions.prepared, key)
        try:
            person = self._store.subscribers.find(address)
        except UnknownSubscriber:
            first = next(self._store.subscribers.listed(Status.ACTIVE), Subscriber(0, address))
            person = replace(first, name="")
        return await self.send_trial(prepared, self._editions.edition(prepared, person).edition, address)

    async def send_trial(self, prepared: PreparedIssue, edition: Edition, address: str) -> str:
        """Send this very edition to `address`, outside the ledger, with links that open nobody's pages.

        Returns the server's words; raises DeliveryError.
        """
        test = replace(edition, subscriber=replace(edition.subscriber, id=0, email=address))
        return await self._single_mails.send(prepared.render_mail(prepared.kept(test, self._now())))
