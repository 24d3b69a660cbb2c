"""The accounting of an issue: what became of its mails; paused, resumed, and settled by hand."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from newsletter.sender import Breaker, too_many_complaints
from newsletter.services.context import Context
from newsletter.services.progress import RATE_WINDOW, Progress, progress
from newsletter.store import Ahead
from newsletter.types import Delivery, Issue, IssueState, Outcome, Tally

logger = logging.getLogger("newsletter")


class Accounting:
    """What the ledger says, and what people decide about it."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._now = context.now
        self._breakers: dict[str, Breaker] = {}

    def issues(self) -> list[Issue]:
        """All issues, newest first."""
        return self._store.issues.listed()

    def tally(self, key: str) -> Tally:
        """The figures of an issue; raises UnknownIssue."""
        return self._store.ledger.tally(self._store.issues.get(key).key)

    def ahead(self, key: str) -> Ahead:
        """Who waits for a time of their own; raises UnknownIssue."""
        return self._store.waiting.ahead(self._store.issues.get(key).key, self._now())

    def papers(self, key: str) -> int:
        """How many papers are in the pool of an issue."""
        return self._store.issues.papers(key)

    def having(self, key: str, outcome: Outcome, most: int | None = None) -> Sequence[tuple[Delivery, str]]:
        """(delivery, address) of all deliveries with this outcome, or of the first. Raises UnknownIssue."""
        return self._store.ledger.having(self._store.issues.get(key).key, outcome, most)

    def close(self, key: str) -> Tally:
        """Do the accounting; the issue is done only when it adds up with nobody waiting."""
        tally = self._store.ledger.tally(key)
        done = tally.adds_up() and not tally.waiting
        state = IssueState.DONE if done else IssueState.SENDING
        if tally.state is not state:
            self._store.issues.set_state(key, state)
        return replace(tally, state=state)

    def progress(self, key: str) -> Progress:
        """How its send goes, whoever sends. Raises UnknownIssue."""
        now, key = self._now(), self._store.issues.get(key).key
        return progress(
            self._store.ledger.tally(key),
            self._store.domains.tallied(key, now - RATE_WINDOW),
            self._store.domains.reasons(key),
            self._store.ledger.pauses(key, now),
            now,
        )

    def breaker(self, key: str) -> Breaker:
        """The circuit breaker of an issue; it outlives a run, until somebody resumes the issue."""
        return self._breakers.setdefault(key, Breaker())

    def pause_issue(self, key: str, reason: str, unless_paused: bool = False) -> None:
        """Let nobody send it, from their next block on, until `resume_issue`. Raises UnknownIssue.

        `unless_paused`: the first reason stays, as where several connections are refused at once.
        """
        self._store.issues.get(key)
        self._store.issues.pause_issue(key, reason, unless_paused)
        logger.warning("paused", extra={"issue": key, "reason": reason})

    def resume_issue(self, key: str) -> str:
        """Let the schedule send it again, to all domains; returns why it was paused. Raises UnknownIssue.

        The complaints of today do not pause it again, more of them may.
        """
        self._store.issues.get(key)
        reason = self._store.issues.paused(key)
        self._breakers.pop(key, None)
        self._store.issues.resume(key, self._store.ledger.complaints(key))
        return reason

    def too_many_complaints(self, key: str) -> str:
        """Why an issue is to be paused for complaints; "" where there are not too many."""
        complaints = self._store.ledger.complaints(key)
        new = complaints - self._store.issues.excused(key)
        if not too_many_complaints(new, 0):
            return ""
        accepted = self._store.ledger.tally(key).accepted
        return f"{complaints} of {accepted} complained" if too_many_complaints(new, accepted) else ""

    def resolve(self, key: str, verdict: Outcome, accepted: Iterable[str] | None = None) -> int:
        """Settle the uncertain deliveries of an issue; returns how many.

        With `accepted` (Message-IDs that the relay is known to have queued) these become ACCEPTED and the others get
        `verdict`; without it all do. PLANNED sends again, the same bytes.
        """
        uncertain = self._store.ledger.having(key, Outcome.UNCERTAIN)
        known = set(accepted or ())
        verdicts = [
            (delivery.subscriber, Outcome.ACCEPTED, "the relay had it")
            if delivery.message_id in known
            else (delivery.subscriber, verdict, delivery.detail)
            for delivery, _ in uncertain
        ]
        settled = [
            (subscriber, outcome, detail)
            for subscriber, outcome, detail in verdicts
            if outcome is not Outcome.UNCERTAIN
        ]
        changed = self._store.ledger.resolve(key, settled, self._now())
        self.close(key)
        return changed
