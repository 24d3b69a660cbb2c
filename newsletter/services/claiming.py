"""What is due is claimed or postponed: read, decided, then written in one transaction; and its mails are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

from newsletter.errors import NewsletterError
from newsletter.sender import Gate, Job, domain_of
from newsletter.services.accounting import Accounting
from newsletter.services.context import Context
from newsletter.services.editions import IssueEditions
from newsletter.services.prepared import PreparedIssue
from newsletter.store import Claim, Later
from newsletter.store.ledger import Ledger
from newsletter.types import Delivery, Outcome, Status, Subscriber

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
        door = _Door(gate, ledger.pauses(self._key, now), now)
        whose = ledger, self._key, self._sender
        while claims := claim_due(*whose, self._now(), most, door.later, stopped, door.settled):
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
        """One mail that cannot be rendered is refused with its reason and stops nobody else's.

        An empty one is skipped for who wants it so.
        """
        editions = self._store.editions.keep(self._editions.for_people(self._prepared, people))
        jobs, broken = [], []
        for claim, person, kept in zip(claims, people, editions, strict=True):
            if self._prepared.is_unwanted(person, kept):
                skipped = replace(claim.delivery, outcome=Outcome.SKIPPED, detail="nothing new fits their interests")
                broken.append(replace(claim, delivery=skipped))
                continue
            try:
                jobs.append(Job(claim, claim.delivery, self._prepared.render_mail(kept)))
            except NewsletterError as error:
                refused = replace(claim.delivery, outcome=Outcome.REFUSED, detail=f"not rendered: {error}")
                broken.append(replace(claim, delivery=refused))
        self._store.ledger.write([], broken)
        for claim in broken:
            self._on_settled(claim.delivery)
        return jobs


def claim_due(
    ledger: Ledger,
    key: str,
    sender: int,
    now: datetime,
    most: int,
    later: Callable[[str], Later | None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    settled: Callable[[bool, Sequence[str]], None] = lambda *_: None,
) -> list[Claim]:
    """Reserve up to `most` deliveries that are due, the longest due first; none when nothing is due.

    `later` tells of an address whether its mail must wait: such a delivery is not reserved, but due later. Where very
    many must, that takes a while; `stopped` ends it. `settled` is told after each round whether all was done as `later`
    said, and the addresses of what was reserved: other senders may have been quicker with the rest.
    """
    while due := ledger.due(key, now, most):
        address = {row.subscriber: row.address for row in due}
        postponed = {row.subscriber: wait for row in due if (wait := later(row.address))}
        taken = [row.subscriber for row in due if row.subscriber not in postponed]
        claims, all_free = ledger.claim(key, sender, now, taken, postponed)
        settled(all_free, [address[claim.delivery.subscriber] for claim in claims])
        if claims or stopped():
            return claims
    return []


class _Door:
    """What must wait that is due: mails to paused domains, and those that the gate does not let in."""

    def __init__(self, gate: Gate, pauses: Mapping[str, tuple[datetime, str]], now: datetime) -> None:
        self._gate = gate
        self._trial = gate.copied()
        self._pauses = pauses
        self._now = now

    def later(self, address: str) -> Later | None:
        domain = domain_of(address)
        if domain in self._pauses:
            return Later(self._pauses[domain][0] - self._now, kept=False)
        wait = self._trial.wait(domain)
        return Later(timedelta(seconds=wait)) if wait else None

    def settled(self, all_free: bool, addresses: Sequence[str]) -> None:
        """Count with the gate what came of it: where others were quicker, only what is ours."""
        if all_free:
            self._gate.adopt(self._trial)
        else:
            for address in addresses:
                self._gate.wait(domain_of(address))
        self._trial = self._gate.copied()
