"""What comes back ─▶ subscribers: reports are read, believed or not, and obeyed once.

    mailbox, web hook ─▶ Report ─ signs of ours? ─▶ Candidate ─ verdict ─▶ store (bounces, status), one transaction

A report changes somebody only when it holds a token of ours (or a provider has signed it) and names their address.
An accepted delivery stays accepted: both are facts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from newsletter.bounces import Effect, Finding, Kind, Reason, Report, read_mail
from newsletter.bounces.mailboxes import Mailbox
from newsletter.bounces.policy import counted, verdict
from newsletter.bounces.verp import Candidate, ReturnPath, believed, candidate, message_ids
from newsletter.errors import UnknownSubscriber
from newsletter.formats import one_line
from newsletter.store import Store
from newsletter.types import Bounce, Status

logger = logging.getLogger("newsletter")

NOT_OURS = "ignored: not ours"
ANOTHER = "ignored: another address than ours"
KNOWN = "none: known already"
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Heeded:
    """What one report said of one recipient, and what was done about it."""

    name: str  #: of the file, or what the mailbox calls it
    kind: Kind
    recipient: str
    reason: str  #: "" where there is none
    hard: bool
    action: str  #: "bounced", "complained", "counted: 2 of 3", "none", "ignored: not ours" …

    @property
    def ended(self) -> bool:
        """The person gets no more mail."""
        return self.action in (Status.BOUNCED, Status.COMPLAINED)


class Returns:
    """Made by the engine."""

    def __init__(
        self, store: Store, path: ReturnPath, limit: int, within: timedelta, now: Callable[[], datetime]
    ) -> None:
        """`limit` soft bounces `within` that time are as good as a hard one."""
        self._store = store
        self._path = path
        self._limit = limit
        self._within = within
        self._now = now

    def read(
        self,
        mailbox: Mailbox,
        keep: bool = True,
        on_read: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[Heeded]:
        """Everything that waits there; each is marked as done only when what it led to is durable."""
        done: list[Heeded] = []
        for letter in mailbox.letters():
            if stopped():
                break
            done += self.heed(read_mail(letter.data), letter.name, keep)
            if keep:
                mailbox.done(letter)
            on_read()
        return done

    def heed(self, report: Report, name: str, keep: bool = True, signed: bool = False) -> list[Heeded]:
        """Obey a report; `signed`: by a provider, which is believed on any address. `keep` False changes nothing."""
        if not report.findings:
            return [Heeded(name, report.kind, "", "", False, NOTHING)]
        candidates = self._candidates(report.trace) if _tells_of_people(report) else []
        return [self._heed(report, each, candidates, name, keep, signed) for each in report.findings]

    def _heed(
        self, report: Report, finding: Finding, candidates: Sequence[Candidate], name: str, keep: bool, signed: bool
    ) -> Heeded:
        action = f"{NOTHING}: {report.note}" if report.note else NOTHING
        if _tells_of_people(report) and finding.reason is not Reason.DELIVERED:
            action = self._act(report, finding, candidates, keep, signed)
        logger.info("report", extra={"kind": report.kind.value, "reason": finding.reason.value, "action": action})
        return Heeded(name, report.kind, finding.recipient, finding.reason.value, finding.hard, action)

    def _act(self, report: Report, finding: Finding, candidates: Sequence[Candidate], keep: bool, signed: bool) -> str:
        person = believed(finding, candidates) or (self._known(finding) if signed else None)
        if person is None:
            return ANOTHER if candidates else NOT_OURS
        counts = finding.effect is Effect.COUNTS
        reason, now = finding.reason.value, self._now()
        new = Bounce(report.digest, person.subscriber, person.issue, reason, finding.hard, counts, now)
        judged = self._judge(new, finding.effect, keep)
        if judged is None:
            return KNOWN
        status, count = judged
        if status:
            logger.info("status", extra={"subscriber": new.subscriber, "status": status.value})
            return status.value
        return f"counted: {min(count, self._limit)} of {self._limit}" if counts else NOTHING

    def _judge(self, new: Bounce, effect: Effect, keep: bool) -> tuple[Status | None, int] | None:
        """(the status that the bounce makes of the person, soft bounces that count); None where it is known already.

        Judged by what is known of the person, and again where that changes before it is kept.
        """
        bounces = self._store.bounces
        while seen := bounces.history(new.subscriber, new.report):
            count = counted(new, seen.earlier, self._within)
            status = verdict(effect, seen.status, count, self._limit)
            if not keep or bounces.record(replace(new, status=status), seen):
                return status, count
        return None

    def _candidates(self, trace: str) -> list[Candidate]:
        """Whom the tokens and the Message-IDs in a text name."""
        signs, ids = self._path.signs(trace), message_ids(trace)
        named = self._store.editions.named(ids) if ids else []
        numbers = sorted({sign.subscriber for sign in signs})
        latest = self._store.editions.latest_of(numbers) if numbers else []
        people = self._store.subscribers.many([*numbers, *(each.subscriber for each in named)])
        address = {person.id: person.email for person in people}
        went: dict[int, list[tuple[str, str]]] = {}
        for each in latest:
            went.setdefault(each.subscriber, []).append((each.issue, each.email))
        by_sign = [candidate(sign, address.get(sign.subscriber, ""), went.get(sign.subscriber, [])) for sign in signs]
        by_id = [
            Candidate(each.subscriber, each.issue, (address.get(each.subscriber, ""), each.email)) for each in named
        ]
        return [each for each in (*by_id, *by_sign) if each.subscriber in address]

    def _known(self, finding: Finding) -> Candidate | None:
        """By address alone: for who is signed by a provider."""
        for address in (finding.recipient, *finding.also):
            try:
                person = self._store.subscribers.find(address)
            except UnknownSubscriber:
                continue
            return Candidate(person.id, "", (person.email,))
        return None


def _tells_of_people(report: Report) -> bool:
    """Answering machines do not, nor do reports on authentication, whatever addresses they name."""
    return report.kind in (Kind.BOUNCE, Kind.COMPLAINT) and not report.note


def rows(heeded: Iterable[Heeded]) -> Iterable[dict[str, object]]:
    """For JSON Lines and tables: what others wrote has no control characters, and is Unicode."""
    for each in heeded:
        yield {
            "file": _shown(each.name),
            "recipient": _shown(each.recipient),
            "kind": each.kind.value,
            "reason": each.reason,
            "hard": each.hard,
            "action": each.action,
        }


def _shown(text: str) -> str:
    return one_line(text.encode("utf-8", "replace").decode())
