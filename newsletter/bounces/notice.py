"""Notices that people read: which addresses a mail system names as failed, and with which words.

<ada@example.org>:                       an address at the start of a line,
550 5.1.1 no such user                   and the lines up to the next one: its words
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.bounces.addresses import ADDRESS, every, same, tidied

LONGEST_LINE = 2_000
MOST_LINES = 2_000

#: What may stand before the address on a line that begins with it; "To:" may be a line of the mail that came back.
_SIGNS = r"[\s>*•|\-–<\"'(]{0,40}"
_NAMES = (
    r"(?:(?:original |final |intended |failed |recipient(?:'s)? |e-?mail |addressed )?"
    r"(?:recipient|address|user|rcpt to|rcpt|mailbox|empfänger|destinataire|destinatario|addressed to)"
    r"(?: address)? ?[:=] {0,8}[<\"'(]?)?"
)
_AT_START = re.compile(rf"(?i)^{_SIGNS}{_NAMES}(?:mailto:)?(?={ADDRESS.pattern})")
_AFTER_TO = re.compile(rf"(?i)^{_SIGNS}(?:to|for) ?: {{0,8}}[<\"'(]?(?={ADDRESS.pattern})")
#: Sentences with the address in them, of systems that write nothing but sentences.
_SAYS = re.compile(
    r"(?i)(?:deliver(?:ed|ing|y)?(?: (?:of )?(?:your |the |this )?(?:e-?mail|mail|message))?(?: failed)? (?:to|for)|"
    r"undeliverable to|(?:rejected|refused|returned) (?:by|for)|permanent errors?:|"
    r"following (?:recipients?|address(?:es)?)[^:<@]{0,60}:|(?:mailbox|user|recipient|account|address)[^:<@]{0,50}:|"
    r"rcpt to:|mail(?:ed)? to|sent to|reach|could ?n[o']t send to|(?:generated|expanded) from:?|smtp[:=])"
    rf" {{0,4}}[<\"'(\[]?(?={ADDRESS.pattern})"
)
_OF_SENDER = re.compile(r"(?i)(?:mail from|from|sender|envelope-from|return-path|reply-to)\s?[:=]?\s?[<\"(]{0,2}$")
_DAEMON = re.compile(r"(?i)^(?:mailer-?daemon|postmaster)@")
_HELP = re.compile(r"(?i)^(?:abuse|support|help|helpdesk|noreply|no-reply)@")
_FROM = re.compile(rf"(?i)(?:expanded|generated) from:? {{0,4}}<?({ADDRESS.pattern})")
_GREETING = re.compile(r"\s*(?:様|さま|さん|님|,|，|、)\s*$")
_WRITTEN = re.compile(rf"\s{{1,5}}<(?={ADDRESS.pattern}>)")
_TO = tuple(
    re.compile(rf"(?im)^(?:{names}):(.*(?:\n[ \t].*){{0,20}})")
    for names in ("X-Envelope-To|Envelope-To|X-Rcpt-To", "To", "X-Original-To|Delivered-To|Cc|Bcc")
)
_FOR = re.compile(rf"(?i)\bfor\s+<?({ADDRESS.pattern})>?\s*;")


@dataclass(frozen=True, slots=True)
class NamedRecipient:
    """An address that a notice names, and the lines about it."""

    recipient: str
    words: str


def named_recipients(notice: str, ours: Sequence[str]) -> list[NamedRecipient]:
    """Find whom the notice names as failed; `ours`: addresses that the report is from or for, which are not meant."""
    lines = [line[:LONGEST_LINE] for line in notice.split("\n")[:MOST_LINES]]
    flat = " ".join(" ".join(lines).split())
    return (
        _starting(lines, _AT_START, ours)
        or [NamedRecipient(address, notice) for address in _named(flat) if not _among(address, ours)]
        or _starting(lines, _AFTER_TO, ours)
        or _starting(lines, _AT_START, ())
        or [
            NamedRecipient(address, notice)
            for address in _any(flat)
            if _meant(address, ours) and not _HELP.match(address)
        ]
    )


def before(words: str) -> list[str]:
    """Return the addresses that a recipient had before it was forwarded."""
    return [tidied(address) for address in _FROM.findall(words)]


def words(notice: str) -> dict[str, str]:
    """Return by recipient in lower case what the notice says of them, for those that are known from elsewhere."""
    found: dict[str, str] = {}
    for named in named_recipients(notice, ()):
        key = named.recipient.casefold()
        found[key] = f"{found[key]}\n{named.words}" if key in found else named.words
    return found


def sent_to(returned: str) -> list[str]:
    """Return whom the mail that came back was for, by its own headers."""
    for pattern in _TO:
        named = [address for found in pattern.findall(returned) for address in every(found)]
        if named:
            return list(dict.fromkeys(named))
    return list(dict.fromkeys(tidied(address) for address in _FOR.findall(returned)))


def _starting(lines: Sequence[str], lead: re.Pattern[str], ours: Sequence[str]) -> list[NamedRecipient]:
    """Find addresses that begin a line, each with its own and the following lines."""
    found: dict[str, list[str]] = {}
    mine: list[str] | None = None
    for line in lines:
        found_lead = lead.match(line)
        address = _leading(line, found_lead.end()) if found_lead else None
        if address and not _GREETING.match(line[address.end() :]) and _meant(tidied(address[0]), ours):
            mine = found.setdefault(tidied(address[0]), [])
        if mine is not None:
            mine.append(line)
    return [NamedRecipient(address, "\n".join(lines).strip()) for address, lines in found.items()]


def _leading(line: str, start: int) -> re.Match[str] | None:
    """Match the address there; of "ada@example.org <bob@example.org>" the one that is written to."""
    address = ADDRESS.match(line, start)
    written = _WRITTEN.match(line, address.end()) if address else None
    return ADDRESS.match(line, written.end()) if written else address


def _named(text: str) -> list[str]:
    """Find those of which a sentence says that they could not be reached."""
    found = (ADDRESS.match(text, lead.end()) for lead in _SAYS.finditer(text))
    return list(dict.fromkeys(tidied(match[0]) for match in found if match))


def _any(text: str) -> list[str]:
    """Find all but those of which the text says that they sent something."""
    found = (
        match
        for match in ADDRESS.finditer(text)
        if not _OF_SENDER.search(text[max(0, match.start() - 30) : match.start()])
    )
    return list(dict.fromkeys(tidied(match[0]) for match in found))


def _meant(address: str, ours: Sequence[str]) -> bool:
    return not _DAEMON.match(address) and not _among(address, ours)


def _among(address: str, some: Sequence[str]) -> bool:
    return any(same(address, other) for other in some)
