"""Automatic replies (RFC 3834): somebody is away, or a ticket was opened. They say nothing of an address."""

from __future__ import annotations

import re

from newsletter.bounces.mime_parser import ParsedReport
from newsletter.bounces.phrase_lists import has_phrase

_ANSWER = re.compile(r"(?i)^(?:\s{0,5}(?:re|aw|fw|fwd|sv|tr) ?:){1,5}")
_MARKS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-apple-action",
)


def report_type(mail: ParsedReport) -> str:
    """Return the type of a multipart/report (RFC 6522), "delivery-status" where it does not say; else ""."""
    kind = mail.header("content-type").lower()
    found = re.search(r"report-type ?= ?\"?([a-z-]{1,40})", kind)
    return "" if not kind.startswith("multipart/report") else found[1] if found else "delivery-status"


def automatic(mail: ParsedReport) -> bool:
    """Say whether a program answered for a person. Looked at after everything else: bounces bear these marks too."""
    return mail.header("auto-submitted").lower().startswith("auto-generated") or replied(mail)


def replied(mail: ParsedReport) -> bool:
    """Say whether a program answered a mail, as far as it says so."""
    if report_type(mail) == "disposition-notification":  # a receipt (RFC 8098)
        return True
    if mail.header("auto-submitted").lower().startswith(("auto-replied", "auto-notified")):
        return True
    if any(mail.header(name) for name in _MARKS) or mail.header("precedence").lower() == "auto_reply":
        return True
    if mail.header("x-ms-exchange-generated-message-source").lower() == "mailbox rules agent":
        return True
    return has_phrase(_ANSWER.sub("", mail.header("subject")), "automatic: subject")
