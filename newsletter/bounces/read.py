"""One mail that came back ─▶ one Report. Pure, and never raises: what cannot be read is Kind.NONE.

complaint (arf.py) ─ delivery report (fields.py) ─ notice for people (notice.py) ─ automatic reply
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from newsletter.bounces import fields, notice
from newsletter.bounces.addresses import every, first
from newsletter.bounces.arf import complained
from newsletter.bounces.autoreply import automatic, report_type
from newsletter.bounces.classify import Told, judge, reply_in
from newsletter.bounces.mime_parser import MOST_BYTES, Opened, fold, headers_of, open_mail
from newsletter.bounces.phrase_lists import bears
from newsletter.bounces.providers import parse, read_hook
from newsletter.bounces.reasons import Reason
from newsletter.bounces.report import Finding, Kind, Report

MOST_RECIPIENTS = 100  #: of one report
NEAR = 2_000  #: characters of a notice that are taken for words on a recipient that it does not name

_BAD_MAILBOX = ("bad-mailbox", "inactive-mailbox", "bad-domain")


def read_mail(data: bytes) -> Report:
    """What a mail says of whom. The same bytes give the same Report."""
    digest = hashlib.blake2b(data[:MOST_BYTES], digest_size=16).hexdigest()
    try:
        return replace(_read(open_mail(data)), digest=digest)
    except Exception:  # noqa: BLE001  (the standard library's parser raises anything on a mail made to break it)
        return Report(Kind.NONE, digest=digest)


def _read(mail: Opened) -> Report:
    complaint = complained(mail)
    if complaint:
        findings, note = complaint
        return Report(Kind.COMPLAINT, findings, mail.trace, note=note)
    if notified := _notified(mail):
        return notified
    findings = _bounced(mail)
    if findings:
        arrived = all(each.reason is Reason.DELIVERED for each in findings)
        return Report(Kind.NONE if arrived else Kind.BOUNCE, findings, mail.trace)
    if automatic(mail):
        return Report(Kind.AUTO_REPLY, (Finding(first(mail.header("from")), Reason.VACATION),), mail.trace)
    return Report(Kind.NONE, trace=mail.trace)


def _notified(mail: Opened) -> Report | None:
    """SNS may send what it tells a web hook as a mail."""
    if '"notificationType"' not in mail.trace and "notificationType\\" not in mail.trace:
        return None
    start, end = mail.notice.find("{"), mail.notice.rfind("}")
    value = parse(mail.notice[start : end + 1])
    return next(iter(read_hook("ses", value)), None) if value else None


def _bounced(mail: Opened) -> tuple[Finding, ...]:
    """By the report, by the notice; else by a report that somebody attached, or by the mail that came back."""
    found = tuple(_reported(mail)) or tuple(_noticed(mail))
    if not found and mail.carried is not None:
        found = tuple(_reported(fold(mail.carried)))
    return found or tuple(_returned(mail))


def _reported(mail: Opened) -> Iterator[Finding]:
    """What the fields of a delivery report say; a notice may have them among its lines."""
    groups = (group for text in mail.fields or (mail.notice,) for group in fields.groups(text))
    about: dict[str, str] | None = None
    late = bears(mail.notice, "delay")
    for group in islice(groups, MOST_RECIPIENTS):
        about = notice.words(mail.notice) if about is None else about
        around = about.get(group.recipient.casefold(), mail.notice[:NEAR])
        words = group.words or reply_in(around)
        told = Told(words, f"{group.words}\n{around}", group.status, group.own, group.program)
        action = group.action or ("delayed" if late else "")
        yield _finding(group.recipient, told, action, group.also, group.category)


def _noticed(mail: Opened) -> Iterator[Finding]:
    """What a notice says, if it is one."""
    if not _is_notice(mail):
        return
    action = _action(mail)
    failed = every(mail.header("x-failed-recipients"))
    known = {each.casefold() for each in failed}
    said = notice.said(mail.notice, [each for each in _ours(mail) if each.casefold() not in known])
    words = {each.recipient.casefold(): each.words for each in said}
    if failed and not (words and words.keys().isdisjoint(known)):
        said = [notice.Said(each, words.get(each.casefold(), mail.notice)) for each in failed]
    for each in said[:MOST_RECIPIENTS]:
        finding = _finding(each.recipient, Told(reply_in(each.words), each.words), action)
        if finding.reason in (Reason.UNDEFINED, Reason.ONHOLD):  # the reason may stand above all the addresses
            again = _finding(each.recipient, Told(reply_in(mail.notice), mail.notice), action)
            finding = finding if again.reason is Reason.UNDEFINED else again
        yield finding


def _returned(mail: Opened) -> Iterator[Finding]:
    """A report that names nobody is about whom the mail was sent to."""
    for address in notice.sent_to(mail.returned)[:1] if _is_notice(mail) else ():
        yield _finding(address, Told(reply_in(mail.notice), mail.notice), _action(mail))


def _action(mail: Opened) -> str:
    return "delayed" if bears(f"{mail.header('subject')} {mail.notice}", "delay") else "failed"


def _finding(recipient: str, told: Told, action: str, also: tuple[str, ...] = (), category: str = "") -> Finding:
    detail = " ".join(told.words.split())[:300]
    if action.startswith("deliver") or action in ("relayed", "expanded"):
        return Finding(recipient, Reason.DELIVERED, False, also, detail)
    also = tuple(dict.fromkeys((*also, *notice.before(told.around))))
    reason, temporary = judge(told)
    if category in _BAD_MAILBOX and reason is Reason.FILTERED:
        reason = Reason.USERUNKNOWN
    if action == "delayed" and reason in (Reason.ONHOLD, Reason.UNDEFINED, Reason.NETWORKERROR):
        reason = Reason.EXPIRED
    return Finding(recipient, reason, temporary or action == "delayed", also, detail)


def _is_notice(mail: Opened) -> bool:
    """An answering machine that speaks of failed mail writes none: only a mail system's own marks go before its."""
    if mail.header("x-failed-recipients") or report_type(mail) == "delivery-status":
        return True
    if bears(mail.header("subject"), "automatic: subject"):
        return False
    if bears(mail.header("from"), "notice: sender"):
        return True
    return bears(mail.header("subject"), "notice: subject") and not automatic(mail)


def _ours(mail: Opened) -> Sequence[str]:
    """Who wrote the mail that came back, and who writes the report."""
    returned = headers_of(mail.returned)
    return [
        address
        for text in (mail.header("to"), mail.header("from"), returned.get("from", ""), returned.get("return-path", ""))
        for address in every(text)
    ]
