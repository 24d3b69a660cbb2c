"""Web hooks of providers ─▶ BounceReports. Pure, and never raises; who speaks is verified before (signatures.py).

Amazon SES (through SNS) · Postmark · Mailgun · SendGrid; each may speak of many recipients in one call.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from newsletter.bounces.classify import Diagnostic, classify
from newsletter.bounces.reasons import Reason
from newsletter.bounces.report import BounceReport, RecipientReport, ReportKind

MOST_EVENTS = 2_000  #: of one call
LONGEST = 300_000  #: characters of the trace
DEEPEST = 40

Fields = Mapping[str, Any]


def parse(data: bytes | str) -> Any:
    """Parse JSON; None for what is none, or is nested too deeply."""
    try:
        value = json.loads(data, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if _depth_is_fine(value) else None


def read_hook(provider: str, value: Any) -> list[BounceReport]:
    """Read what a web hook got. `provider`: "ses", "postmark", "mailgun" or "sendgrid"; `value`: what `parse` gave."""
    events = value if isinstance(value, list) else [value]
    read = PROVIDERS[provider]
    return [report for event in events[:MOST_EVENTS] if isinstance(event, dict) for report in read(event)]


def read_ses(event: Fields) -> Iterator[BounceReport]:
    """Read a notification or an event of SES, with or without the envelope of SNS."""
    inner = parse(event["Message"]) if isinstance(event.get("Message"), str) else event
    if not isinstance(inner, dict):
        return
    kind = _text(inner, "notificationType") or _text(inner, "eventType")
    if kind == "Bounce":
        bounce = _fields(inner, "bounce")
        failed = [_ses_recipient(recipient, bounce) for recipient in _list(bounce, "bouncedRecipients")]
        yield _report(ReportKind.BOUNCE, failed, inner, bounce)
    elif kind == "Complaint":
        complaint = _fields(inner, "complaint")
        note = _text(complaint, "complaintFeedbackType").lower()
        people = [_text(person, "emailAddress") for person in _list(complaint, "complainedRecipients")]
        found = [RecipientReport(address, Reason.FEEDBACK) for address in people]
        yield _report(
            ReportKind.COMPLAINT, found, inner, complaint, note if note in ("auth-failure", "not-spam") else ""
        )
    elif kind == "Delivery":
        delivery = _fields(inner, "delivery")
        gone = delivery.get("recipients")
        addresses = [address for address in gone if isinstance(address, str)] if isinstance(gone, list) else []
        yield _report(
            ReportKind.NONE, [RecipientReport(address, Reason.DELIVERED) for address in addresses], inner, delivery
        )


_SES_KINDS = {
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


def _ses_recipient(recipient: Fields, bounce: Fields) -> RecipientReport:
    kind = _SES_KINDS.get(_text(bounce, "bounceSubType"), Reason.ONHOLD)
    words = _text(recipient, "diagnosticCode")
    found = _classified(_text(recipient, "emailAddress"), words, _text(recipient, "status"), kind)
    permanent = _text(bounce, "bounceType") == "Permanent"
    return found if permanent else _temporarily(found)


_POSTMARK_KINDS = {
    "HardBounce": Reason.USERUNKNOWN,
    "BadEmailAddress": Reason.USERUNKNOWN,
    "DnsError": Reason.NETWORKERROR,
    "SoftBounce": Reason.EXPIRED,
    "Transient": Reason.EXPIRED,
    "SpamNotification": Reason.SPAMDETECTED,
    "VirusNotification": Reason.VIRUSDETECTED,
    "Blocked": Reason.BLOCKED,
    "DMARCPolicy": Reason.AUTHFAILURE,
    "ManuallyDeactivated": Reason.SUPPRESSED,
}
_POSTMARK_REPLIES = (
    "AutoResponder",
    "AddressChange",
    "ChallengeVerification",
    "Subscribe",
    "Unsubscribe",
    "OpenRelayTest",
)


def read_postmark(event: Fields) -> Iterator[BounceReport]:
    """Read a "Bounce" or "SpamComplaint" record."""
    record, kind, address = _text(event, "RecordType"), _text(event, "Type"), _text(event, "Email")
    if record == "SpamComplaint" or kind == "SpamComplaint":
        yield _report(ReportKind.COMPLAINT, [RecipientReport(address, Reason.FEEDBACK)], event, event)
    elif record == "Bounce" and kind in _POSTMARK_REPLIES:
        yield _report(ReportKind.AUTO_REPLY, [RecipientReport(address, Reason.VACATION)], event, event)
    elif record == "Bounce":
        default = _POSTMARK_KINDS.get(kind, Reason.UNDEFINED)
        found = _classified(address, _text(event, "Details") or _text(event, "Description"), "", default)
        permanent = kind in ("HardBounce", "BadEmailAddress", "ManuallyDeactivated")
        yield _report(ReportKind.BOUNCE, [found if permanent else _temporarily(found)], event, event)


def read_mailgun(call: Fields) -> Iterator[BounceReport]:
    """Read one event; its signature is beside it."""
    event = _fields(call, "event-data")
    name, address = _text(event, "event"), _text(event, "recipient")
    if name == "complained":
        yield _report(ReportKind.COMPLAINT, [RecipientReport(address, Reason.FEEDBACK)], event, event)
    elif name == "failed":
        status = _fields(event, "delivery-status")
        code, words = _text(status, "code"), _text(status, "message") or _text(status, "description")
        default = Reason.SUPPRESSED if _text(event, "reason").startswith("suppress-") else Reason.UNDEFINED
        spoken = words if words[:3].isdigit() or not re.fullmatch("[2-5][0-9][0-9]", code) else f"{code} {words}"
        found = _classified(address, spoken, _text(status, "enhanced-code"), default)
        permanent = _text(event, "severity") == "permanent"
        yield _report(ReportKind.BOUNCE, [found if permanent else _temporarily(found)], event, event)


def read_sendgrid(event: Fields) -> Iterator[BounceReport]:
    """Read one event of the list that SendGrid posts."""
    name, address = _text(event, "event"), _text(event, "email")
    if name == "spamreport":
        yield _report(ReportKind.COMPLAINT, [RecipientReport(address, Reason.FEEDBACK)], event, event)
    elif name == "dropped":
        dropped = _text(event, "reason").lower()
        listed = "bounced" in dropped or "invalid" in dropped
        yield _report(
            ReportKind.BOUNCE, [RecipientReport(address, Reason.SUPPRESSED if listed else Reason.ONHOLD)], event, event
        )
    elif name in ("bounce", "deferred"):
        default = Reason.BLOCKED if _text(event, "type") == "blocked" else Reason.UNDEFINED
        words = _text(event, "reason") or _text(event, "response")
        found = _classified(address, words, _text(event, "status"), default)
        lasting = name == "bounce" and _text(event, "type") != "blocked"
        yield _report(ReportKind.BOUNCE, [found if lasting else _temporarily(found)], event, event)


PROVIDERS: Mapping[str, Callable[[Fields], Iterator[BounceReport]]] = {
    "ses": read_ses,
    "postmark": read_postmark,
    "mailgun": read_mailgun,
    "sendgrid": read_sendgrid,
}
_IDS = ("feedbackId", "ID", "id", "sg_event_id")  #: how each provider calls what makes an event itself


def _classified(address: str, words: str, status: str, default: Reason) -> RecipientReport:
    """Classify by the server's own words and codes; by the provider's kind where they say nothing."""
    reason, temporary = classify(Diagnostic(words, status=status))
    if reason in (Reason.UNDEFINED, Reason.ONHOLD):
        reason = default
    return RecipientReport(address, reason, temporary, detail=" ".join(words.split())[:300])


def _temporarily(found: RecipientReport) -> RecipientReport:
    return RecipientReport(found.recipient, found.reason, True, found.also, found.detail)


def _report(
    kind: ReportKind, recipients: list[RecipientReport], event: Fields, named: Fields, note: str = ""
) -> BounceReport:
    """Make a report. `named`: where the provider's own number of this event stands."""
    number = next((str(named[name]) for name in _IDS if named.get(name)), "")
    text = json.dumps(event, sort_keys=True)
    digest = hashlib.blake2b(f"{kind} {number or text}".encode(), digest_size=16).hexdigest()
    named_ones = tuple(recipient for recipient in recipients if recipient.recipient)
    return BounceReport(kind, named_ones, _spoken(event), digest, note)


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


def _depth_is_fine(value: Any) -> bool:
    level, depth = [value], 0
    while level:
        depth += 1
        inner = [nested for nested in level if isinstance(nested, (dict, list))]
        level = [deeper for nested in inner for deeper in (nested.values() if isinstance(nested, dict) else nested)]
        if depth > DEEPEST:
            return False
    return True


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    return str(value) if isinstance(value, (int, float)) else ""


def _fields(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _list(fields: Fields, name: str) -> Sequence[Fields]:
    value = fields.get(name)
    listed: list[Any] = value if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, dict)][:MOST_EVENTS]
