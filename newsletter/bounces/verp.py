"""Whose mail a report is about: our own tokens in it, which nobody else can make.

bounces+TOKEN@papers.example.org    the envelope sender of each delivery (VERP): names issue and subscriber
/unsubscribe/TOKEN                  in the List-Unsubscribe of the mail that came back: names the subscriber
<2025-W12.0123456789ab…@…>          its Message-ID, which the store knows
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsletter.bounces.addresses import redacted, same
from newsletter.bounces.report import RecipientReport
from newsletter.errors import TokenError
from newsletter.tokens import Purpose, Tokens, issue_tag

MOST_TOKENS = 200  #: that are looked at in one report
_UNSUBSCRIBE = re.compile(r"(?:/unsubscribe/|[?&]subject=unsubscribe(?:%20| ))([\w.-]{16,300})")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9][\w.-]{0,63}\.[0-9a-f]{24}@[\w.-]{1,200}>")


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token of ours that was found in a report."""

    subscriber: int
    tag: bytes = b""  #: of the issue (tokens.issue_tag); b"" where the token does not name one


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a report may be about, as its tokens say."""

    subscriber: int
    issue: str  #: its key, or ""
    addresses: tuple[str, ...]  #: theirs, now and when the mail went out


class ReturnPath:
    """Envelope senders that name a delivery. `address` "": none is configured, and none is found."""

    def __init__(self, address: str, delimiter: str, tokens: Tokens) -> None:
        local, _, self._domain = address.rpartition("@")
        self._local = f"{local}{delimiter}" if address else ""
        self._tokens = tokens
        self._pattern = re.compile(rf"(?i){re.escape(self._local)}([a-z2-7]{{24,36}})(?![a-z0-9])")

    def of(self, issue: str, subscriber: int) -> str:
        """Return the sender of a delivery, always the same; "" where no address is configured."""
        return f"{self._local}{self._tokens.return_path(issue, subscriber)}@{self._domain}" if self._local else ""

    def tokens(self, text: str) -> list[FoundToken]:
        """Find all tokens in a text that we signed."""
        return list(dict.fromkeys([*self._from_senders(text), *self._from_links(text)]))

    def _from_senders(self, text: str) -> Iterator[FoundToken]:
        for token in _distinct(self._pattern, text) if self._local else ():
            try:
                tag, subscriber = self._tokens.read_return_path(token)
            except TokenError:
                continue
            yield FoundToken(subscriber, tag)

    def _from_links(self, text: str) -> Iterator[FoundToken]:
        for token in _distinct(_UNSUBSCRIBE, text):
            try:
                subscriber, *_ = self._tokens.read(Purpose.UNSUBSCRIBE, token)
            except (TokenError, ValueError):
                continue
            yield FoundToken(int(subscriber))


def message_ids(text: str) -> list[str]:
    """Find what looks like a Message-ID of ours; the store knows those that are."""
    return [found[0] for found in _found(_MESSAGE_ID, text)]


def candidate(token: FoundToken, address: str, addressed: Sequence[tuple[str, str]]) -> Candidate:
    """Make a candidate. `address`: the subscriber's, now; `addressed`: (key of an issue, the address it went to)."""
    mine = [(key, email) for key, email in addressed if token.tag == issue_tag(key)]
    emails = mine or addressed
    return Candidate(token.subscriber, mine[0][0] if mine else "", (address, *(email for _, email in emails)))


def believed(report: RecipientReport, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return who is meant, of those that the report's tokens name; None where the recipient is somebody else.

    A report that hides its recipient is about the one that its tokens name.
    """
    named = [address for address in (report.recipient, *report.also) if address]
    for someone in sorted(candidates, key=lambda someone: not someone.issue):
        if any(same(address, name) for address in someone.addresses for name in named):
            return someone
    hidden = not named or all(redacted(name) for name in named)
    people = {someone.subscriber for someone in candidates}
    return max(candidates, key=lambda someone: someone.issue) if hidden and len(people) == 1 else None


def _distinct(pattern: re.Pattern[str], text: str) -> list[str]:
    return list(dict.fromkeys(found[1] for found in _found(pattern, text)))


def _found(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for count, found in enumerate(pattern.finditer(text)):
        if count >= MOST_TOKENS:
            return
        yield found
