"""Brevo, Mailjet, SparkPost and Resend: what their web hooks say. Pure, and never raises."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.bounces.provider_event import (
    SES_KINDS,
    Fields,
    bounce,
    classified,
    complaint,
    departure,
    fields_of,
    report,
    temporarily,
    text,
    texts,
)
from newsletter.bounces.reasons import Reason
from newsletter.bounces.report import BounceReport, RecipientReport, ReportKind

_BREVO_KINDS = {
    "hard_bounce": Reason.FILTERED,
    "invalid_email": Reason.USERUNKNOWN,
    "blocked": Reason.SUPPRESSED,
    "soft_bounce": Reason.ONHOLD,
    "deferred": Reason.EXPIRED,
    "error": Reason.SYSTEMERROR,
}
_BREVO_LASTING = ("hard_bounce", "invalid_email", "blocked")


def read_brevo(event: Fields) -> Iterator[BounceReport]:
    """Read one event; its "id" is the number of the web hook, the same in all of them."""
    name, address = text(event, "event"), text(event, "email")
    name = {"hardBounce": "hard_bounce", "softBounce": "soft_bounce", "invalid": "invalid_email"}.get(name, name)
    if name in ("spam", "complaint"):
        yield complaint(event, address)
    elif name in ("unsubscribed", "unsubscribe"):
        yield departure(event, address)
    elif name in _BREVO_KINDS:
        found = classified(address, text(event, "reason"), "", _BREVO_KINDS[name])
        if name == "blocked":  # Brevo's own list, whatever it says of it: no server was asked
            found = RecipientReport(address, Reason.SUPPRESSED, detail=found.detail)
        yield bounce(event, found if name in _BREVO_LASTING else temporarily(found))


_MAILJET_ERRORS = {
    "user unknown": Reason.USERUNKNOWN,
    "mailbox inactive": Reason.SUSPEND,
    "quota exceeded": Reason.MAILBOXFULL,
    "invalid domain": Reason.HOSTUNKNOWN,
    "no mail host": Reason.HOSTUNKNOWN,
    "relay/access denied": Reason.NORELAYING,
    "greylisted": Reason.EXPIRED,
    "typofix": Reason.HOSTUNKNOWN,
    "bad or empty template": Reason.SYSTEMERROR,
    "error in template language": Reason.SYSTEMERROR,
    "sender blocked": Reason.REJECTED,
    "content blocked": Reason.CONTENTERROR,
    "policy issue": Reason.POLICYVIOLATION,
    "system issue": Reason.SYSTEMERROR,
    "protocol issue": Reason.SYNTAXERROR,
    "connection issue": Reason.NETWORKERROR,
    "preblocked": Reason.SUPPRESSED,
    "duplicate in campaign": Reason.ONHOLD,
    "spam preblocked": Reason.SPAMDETECTED,
    "bad contents": Reason.CONTENTERROR,
}


def read_mailjet(event: Fields) -> Iterator[BounceReport]:
    """Read one event, of a call of its own or of a list. Its kind of error is weaker than the server's words."""
    name, address = text(event, "event"), text(event, "email")
    if name == "spam":
        yield complaint(event, address)
    elif name == "unsub":
        yield departure(event, address)
    elif name in ("bounce", "blocked"):
        default = _MAILJET_ERRORS.get(text(event, "error").lower(), Reason.UNDEFINED)
        found = classified(address, text(event, "comment"), "", default)
        if default is Reason.SUPPRESSED:
            found = RecipientReport(address, default, detail=found.detail)
        lasting = event.get("hard_bounce") is True or name == "blocked"
        yield bounce(event, found if lasting else temporarily(found))


_SPARKPOST_CLASSES = {
    "10": Reason.USERUNKNOWN,
    "20": Reason.ONHOLD,
    "21": Reason.NETWORKERROR,
    "22": Reason.MAILBOXFULL,
    "23": Reason.MESGTOOBIG,
    "24": Reason.EXPIRED,
    "25": Reason.POLICYVIOLATION,
    "30": Reason.FILTERED,
    "40": Reason.ONHOLD,
    "50": Reason.BLOCKED,
    "51": Reason.SPAMDETECTED,
    "52": Reason.SPAMDETECTED,
    "53": Reason.CONTENTERROR,
    "54": Reason.NORELAYING,
    "60": Reason.VACATION,
    "70": Reason.EXPIRED,
}
_SPARKPOST_REFUSALS = ("bounce", "out_of_band", "policy_rejection", "generation_rejection")
_SPARKPOST_LASTING = ("1", "10", "25", "30", "90")  #: and the class of a bounce that has none


def read_sparkpost(event: Fields) -> Iterator[BounceReport]:
    """Read one event of the list that SparkPost posts: {"msys": {"message_event": {"type": "bounce" …}}}."""
    for inner in fields_of(event, "msys").values():
        if isinstance(inner, dict):
            yield from _sparkpost(inner)


def _sparkpost(event: Fields) -> Iterator[BounceReport]:
    name, address, number = text(event, "type"), text(event, "rcpt_to"), text(event, "event_id")
    kind, words = text(event, "bounce_class"), text(event, "raw_reason") or text(event, "reason")
    if name == "spam_complaint":
        yield complaint(event, address, number)
    elif name in ("list_unsubscribe", "link_unsubscribe") or (name == "bounce" and kind == "90"):
        yield departure(event, address, number)
    elif name in _SPARKPOST_REFUSALS and "suppressed" in words.lower():
        yield bounce(event, RecipientReport(address, Reason.SUPPRESSED, detail=words[:300]), number)
    elif name in ("bounce", "out_of_band", "delay", "policy_rejection"):
        found = classified(address, words, "", _SPARKPOST_CLASSES.get(kind, Reason.UNDEFINED))
        lasting = name in ("bounce", "out_of_band") and (not kind or kind in _SPARKPOST_LASTING)
        yield bounce(event, found if lasting else temporarily(found), number)


def read_resend(event: Fields) -> Iterator[BounceReport]:
    """Read one event. Resend names all recipients of the mail, so of several it says nothing lasting."""
    name, data = text(event, "type"), fields_of(event, "data")
    addresses = texts(data, "to") or [text(data, "to")]
    if name == "email.complained":
        found = [RecipientReport(address, Reason.FEEDBACK) for address in addresses[:1]]
        yield report(ReportKind.COMPLAINT, found if len(addresses) == 1 else [], event)
    elif name == "contact.updated" and data.get("unsubscribed") is True:
        yield departure(event, text(data, "email"))
    elif name == "email.suppressed":
        yield report(ReportKind.BOUNCE, [RecipientReport(address, Reason.SUPPRESSED) for address in addresses], event)
    elif name in ("email.bounced", "email.delivery_delayed", "email.failed"):
        told = fields_of(data, "bounce") or fields_of(data, "failed")
        failed = [_resend(address, told) for address in addresses]
        lasting = name == "email.bounced" and text(told, "type") == "Permanent" and len(addresses) == 1
        yield report(ReportKind.BOUNCE, failed if lasting else [temporarily(one) for one in failed], event)


def _resend(address: str, told: Fields) -> RecipientReport:
    """Read the server's own words, where they are told; the message is Resend's own, the same for everybody."""
    kind = SES_KINDS.get(text(told, "subType"), Reason.ONHOLD)
    words = " ".join(texts(told, "diagnosticCode")) or text(told, "diagnosticCode")
    if kind is Reason.SUPPRESSED or not words:
        return RecipientReport(address, kind, detail=text(told, "message")[:300])
    return classified(address, words, "", kind)
