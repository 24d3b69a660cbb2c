"""Web hooks of providers ─▶ BounceReports. Pure, and never raises; who speaks is verified before (signatures.py).

Amazon SES (through SNS) · Postmark · Mailgun · SendGrid · Brevo · Mailjet · SparkPost · Resend; each may speak of many
recipients in one call. What a provider refuses to send to is told as the reason why it does: somebody called a mail
spam, unsubscribed there, or bounced there before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from newsletter.bounces.more_providers import read_brevo, read_mailjet, read_resend, read_sparkpost
from newsletter.bounces.provider_event import (
    MOST_EVENTS,
    SES_KINDS,
    Fields,
    bounce,
    classified,
    complaint,
    departure,
    earlier_complaint,
    fields_of,
    objects,
    report,
    temporarily,
    text,
    texts,
)
from newsletter.bounces.reasons import Reason
from newsletter.bounces.report import BounceReport, RecipientReport, ReportKind

DEEPEST = 40


def parse(data: bytes | str) -> Any:
    """Parse JSON; None for what is none, or is nested too deeply."""
    try:
        value = json.loads(data, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if _depth_is_fine(value) else None


def read_hook(provider: str, value: Any) -> list[BounceReport]:
    """Read what a web hook got. `provider`: "ses", "postmark" … as in PROVIDERS; `value`: what `parse` gave."""
    events = value if isinstance(value, list) else [value]
    read = PROVIDERS[provider]
    return [one for event in events[:MOST_EVENTS] if isinstance(event, dict) for one in read(event)]


def read_ses(event: Fields) -> Iterator[BounceReport]:
    """Read a notification or an event of SES, with or without the envelope of SNS."""
    inner = parse(event["Message"]) if isinstance(event.get("Message"), str) else event
    if not isinstance(inner, dict):
        return
    kind = text(inner, "notificationType") or text(inner, "eventType")
    told = fields_of(inner, kind.lower()) if kind in ("Bounce", "Complaint", "Delivery") else {}
    number = text(told, "feedbackId")
    if kind == "Bounce":
        failed = [_ses_recipient(recipient, told) for recipient in objects(told, "bouncedRecipients")]
        yield report(ReportKind.BOUNCE, failed, inner, number)
    elif kind == "Complaint":
        note = text(told, "complaintFeedbackType").lower()
        people = [text(person, "emailAddress") for person in objects(told, "complainedRecipients")]
        found = [RecipientReport(address, Reason.FEEDBACK) for address in people]
        yield report(ReportKind.COMPLAINT, found, inner, number, note if note in ("auth-failure", "not-spam") else "")
    elif kind == "Delivery":
        gone = texts(told, "recipients")
        yield report(ReportKind.NONE, [RecipientReport(address, Reason.DELIVERED) for address in gone], inner)


def _ses_recipient(recipient: Fields, told: Fields) -> RecipientReport:
    kind = SES_KINDS.get(text(told, "bounceSubType"), Reason.ONHOLD)
    words = text(recipient, "diagnosticCode")
    found = classified(text(recipient, "emailAddress"), words, text(recipient, "status"), kind)
    permanent = text(told, "bounceType") == "Permanent"
    return found if permanent else temporarily(found)


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
    """Read a "Bounce", "SpamComplaint" or "SubscriptionChange" record."""
    record, kind, address, number = (text(event, name) for name in ("RecordType", "Type", "Email", "ID"))
    if record == "SpamComplaint" or kind == "SpamComplaint":
        yield complaint(event, address, number)
    elif record == "SubscriptionChange" and event.get("SuppressSending") is True:
        yield _suppressed_by_postmark(event)
    elif record == "Bounce" and kind in _POSTMARK_REPLIES:
        yield report(ReportKind.AUTO_REPLY, [RecipientReport(address, Reason.VACATION)], event, number)
    elif record == "Bounce":
        default = _POSTMARK_KINDS.get(kind, Reason.UNDEFINED)
        found = classified(address, text(event, "Details") or text(event, "Description"), "", default)
        permanent = kind in ("HardBounce", "BadEmailAddress", "ManuallyDeactivated")
        yield bounce(event, found if permanent else temporarily(found), number)


def _suppressed_by_postmark(event: Fields) -> BounceReport:
    """Read why Postmark sends nothing more; a recipient who is suppressed by hand of theirs has unsubscribed."""
    address, why = text(event, "Recipient"), text(event, "SuppressionReason")
    if why == "SpamComplaint":
        return earlier_complaint(event, address)
    if why == "ManualSuppression" and text(event, "Origin") == "Recipient":
        return departure(event, address)
    return bounce(event, RecipientReport(address, Reason.SUPPRESSED, detail=why[:300]))


#: Why Mailgun does not send: the codes that it gives in the place of a server's.
_MAILGUN_LISTS = {"605": "suppress-bounce", "606": "suppress-unsubscribe", "607": "suppress-complaint"}


def read_mailgun(call: Fields) -> Iterator[BounceReport]:
    """Read one event; its signature is beside it."""
    event = fields_of(call, "event-data")
    name, address, number = (text(event, name) for name in ("event", "recipient", "id"))
    status = fields_of(event, "delivery-status")
    code = text(status, "code")
    listed = text(event, "reason") if text(event, "reason").startswith("suppress-") else _MAILGUN_LISTS.get(code, "")
    if name == "complained":
        yield complaint(event, address, number)
    elif name == "failed" and listed == "suppress-complaint":
        yield earlier_complaint(event, address, number)
    elif name == "unsubscribed" or (name == "failed" and listed == "suppress-unsubscribe"):
        yield departure(event, address, number)
    elif name == "failed" and listed:
        yield bounce(event, RecipientReport(address, Reason.SUPPRESSED, detail=text(status, "message")[:300]), number)
    elif name == "failed":
        words = text(status, "message") or text(status, "description")
        spoken = words if words[:3].isdigit() or not re.fullmatch("[2-5][0-9][0-9]", code) else f"{code} {words}"
        found = classified(address, spoken, text(status, "enhanced-code"), Reason.UNDEFINED)
        permanent = text(event, "severity") == "permanent"
        yield bounce(event, found if permanent else temporarily(found), number)


_SENDGRID_CLASSES = {
    "invalid address": Reason.USERUNKNOWN,
    "mailbox unavailable": Reason.FILTERED,
    "content": Reason.CONTENTERROR,
    "reputation": Reason.BADREPUTATION,
    "frequency or volume too high": Reason.TOOMANYCONN,
    "technical failure": Reason.SYSTEMERROR,
}


def read_sendgrid(event: Fields) -> Iterator[BounceReport]:
    """Read one event of the list that SendGrid posts."""
    name, address, number = (text(event, name) for name in ("event", "email", "sg_event_id"))
    dropped = text(event, "reason").lower() if name == "dropped" else ""
    blocked = text(event, "type").lower() == "blocked"
    if name == "spamreport":
        yield complaint(event, address, number)
    elif "spam reporting" in dropped:
        yield earlier_complaint(event, address, number)
    elif name in ("unsubscribe", "group_unsubscribe") or "unsubscribed" in dropped:
        yield departure(event, address, number)
    elif name == "dropped":
        listed = dropped.startswith(("bounced", "invalid")) and "smtpapi" not in dropped
        reason = Reason.SUPPRESSED if listed else Reason.ONHOLD
        yield bounce(event, RecipientReport(address, reason, detail=dropped[:300]), number)
    elif name in ("bounce", "deferred", "blocked"):
        by_class = _SENDGRID_CLASSES.get(text(event, "bounce_classification").lower(), Reason.UNDEFINED)
        words = text(event, "reason") or text(event, "response")
        found = classified(address, words, text(event, "status"), Reason.BLOCKED if blocked else by_class)
        yield bounce(event, found if name == "bounce" and not blocked else temporarily(found), number)


PROVIDERS: Mapping[str, Callable[[Fields], Iterator[BounceReport]]] = {
    "ses": read_ses,
    "postmark": read_postmark,
    "mailgun": read_mailgun,
    "sendgrid": read_sendgrid,
    "brevo": read_brevo,
    "mailjet": read_mailjet,
    "sparkpost": read_sparkpost,
    "resend": read_resend,
}


def _depth_is_fine(value: Any) -> bool:
    level, depth = [value], 0
    while level:
        depth += 1
        inner = [nested for nested in level if isinstance(nested, (dict, list))]
        level = [deeper for nested in inner for deeper in (nested.values() if isinstance(nested, dict) else nested)]
        if depth > DEEPEST:
            return False
    return True
