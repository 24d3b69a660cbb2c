"""From the words and codes of mail systems to a Reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from newsletter.bounces.addresses import ADDRESS
from newsletter.bounces.phrase_lists import folded, sections
from newsletter.bounces.reasons import EFFECTS, Effect, Reason

LONGEST = 3_000  #: characters that are looked at
NOBODY, DOUBTFUL, GONE = "nobody", "doubtful", "gone"  #: sections of reasons.txt that depend on codes and phase
DOUBT = "doubt"  #: section of words that tell no reason, but take from a code what it says of an address

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,2})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.\w-])([45]\d\d)(?![\d.\w])")
_QUOTED = re.compile(r"(?<![\w.,/=-])#?[45](?:\d\d[ :-]+(?=\S)|\.\d{1,2}\.\d{1,3} )")
_LINK = re.compile(r"(?i)https?://([^\s/<>]{1,200})[^\s<>]{0,500}")
_CODES = re.compile(
    r"(?<![\w.])#?[245]\d\d[- ]+(?:#?[245]\.\d{1,2}\.\d{1,3})?|(?<![\w.])#?[245]\.\d{1,2}\.\d{1,3}(?![\d.])"
)
_REMARK = re.compile(
    r"(?i)\b(?:rfc822|smtp) ?;|\bsmtp error from remote (?:mail )?server after [^:\n]{0,60}:|"
    r"\b(?:message|text|multipart)/[\w-]{1,40}|\(in reply to [^()]{0,100}\)|"
    r"\bhost:? \S{1,200} ?\[[^\]\n]{0,60}\](?: said)?:?"
)  #: what reports say around the words of a server
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.-])")  #: an unknown host that has one is who connects
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
_AT_GREETING = re.compile(
    r"(?i)in reply to (?:end of )?(?:ehlo|helo|auth|starttls)\b|after (?:initial connection|ehlo|helo)\b|"
    r"refused to talk to me|but greeting failed|my name was rejected"
)
_OF_ONE = re.compile(rf"5\d\d[ :-]{{1,3}}<{ADDRESS.pattern}> ?(?::|\.\.\.)")  #: so servers answer RCPT
_OF_ALL = re.compile(r"5\d\d[ -]: ")  #: the same, where the server has no recipient to name: the mail was read


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What one mail system said about one recipient."""

    words: str  #: of the server that refused
    around: str = ""  #: of the system that writes the report: it tells at which command
    status: str = ""  #: of the report, "5.1.1"; weaker than one within the words
    own: bool = False  #: not a server's reply: the reporting system's own verdict
    program: bool = False  #: a program refused, no mail server
    loose: bool = False  #: from sentences for people: nobody says which command was refused, nor by whom


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
        or _by_words(Diagnostic(diagnostic.around, diagnostic.around, loose=True), status)
    )
    if reason is None:
        reason = Reason.MAILERERROR if diagnostic.program else Reason.ONHOLD if status or reply else Reason.UNDEFINED
    if EFFECTS[reason] is Effect.BOUNCES and _is_doubted(diagnostic, reply):
        return Reason.REJECTED, temporary
    return _tempered(reason, diagnostic, status, reply), temporary


def _is_doubted(diagnostic: Diagnostic, reply: str) -> bool:
    """Say whether a server's words tell no reason, but speak of something else than a recipient."""
    return bool(reply or not diagnostic.loose) and is_doubtful(diagnostic.words)


def is_doubtful(words: str) -> bool:
    """Say whether words tell no reason, but speak of something else than a recipient."""
    return _section(plain(words)) == DOUBT


def _tempered(reason: Reason, diagnostic: Diagnostic, status: str, reply: str) -> Reason:
    """Soften a reason where a code or the phase says that it is no verdict on the address, whatever the words.

    5.7.x judges the sender, and so do some other codes and every refusal before RCPT. A full mailbox is told by 552,
    too, and is the kinder reading where the fields of a report and its notice do not agree.
    """
    effect, subject = EFFECTS[reason], status.partition(".")[2]
    if effect not in (Effect.BOUNCES, Effect.COUNTS):
        return reason
    if subject in _NEVER_ADDRESS or reply in OF_SERVER or _AT_MAIL.search(diagnostic.around):
        return reason if reason is Reason.NOTACCEPT else Reason.REJECTED
    if effect is Effect.COUNTS:
        return reason
    if _section(plain(diagnostic.around)) == Reason.MAILBOXFULL:
        return Reason.MAILBOXFULL
    if reason in (Reason.USERUNKNOWN, Reason.HASMOVED) and _AT_GREETING.search(diagnostic.around):
        return Reason.BLOCKED
    if reason is Reason.HOSTUNKNOWN and subject.startswith("5."):
        return Reason.SYNTAXERROR
    if reason is Reason.HOSTUNKNOWN and not diagnostic.loose and _IP.search(plain(diagnostic.words)):
        return Reason.REQUIREPTR
    return Reason.FILTERED if subject.startswith("7.") or reply == "552" else reason


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
    if section == DOUBT:
        return None
    if section == GONE:
        return Reason.USERUNKNOWN if status.endswith(".1.1") else Reason.SUSPEND
    if section in (NOBODY, DOUBTFUL):
        return _unknown(diagnostic, status, doubtful=section == DOUBTFUL)
    if section == Reason.MESGTOOBIG and status.endswith(".2.3"):
        return Reason.EXCEEDLIMIT
    return Reason(section) if section else None


def _unknown(diagnostic: Diagnostic, status: str, doubtful: bool) -> Reason:
    """Tell an unknown user from a mail that a server does not like, of which it may say the same after reading it.

    The user is unknown where the code says so too (5.1.x, and Microsoft's 5.5.0), where it was said at RCPT, where the
    system that writes the report says it of its own users, and where a server said it and nothing tells otherwise.
    """
    subject = status.partition(".")[2]
    at_rcpt = bool(_AT_RCPT.search(diagnostic.around))
    if subject == "2.1" and not at_rcpt:
        return Reason.FILTERED
    if subject.startswith("1.") or at_rcpt or diagnostic.own or (doubtful and subject == "5.0"):
        return Reason.USERUNKNOWN
    if doubtful or subject not in ("", "0.0") or _AT_DATA.search(diagnostic.around) or _OF_ALL.match(diagnostic.words):
        return Reason.FILTERED
    return Reason.FILTERED if diagnostic.loose and not _OF_ONE.search(diagnostic.words) else Reason.USERUNKNOWN


#: Subject and detail of codes that judge the sender or its quota, never the recipient: RFC 3463, Google, Microsoft.
OF_SENDER = frozenset({"1.7", "1.8", "1.90", "2.252", "4.5"})
_NEVER_ADDRESS = OF_SENDER | {"5.3", "3.190"}  #: with those of too many recipients, and of a service that is off
OF_LOGIN = frozenset({"530", "534", "535", "538"})  #: RFC 4954
#: Replies that refuse a session or a sender: RFC 7504, and what filters say.
OF_SERVER = OF_LOGIN | {"521", "541", "571"}


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
    "3.190": Reason.SYSTEMERROR,
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
    if reply == "552" and subject.startswith(("0.", "1.", "2.")) and subject != "2.3":
        return Reason.MAILBOXFULL
    if subject in _BY_STATUS:
        return _BY_STATUS[subject]
    if reply in OF_SERVER:
        return Reason.SECURITYERROR if reply in OF_LOGIN else Reason.BLOCKED
    if subject.startswith("6."):
        return Reason.CONTENTERROR
    if subject.startswith("7."):
        return Reason.AUTHFAILURE if 20 <= int(subject[2:] or 0) <= 32 else Reason.POLICYVIOLATION
    return Reason.MAILBOXFULL if reply == "552" and not subject else None


def plain(text: str) -> str:
    """Return a text in lower case and one line, without accents, addresses, reply codes and the paths of links."""
    text = ADDRESS.sub(" ", _LINK.sub(r" \1 ", _REMARK.sub(" ", text[:LONGEST])))
    return " ".join(_CODES.sub(" ", folded(text)).translate(_BRACKETS).split())


@lru_cache(maxsize=32)  # a report says the same in its fields and in its notice
def _section(text: str) -> str:
    return next((name for name, pattern in sections("reasons") if pattern.search(text)), "")
