"""Whom a refusal for good is about. The judge is that of bounces (bounces/classify.py): one for both. Pure.

| what the server says | it is about |
|---|---|
| no such user or domain, moved, disabled, full, takes no mail; a plain 550, 551, 553 or 556 to RCPT | this reader |
| the sender's address, login or quota: words, 5.1.7, 5.1.8, 5.1.90, 5.2.252, 5.4.5, 530 | us |
| 5.7.x, spam, policy, content, relaying, 521, 541, 571; the server's own trouble; all that is not evidence | the mail |

A reply is plain where no word says anything, or words that nobody knows speak of somebody who gets mail.
After RCPT a server has taken the recipient: there words need a code that speaks of an address (5.1.x, 5.2.x).
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from newsletter.bounces.classify import OF_LOGIN, OF_SENDER, OF_SERVER, Diagnostic, classify, is_doubtful, plain
from newsletter.bounces.reasons import Reason
from newsletter.sender.phase import AFTER_RCPT, Phase

_LOGIN = frozenset(map(int, OF_LOGIN))
_NEVER_READERS = frozenset((500, 502, 503, 504, *map(int, OF_SERVER)))
_OF_ADDRESSES = frozenset((550, 551, 553, 556))  #: without another word, said to RCPT
_OF_SYNTAX = frozenset((501, 553, 555))
_ADDRESS_STATUS = re.compile(r"[12]\.\d{1,2}|4\.4")
_UNPROVEN = re.compile(r"7\.(2\d|515)")  #: SPF, DKIM, DMARC, PTR: each domain asks for what it wants
_MAILBOX = re.compile(r"mail ?box|in-?box|recipient|mail ?dir|over.?quota|\bfull\b", re.IGNORECASE)
_RECIPIENT = re.compile(
    r"(?i)user|mail ?box|recipient|address|account|rcpt|alias|person|inbox|customer|subscriber|employee|student|@"
)
_WORDS = 2  #: "550 no", "550 rejected"
_CODES = re.compile(r"\b5\d\d[ -]|\b5\.\d{1,3}\.\d{1,3}\b")
_IN_WORDS = {
    Phase.MAIL: "(in reply to MAIL FROM command)",
    Phase.RCPT: "(in reply to RCPT TO command)",
} | dict.fromkeys(AFTER_RCPT, "(in reply to end of DATA command)")  #: as reports tell the judge

_NO_READER = frozenset(
    (Reason.USERUNKNOWN, Reason.HOSTUNKNOWN, Reason.HASMOVED, Reason.NOTACCEPT, Reason.SUSPEND, Reason.SUPPRESSED)
)
_OF_ADDRESS = _NO_READER | {Reason.MAILBOXFULL, Reason.FILTERED}
_BY_WORDS_ALONE = frozenset((Reason.USERUNKNOWN, Reason.HASMOVED))  #: also after RCPT
_US = frozenset((Reason.REJECTED, Reason.TOOMANYCONN, Reason.SECURITYERROR))


class About(Enum):
    """Whom a refusal is about."""

    READER = "reader"
    SENDER = "sender"  #: our address, our login, or how much we may send
    MAIL = "mail"  #: policy or content, or the server's trouble: nothing that is known of the reader


@lru_cache(maxsize=1024)
def about(words: str, code: int, status: str, phase: str) -> About:
    """Judge a 5xx; `status` is the enhanced one (RFC 3463), or ""."""
    subject = status.partition(".")[2]
    if subject in OF_SENDER:
        return About.SENDER
    reason, _ = classify(Diagnostic(words, _IN_WORDS.get(Phase(phase), "") if phase else ""))
    if _speaks_of_reader(reason, words, code, subject, phase):
        return About.READER
    if _UNPROVEN.fullmatch(subject):
        return About.MAIL
    if subject.startswith("7."):  # says who is sorry, not for what: let the words alone tell
        reason, _ = classify(Diagnostic(_CODES.sub(" ", words)))
        us = _US - {Reason.SECURITYERROR}  # may be SPF, DKIM and so on
    else:
        us = _US if subject not in ("2.1", "2.2") else frozenset[Reason]()  # of one mailbox
    return About.SENDER if code in _LOGIN or reason in us else About.MAIL


def _may_mean_reader(words: str) -> bool:
    """Say whether words that nobody knows leave it at the code, or speak of somebody who gets mail."""
    return len(re.findall(r"\w+", plain(words))) < _WORDS or _RECIPIENT.search(words) is not None


def _speaks_of_reader(reason: Reason, words: str, code: int, subject: str, phase: str) -> bool:
    if code in _NEVER_READERS or subject.startswith("7."):
        return False
    at_address = bool(_ADDRESS_STATUS.fullmatch(subject))
    if phase in AFTER_RCPT:
        return (at_address and reason in _OF_ADDRESS) or reason in _BY_WORDS_ALONE
    if subject == "6.7":  # an address that needs SMTPUTF8
        return True
    match reason:
        case Reason.MAILBOXFULL:
            return subject.startswith("2.") or _MAILBOX.search(words) is not None
        case Reason.ONHOLD | Reason.UNDEFINED:
            named = at_address or (subject in ("", "0.0") and _may_mean_reader(words))
            return code in _OF_ADDRESSES and named and not is_doubtful(words)
        case Reason.SYNTAXERROR:
            return code in _OF_SYNTAX
    return reason in _NO_READER or reason in (Reason.FILTERED, Reason.EXCEEDLIMIT)
