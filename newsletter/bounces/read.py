"""One mail that came back ─▶ one BounceReport. Pure, and never raises: what cannot be read is ReportKind.NONE.

complaint (arf.py) ─ delivery report (fields.py) ─ notice for people (notice.py) ─ wish to leave (leaving.py)
─ automatic reply (autoreply.py)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from newsletter.bounces import fields, notice
from newsletter.bounces.addresses import every, first, names_sender
from newsletter.bounces.arf import complained
from newsletter.bounces.autoreply import automatic, report_type
from newsletter.bounces.classify import Diagnostic, classify, reply_in
from newsletter.bounces.leaving import asks_to_leave
from newsletter.bounces.mime_parser import (
    LONGEST_HEADER,
    MOST_BYTES,
    ParsedReport,
    headers_of,
    parse_report,
    sort_parts,
)
from newsletter.bounces.phrase_lists import has_phrase
from newsletter.bounces.providers import parse, read_hook
from newsletter.bounces.reasons import Effect, Reason
from newsletter.bounces.report import BounceReport, RecipientReport, ReportKind

MOST_RECIPIENTS = 100  #: of one report
NEAR = 2_000  #: characters of a notice that are taken for words on a recipient that it does not name

_OF_ADDRESS = (Effect.BOUNCES, Effect.COUNTS)
_BAD_MAILBOX = ("bad-mailbox", "inactive-mailbox", "bad-domain")


def read_mail(data: bytes) -> BounceReport:
    """Read what a mail says of whom. The same bytes give the same BounceReport."""
    digest = hashlib.blake2b(data[:MOST_BYTES], digest_size=16).hexdigest()
    try:
        return replace(_read(parse_report(data)), digest=digest)
    except Exception:  # noqa: BLE001  (the standard library's parser raises anything on a mail made to break it)
        return BounceReport(ReportKind.NONE, digest=digest)


def _read(mail: ParsedReport) -> BounceReport:
    complaint = complained(mail)
    if complaint:
        recipients, note = complaint
        return BounceReport(ReportKind.COMPLAINT, recipients, mail.trace, note=note)
    if notified := _notified(mail):
        return notified
    recipients = _bounced(mail)
    if recipients:
        arrived = all(recipient.reason is Reason.DELIVERED for recipient in recipients)
        return BounceReport(ReportKind.NONE if arrived else ReportKind.BOUNCE, recipients, mail.trace)
    if asks := asks_to_leave(mail):
        leaver = RecipientReport(first(mail.header("from")), Reason.UNSUBSCRIBE)
        return BounceReport(ReportKind.UNSUBSCRIBE, (leaver,), mail.trace, asks=asks)
    if automatic(mail):
        return BounceReport(
            ReportKind.AUTO_REPLY, (RecipientReport(first(mail.header("from")), Reason.VACATION),), mail.trace
        )
    return BounceReport(ReportKind.NONE, trace=mail.trace)


def _notified(mail: ParsedReport) -> BounceReport | None:
    """Read a notification of SES in a mail: SNS may send one instead of calling a web hook."""
    if '"notificationType"' not in mail.trace and "notificationType\\" not in mail.trace:
        return None
    start, end = mail.notice.find("{"), mail.notice.rfind("}")
    value = parse(mail.notice[start : end + 1])
    return next(iter(read_hook("ses", value)), None) if value else None


def _bounced(mail: ParsedReport) -> tuple[RecipientReport, ...]:
    """Read the report or the notice; else a report that somebody attached, or the mail that came back."""
    found = tuple(_reported(mail)) or tuple(_noticed(mail))
    if not found and mail.carried is not None:
        found = tuple(_reported(sort_parts(mail.carried)))
    return found or tuple(_returned(mail))


def _reported(mail: ParsedReport) -> Iterator[RecipientReport]:
    """Read the fields of a delivery report; a notice may have them among its lines."""
    groups = (group for text in mail.fields or (mail.notice,) for group in fields.groups(text))
    about: dict[str, str] | None = None
    late = has_phrase(mail.notice, "delay")
    for group in islice(groups, MOST_RECIPIENTS):
        about = notice.words(mail.notice) if about is None else about
        around = about.get(group.recipient.casefold(), mail.notice[:NEAR])
        words = group.words or reply_in(around)
        diagnostic = Diagnostic(
            words, f"{group.words}\n{around}", group.status, group.own, group.program, not group.quoted
        )
        action = group.action or ("delayed" if late else "")
        report = _recipient_report(group.recipient, diagnostic, action, group.also, group.category)
        about_us = group.words and report.effect in _OF_ADDRESS and _names_us(mail, words, group)
        yield replace(report, reason=Reason.REJECTED) if about_us else report


def _names_us(mail: ParsedReport, words: str, group: fields.RecipientFields) -> bool:
    """Say whether a server's words name who sent the mail, and not its recipient."""
    if any(address.lower() in words.lower() for address in group.also):
        return False
    returned = headers_of(mail.returned)
    senders = (mail.header("to"), returned.get("from", ""), returned.get("return-path", ""))
    return any(
        names_sender(words, sender, group.recipient) for text in senders for sender in every(text[:LONGEST_HEADER])[:9]
    )


def _noticed(mail: ParsedReport) -> Iterator[RecipientReport]:
    """Read a notice, if it is one."""
    if not _is_notice(mail):
        return
    action = _action(mail)
    failed = every(mail.header("x-failed-recipients"))
    known = {address.casefold() for address in failed}
    ours = [address for address in _ours(mail) if address.casefold() not in known]
    named = notice.named_recipients(mail.notice, ours)
    words = {one.recipient.casefold(): one.words for one in named}
    if failed and not (words and words.keys().isdisjoint(known)):
        named = [notice.NamedRecipient(address, words.get(address.casefold(), mail.notice)) for address in failed]
    for one in named[:MOST_RECIPIENTS]:
        recipient = _recipient_report(one.recipient, Diagnostic(reply_in(one.words), one.words, loose=True), action)
        if recipient.reason in (Reason.UNDEFINED, Reason.ONHOLD):  # the reason may stand above all the addresses
            again = _recipient_report(one.recipient, Diagnostic(reply_in(mail.notice), mail.notice, loose=True), action)
            recipient = recipient if again.reason is Reason.UNDEFINED else again
        yield recipient


def _returned(mail: ParsedReport) -> Iterator[RecipientReport]:
    """Take a report that names nobody to be about whom the mail was sent to."""
    for address in notice.sent_to(mail.returned)[:1] if _is_notice(mail) else ():
        yield _recipient_report(address, Diagnostic(reply_in(mail.notice), mail.notice, loose=True), _action(mail))


def _action(mail: ParsedReport) -> str:
    return "delayed" if has_phrase(f"{mail.header('subject')} {mail.notice}", "delay") else "failed"


def _recipient_report(
    recipient: str, diagnostic: Diagnostic, action: str, also: tuple[str, ...] = (), category: str = ""
) -> RecipientReport:
    detail = " ".join(diagnostic.words.split())[:300]
    if action.startswith("deliver") or action in ("relayed", "expanded"):
        return RecipientReport(recipient, Reason.DELIVERED, False, also, detail)
    also = tuple(dict.fromkeys((*also, *notice.before(diagnostic.around))))
    reason, temporary = classify(diagnostic)
    if category in _BAD_MAILBOX and reason is Reason.FILTERED:
        reason = Reason.USERUNKNOWN
    if action == "delayed" and reason in (Reason.ONHOLD, Reason.UNDEFINED, Reason.NETWORKERROR):
        reason = Reason.EXPIRED
    return RecipientReport(recipient, reason, temporary or action == "delayed", also, detail)


def _is_notice(mail: ParsedReport) -> bool:
    """Say whether a mail system wrote it: an answering machine that speaks of failed mail writes no notice."""
    if mail.header("x-failed-recipients") or report_type(mail) == "delivery-status":
        return True
    if has_phrase(mail.header("subject"), "automatic: subject"):
        return False
    if has_phrase(mail.header("from"), "notice: sender"):
        return True
    return has_phrase(mail.header("subject"), "notice: subject") and not automatic(mail)


def _ours(mail: ParsedReport) -> Sequence[str]:
    """Return who wrote the mail that came back, and who writes the report."""
    returned = headers_of(mail.returned)
    texts = (mail.header("to"), mail.header("from"), returned.get("from", ""), returned.get("return-path", ""))
    return [address for text in texts for address in every(text[:LONGEST_HEADER])[:MOST_RECIPIENTS]]
