"""Complaints: feedback reports of RFC 5965, and those of providers that send the mail back with a word about it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.bounces.addresses import every, first, redacted
from newsletter.bounces.mime_parser import ParsedReport, headers_of, unfolded
from newsletter.bounces.notice import sent_to
from newsletter.bounces.phrase_lists import has_phrase
from newsletter.bounces.reasons import Reason
from newsletter.bounces.report import RecipientReport

COMPLAINTS = ("abuse", "complaint", "fraud", "opt-out", "opt-out-list", "opt-out-domain", "other", "spam", "")

_COMMENT = re.compile(r"\([^()]{0,200}\)")
_OWN = re.compile(
    r"(?im)^(?:X-HmXmrOriginalRecipient|X-Complaint-(?:To|Recipient)|X-FBL-Recipient|Original-Rcpt-To) ?:(.*)$"
)


def complained(mail: ParsedReport) -> tuple[tuple[RecipientReport, ...], str] | None:
    """Return who complained, and the kind of report where it is no complaint; None for another mail."""
    if not (mail.feedback or _is_unusual_complaint(mail)):
        return None
    fields = [unfolded(text) for text in mail.feedback]
    kinds = [_COMMENT.sub("", value).strip().lower() for text in fields for value in _values(text, "feedback-type")]
    note = next((kind for kind in kinds if kind not in COMPLAINTS), "")
    recipients = list(dict.fromkeys(_recipients(mail, fields)))
    if len(recipients) > 1:
        recipients = [address for address in recipients if not redacted(address)] or recipients[:1]
    detail = " ".join([*kinds, *_agents(fields)]) or mail.header("subject")
    return tuple(RecipientReport(address, Reason.FEEDBACK, detail=detail[:200]) for address in recipients or [""]), note


def _is_unusual_complaint(mail: ParsedReport) -> bool:
    """Recognize a complaint that has no part of RFC 5965."""
    kind = mail.header("content-type").lower()
    if "feedback-report" in kind:
        return True
    known = has_phrase(mail.header("subject"), "complaint: subject") and has_phrase(
        mail.header("from"), "complaint: sender"
    )
    attached = mail.carried is not None or "x-hmxmroriginalrecipient" in mail.returned.lower()
    return attached and known and not mail.fields


def _recipients(mail: ParsedReport, fields: list[str]) -> Iterator[str]:
    """Name them by the report's own word, else by the marks of providers, else as the mail itself is addressed."""
    named = [
        value for text in fields for name in ("original-rcpt-to", "removal-recipient") for value in _values(text, name)
    ]
    named = named or [found.strip() for found in _OWN.findall(mail.returned + "\n" + mail.notice)]
    if named:
        yield from (first(value) or value.strip("<>") for value in named)
        return
    seen = headers_of(mail.returned).get("x-apparently-to", "")
    yield from every(seen)[:1] or sent_to(mail.returned)[:1]


def _values(text: str, name: str) -> list[str]:
    return [found.strip() for found in re.findall(rf"(?im)^{name} ?:(.*)$", text) if found.strip()]


def _agents(fields: list[str]) -> list[str]:
    return [value for text in fields for value in _values(text, "user-agent")]
