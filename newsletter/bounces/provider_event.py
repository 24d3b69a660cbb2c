"""What the readers of providers' web hooks share: fields of JSON that may hold anything, and reports made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from newsletter.bounces.classify import Diagnostic, classify
from newsletter.bounces.reasons import Reason
from newsletter.bounces.report import BounceReport, RecipientReport, ReportKind

MOST_EVENTS = 2_000  #: of one call
LONGEST = 300_000  #: characters of the trace

Fields = Mapping[str, Any]

#: what Amazon SES calls a bounce, and Resend, which sends by it
SES_KINDS = {
    "NoEmail": Reason.USERUNKNOWN,
    "General": Reason.ONHOLD,
    "Suppressed": Reason.SUPPRESSED,
    "OnAccountSuppressionList": Reason.SUPPRESSED,
    "MailboxFull": Reason.MAILBOXFULL,
    "MessageTooLarge": Reason.MESGTOOBIG,
    "ContentRejected": Reason.CONTENTERROR,
    "AttachmentRejected": Reason.CONTENTERROR,
    "CustomTimeoutExceeded": Reason.EXPIRED,
}


def complaint(event: Fields, address: str, number: str = "") -> BounceReport:
    """Make the report of somebody who called a mail spam."""
    return report(ReportKind.COMPLAINT, [RecipientReport(address, Reason.FEEDBACK)], event, number)


def earlier_complaint(event: Fields, address: str, number: str = "") -> BounceReport:
    """Make the report of somebody to whom the provider sends nothing more, since they called some mail spam.

    It was not the one that is not sent now: without a trace, this is no complaint about its issue.
    """
    return replace(complaint(event, address, number), trace="")


def departure(event: Fields, address: str, number: str = "") -> BounceReport:
    """Make the report of somebody who unsubscribed at the provider, which sends them nothing more."""
    return report(ReportKind.UNSUBSCRIBE, [RecipientReport(address, Reason.UNSUBSCRIBE)], event, number)


def bounce(event: Fields, found: RecipientReport, number: str = "") -> BounceReport:
    """Make the report of a mail that did not arrive."""
    return report(ReportKind.BOUNCE, [found], event, number)


def report(
    kind: ReportKind, recipients: Sequence[RecipientReport], event: Fields, number: str = "", note: str = ""
) -> BounceReport:
    """Make a report. `number`: the provider's own of this event; without one all of it tells it from others."""
    text = json.dumps(event, sort_keys=True)
    digest = hashlib.blake2b(f"{kind} {number or text}".encode(), digest_size=16).hexdigest()
    named_ones = tuple(recipient for recipient in recipients if recipient.recipient)
    return BounceReport(kind, named_ones, _spoken(event), digest, note)


def classified(address: str, words: str, status: str, default: Reason) -> RecipientReport:
    """Classify by the server's own words and codes; by the provider's kind where they say nothing."""
    reason, temporary = classify(Diagnostic(words, status=status))
    if reason in (Reason.UNDEFINED, Reason.ONHOLD):
        reason = default
    return RecipientReport(address, reason, temporary, detail=" ".join(words.split())[:300])


def temporarily(found: RecipientReport) -> RecipientReport:
    """Return what was found as of the moment only."""
    return replace(found, temporary=True)


def text(fields: Fields, name: str) -> str:
    """Return a text or a number as text, "" for anything else."""
    value = fields.get(name, "")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    return str(value) if isinstance(value, (int, float)) else ""


def fields_of(fields: Fields, name: str) -> Fields:
    """Return an object, empty for anything else."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def objects(fields: Fields, name: str) -> Sequence[Fields]:
    """Return the objects of a list."""
    return [item for item in _list(fields, name) if isinstance(item, dict)][:MOST_EVENTS]


def texts(fields: Fields, name: str) -> Sequence[str]:
    """Return the texts of a list."""
    return [item for item in _list(fields, name) if isinstance(item, str)][:MOST_EVENTS]


def _list(fields: Fields, name: str) -> list[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _spoken(event: Fields) -> str:
    """Return all texts of an event, a line each."""
    found: list[str] = []
    waiting: list[Any] = [event]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return "\n".join(found)[:LONGEST]
