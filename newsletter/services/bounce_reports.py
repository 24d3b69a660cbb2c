"""What comes back ─▶ subscribers: reports are read, believed or not, and obeyed once.

    mailbox, web hook ─▶ BounceReport ─ our tokens? ─▶ Candidate ─ policy ─▶ store (bounces, status), one transaction

A report changes somebody only when it holds a token of ours (or a provider has signed it) and names their address.
An accepted delivery stays accepted: both are facts.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from newsletter.bounces import BounceReport, Effect, Reason, RecipientReport, ReportKind
from newsletter.bounces.leaving import LeaveByMail
from newsletter.bounces.mailboxes import Mailbox
from newsletter.bounces.policy import counted, status_after
from newsletter.bounces.reading import LetterReader
from newsletter.bounces.verp import Candidate, ReturnPath, believed, candidate, message_ids
from newsletter.errors import UnknownSubscriber
from newsletter.services.context import Context
from newsletter.types import Bounce, Status

logger = logging.getLogger("newsletter")

SEVERAL = "ignored: tokens of several people"
NOT_OURS = "ignored: not ours"
ANOTHER = "ignored: another address than ours"
KNOWN = "none: known already"
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Heeded:
    """What one report said of one recipient, and what was done about it."""

    name: str  #: of the file, or what the mailbox calls it
    kind: ReportKind
    recipient: str
    reason: str  #: "" where there is none
    hard: bool
    action: str  #: "bounced", "complained", "counted: 2 of 3", "none", "ignored: not ours" …

    @property
    def ended(self) -> bool:
        """Whether the person gets no more mail."""
        return self.action in (Status.BOUNCED, Status.COMPLAINED, Status.UNSUBSCRIBED)


def ended_by(heeded: Iterable[Heeded]) -> list[str]:
    """In a line each, how many people get no more mail, and why."""
    left = Counter(one.kind is ReportKind.UNSUBSCRIBE for one in heeded if one.ended)
    told = ((left[False], "bounced or complained"), (left[True], "unsubscribed by mail"))
    return [f"{number} subscribers {what}" for number, what in told if number]


class BounceReports:
    """The service that believes reports or not, and obeys those that it believes."""

    def __init__(self, context: Context, path: ReturnPath, leaving: LeaveByMail) -> None:
        """Take the limits from [bounces]: so many soft bounces, within that time, are as good as a hard one."""
        section = context.settings.bounces
        self._store = context.store
        self._path = path
        self._leaving = leaving
        self._limit = section.soft_limit
        self._within = section.soft_within
        self._now = context.now

    def read(
        self,
        mailbox: Mailbox,
        keep: bool = True,
        on_read: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[Heeded]:
        """Read everything that waits there; a report is marked as done only when what it led to is durable."""
        done: list[Heeded] = []
        with LetterReader() as letters:
            for raw in mailbox.reports():
                if stopped():
                    break
                done += self.heed(letters.read(raw.data), raw.name, keep)
                if keep:
                    mailbox.done(raw)
                on_read()
        return done

    def heed(self, report: BounceReport, name: str, keep: bool = True, signed: bool = False) -> list[Heeded]:
        """Obey a report; `signed`: by a provider, which is believed on any address. `keep` False changes nothing."""
        if not report.recipients:
            return [Heeded(name, report.kind, "", "", False, _nothing(report))]
        if report.kind is ReportKind.UNSUBSCRIBE and not signed:
            return [self._leave(report, report.recipients[0], name, keep)]
        candidates = self._candidates(report.trace) if _tells_of_people(report) else []
        return [self._heed(report, finding, candidates, name, keep, signed) for finding in report.recipients]

    def _heed(
        self,
        report: BounceReport,
        finding: RecipientReport,
        candidates: Sequence[Candidate],
        name: str,
        keep: bool,
        signed: bool,
    ) -> Heeded:
        action = _nothing(report)
        if _tells_of_people(report) and finding.reason is not Reason.DELIVERED:
            action = self._act(report, finding, candidates, keep, signed)
        logger.info("report", extra={"kind": report.kind.value, "reason": finding.reason.value, "action": action})
        return Heeded(name, report.kind, finding.recipient, finding.reason.value, finding.hard, action)

    def _leave(self, report: BounceReport, finding: RecipientReport, name: str, keep: bool) -> Heeded:
        """Unsubscribe whom the token of the mail names, whoever wrote it."""
        numbers = self._leaving.leaving(report.asks)
        people = self._store.subscribers.many(sorted(numbers))
        action, who, reason = SEVERAL if people else NOT_OURS, finding.recipient, finding.reason.value
        if len(people) == 1 == len(numbers):
            [person] = people
            new = Bounce(report.digest, person.id, "", reason, hard=False, counts=False, at=self._now())
            action, who = self._acted(new, finding.effect, keep), person.email
        logger.info("report", extra={"kind": report.kind.value, "reason": reason, "action": action})
        return Heeded(name, report.kind, who, reason, False, action)

    def _act(
        self, report: BounceReport, finding: RecipientReport, candidates: Sequence[Candidate], keep: bool, signed: bool
    ) -> str:
        person = believed(finding, candidates) or (self._known(finding) if signed else None)
        if person is None:
            return ANOTHER if candidates else NOT_OURS
        counts = finding.effect is Effect.COUNTS
        reason, now = finding.reason.value, self._now()
        new = Bounce(report.digest, person.subscriber, person.issue, reason, finding.hard, counts, now)
        return self._acted(new, finding.effect, keep)

    def _acted(self, new: Bounce, effect: Effect, keep: bool) -> str:
        judged = self._judge(new, effect, keep)
        if judged is None:
            return KNOWN
        status, count = judged
        if status:
            logger.info("status", extra={"subscriber": new.subscriber, "status": status.value})
            return status.value
        return f"counted: {min(count, self._limit)} of {self._limit}" if new.counts else NOTHING

    def _judge(self, new: Bounce, effect: Effect, keep: bool) -> tuple[Status | None, int] | None:
        """Return (the status that it makes of the person, soft bounces that count); None for a bounce that is known.

        Judged by what is known of the person, and again where that changes before it is kept.
        """
        bounces = self._store.bounces
        while seen := bounces.history(new.subscriber, new.report):
            count = counted(new, seen.earlier, self._within)
            status = status_after(effect, seen.status, count, self._limit)
            if not keep or bounces.record(replace(new, status=status), seen):
                return status, count
        return None

    def _candidates(self, trace: str) -> list[Candidate]:
        """The people whom the tokens and the Message-IDs in a text name."""
        signs, ids = self._path.tokens(trace), message_ids(trace)
        named = self._store.editions.named(ids) if ids else []
        numbers = sorted({sign.subscriber for sign in signs})
        latest = self._store.editions.latest_of(numbers) if numbers else []
        people = self._store.subscribers.many([*numbers, *(addressed.subscriber for addressed in named)])
        address = {person.id: person.email for person in people}
        went: dict[int, list[tuple[str, str]]] = {}
        for addressed in latest:
            went.setdefault(addressed.subscriber, []).append((addressed.issue, addressed.email))
        by_sign = [candidate(sign, address.get(sign.subscriber, ""), went.get(sign.subscriber, [])) for sign in signs]
        by_id = [
            Candidate(addressed.subscriber, addressed.issue, (address.get(addressed.subscriber, ""), addressed.email))
            for addressed in named
        ]
        return [person for person in (*by_id, *by_sign) if person.subscriber in address]

    def _known(self, finding: RecipientReport) -> Candidate | None:
        """Find a person by address alone: for a report that a provider has signed."""
        for address in (finding.recipient, *finding.also):
            try:
                person = self._store.subscribers.find(address)
            except UnknownSubscriber:
                continue
            return Candidate(person.id, "", (person.email,))
        return None


def _nothing(report: BounceReport) -> str:
    return f"{NOTHING}: {report.note}" if report.note else NOTHING


def _tells_of_people(report: BounceReport) -> bool:
    """Whether a report tells of people: none by a machine that answers does, nor one on authentication."""
    return report.kind in (ReportKind.BOUNCE, ReportKind.COMPLAINT, ReportKind.UNSUBSCRIBE) and not report.note
