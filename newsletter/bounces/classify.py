"""From the words and codes of mail systems to a Reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from newsletter.bounces.addresses import ADDRESS
from newsletter.bounces.phrase_lists import folded, sections
from newsletter.bounces.reasons import EFFECTS, Effect, Reason

LONGEST = 3_000  #: characters that are looked at
NOBODY, DOUBTFUL = "nobody", "doubtful"  #: sections of reasons.txt whose meaning depends on when they are said

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,2})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.\w-])([45]\d\d)(?![\d.\w])")
_QUOTED = re.compile(r"(?<![\w.,/=-])#?[45](?:\d\d[ :-]+(?=\S)|\.\d{1,2}\.\d{1,3} )")
_LINK = re.compile(r"(?i)https?://([^\s/<>]{1,200})[^\s<>]{0,500}")
_CODES = re.compile(
    r"(?<![\w.])#?[245]\d\d[- ]+(?:#?[245]\.\d{1,2}\.\d{1,3})?|(?<![\w.])#?[245]\.\d{1,2}\.\d{1,3}(?![\d.])"
)
_REMARK = re.compile(
    r"(?i)\brfc822 ?;|\b(?:message|text|multipart)/[\w-]{1,40}|\(in reply to [^()]{0,100}\)|"
    r"\bhost:? \S{1,200} ?\[[^\]\n]{0,60}\](?: said)?:?"
)  #: what reports say around the words of a server
_BRACKETS = str.maketrans(dict.fromkeys('<>"`()[]{}*#', " "))
_AT_RCPT = re.compile(
    r"(?i)(?:in reply to|after|our|at) rcpt\b|rcpt to command|rcpt command|>>> ?rcpt|smtp[:_ ]rcpt|\[rcpt_to\]|"
    r"does not like recipient|\brcpt to:<"
)
_AT_DATA = re.compile(
    r"(?im)(?:in reply to|after) (?:end of )?data|final data|end of data|>>> ?data|\bdata command|\(data\)|"
    r"body of message|^data$"
)
_AT_MAIL = re.compile(r"(?i)(?:in reply to|after|our) mail from\b|>>> ?mail\b|mail from command|sender was rejected")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What one mail system said about one recipient."""

    words: str  #: of the server that refused
    around: str = ""  #: of the system that writes the report: it tells at which command
    status: str = ""  #: of the report, "5.1.1"; weaker than one within the words
    own: bool = False  #: not a server's reply: the reporting system's own verdict
    program: bool = False  #: a program refused, no mail server


def reply_in(text: str) -> str:
    """Return a paragraph from where it quotes a server's reply; all of the text where it quotes none."""
    found = _QUOTED.search(text)
    return text[found.start() :].partition("\n\n")[0] if found else text


def classify(diagnostic: Diagnostic) -> tuple[Reason, bool]:
    """Return the reason, and whether its codes keep it from being a verdict on the address: 4xx, 5.7.x."""
    status, reply = _codes(diagnostic)
    temporary = (reply[:1] or status[:1]) == "4" or status.startswith("5.7.")
    reason = (
        _by_words(diagnostic, status)
        or _by_status(status, reply)
        or _by_words(Diagnostic(diagnostic.around, diagnostic.around), status)
    )
    if reason is None:
        reason = Reason.MAILERERROR if diagnostic.program else Reason.ONHOLD if status or reply else Reason.UNDEFINED
    return _tempered(reason, diagnostic, status), temporary


def _tempered(reason: Reason, diagnostic: Diagnostic, status: str) -> Reason:
    """Soften a reason: 5.7.x is a verdict on the sender, and so is every refusal of MAIL FROM, whatever the words.

    Where the fields of a report and its notice do not agree, a full mailbox is the kinder reading.
    """
    if EFFECTS[reason] is not Effect.BOUNCES:
        return reason
    if _section(plain(diagnostic.around)) == Reason.MAILBOXFULL:
        return Reason.MAILBOXFULL
    if _AT_MAIL.search(diagnostic.around):
        return Reason.REJECTED
    return Reason.FILTERED if status.partition(".")[2].startswith("7.") else reason


def _codes(diagnostic: Diagnostic) -> tuple[str, str]:
    """Return (status, reply code): the server's own go before those of the report."""
    spoken = _STATUS.search(diagnostic.words)
    status = spoken[0] if spoken else diagnostic.status
    reply = _REPLY.search(diagnostic.words[:200])
    if spoken and status.endswith(".0.0") and not diagnostic.status.endswith(".0.0") and diagnostic.status:
        status = diagnostic.status
    return status, reply[1] if reply else ""


def _by_words(diagnostic: Diagnostic, status: str) -> Reason | None:
    section = _section(plain(diagnostic.words))
    if section in (NOBODY, DOUBTFUL):
        return _unknown(diagnostic, status, doubtful=section == DOUBTFUL)
    if section == Reason.MESGTOOBIG and status.endswith(".2.3"):
        return Reason.EXCEEDLIMIT
    return Reason(section) if section else None


def _unknown(diagnostic: Diagnostic, status: str, doubtful: bool) -> Reason:
    """Tell an unknown user from a mail that a server does not like, of which it may say the same after reading it.

    The user is unknown where the code says so too (5.1.x), where it was said at RCPT, where the system that writes
    the report says it of its own users, and where nothing tells otherwise.
    """
    subject = status.partition(".")[2]
    at_rcpt = bool(_AT_RCPT.search(diagnostic.around))
    if subject == "2.1" and not at_rcpt:
        return Reason.FILTERED
    if subject.startswith("1.") or at_rcpt or diagnostic.own:
        return Reason.USERUNKNOWN
    return (
        Reason.FILTERED
        if doubtful or subject not in ("", "0.0") or _AT_DATA.search(diagnostic.around)
        else Reason.USERUNKNOWN
    )


_BY_STATUS = {
    "1.0": Reason.USERUNKNOWN,
    "1.1": Reason.USERUNKNOWN,
    "1.2": Reason.HOSTUNKNOWN,
    "1.3": Reason.USERUNKNOWN,
    "1.4": Reason.FILTERED,
    "1.6": Reason.HASMOVED,
    "1.7": Reason.REJECTED,
    "1.8": Reason.REJECTED,
    "1.9": Reason.SYSTEMERROR,
    "1.10": Reason.USERUNKNOWN,
    "1.90": Reason.TOOMANYCONN,
    "2.1": Reason.SUSPEND,
    "2.2": Reason.MAILBOXFULL,
    "2.3": Reason.EXCEEDLIMIT,
    "2.4": Reason.FILTERED,
    "2.252": Reason.REJECTED,
    "3.1": Reason.SYSTEMFULL,
    "3.2": Reason.SYSTEMERROR,
    "3.3": Reason.SYSTEMERROR,
    "3.4": Reason.MESGTOOBIG,
    "3.5": Reason.SYSTEMERROR,
    "4.1": Reason.EXPIRED,
    "4.2": Reason.NETWORKERROR,
    "4.3": Reason.SYSTEMERROR,
    "4.4": Reason.HOSTUNKNOWN,
    "4.5": Reason.EXPIRED,
    "4.6": Reason.NETWORKERROR,
    "4.7": Reason.EXPIRED,
    "5.0": Reason.SYNTAXERROR,
    "5.1": Reason.SYNTAXERROR,
    "5.2": Reason.SYNTAXERROR,
    "5.3": Reason.TOOMANYCONN,
    "5.4": Reason.SYSTEMERROR,
    "5.5": Reason.SYSTEMERROR,
    "6.0": Reason.CONTENTERROR,
    "6.1": Reason.CONTENTERROR,
    "7.0": Reason.SECURITYERROR,
    "7.1": Reason.REJECTED,
    "7.2": Reason.FILTERED,
    "7.7": Reason.CONTENTERROR,
    "7.9": Reason.POLICYVIOLATION,
    "7.25": Reason.REQUIREPTR,
    "7.27": Reason.NOTACCEPT,
    "7.28": Reason.TOOMANYCONN,
}  #: subject and detail of RFC 3463 and its registry; anything else of 6 and 7 is read below


def _by_status(status: str, reply: str) -> Reason | None:
    """Read a code where no words say anything; a bare "5.1.x" of a 4xx is no verdict on an address."""
    subject = status.partition(".")[2]
    if subject in _BY_STATUS:
        return _BY_STATUS[subject]
    if subject.startswith("6."):
        return Reason.CONTENTERROR
    if subject.startswith("7."):
        return Reason.AUTHFAILURE if 20 <= int(subject[2:] or 0) <= 32 else Reason.POLICYVIOLATION
    return Reason.MAILBOXFULL if reply == "552" and not subject else None


def plain(text: str) -> str:
    """Return a text in lower case and one line, without accents, addresses, reply codes and the paths of links."""
    text = ADDRESS.sub(" ", _LINK.sub(r" \1 ", _REMARK.sub(" ", text[:LONGEST])))
    return " ".join(_CODES.sub(" ", folded(text)).translate(_BRACKETS).split())


def _section(text: str) -> str:
    return next((name for name, pattern in sections("reasons") if pattern.search(text)), "")
