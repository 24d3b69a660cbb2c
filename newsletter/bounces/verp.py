"""Whose mail a report is about: our own signs in it, which nobody else can make.

bounces+TOKEN@papers.example.org    the envelope sender of each delivery (VERP): names issue and subscriber
/unsubscribe/TOKEN                  in the List-Unsubscribe of the mail that came back: names the subscriber
<2025-W12.0123456789ab…@…>          its Message-ID, which the store knows
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsletter.bounces.addresses import redacted, same
from newsletter.bounces.report import Finding
from newsletter.errors import TokenError
from newsletter.tokens import Purpose, Tokens, issue_tag

MOST_SIGNS = 200  #: that are looked at in one report
_UNSUBSCRIBE = re.compile(r"(?:/unsubscribe/|[?&]subject=unsubscribe(?:%20| ))([\w.-]{16,300})")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9][\w.-]{0,63}\.[0-9a-f]{24}@[\w.-]{1,200}>")


@dataclass(frozen=True, slots=True)
class Sign:
    """A token of ours that was found in a report."""

    subscriber: int
    tag: bytes = b""  #: of the issue, see tokens.issue_tag; b"" where the token does not name one


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a report may be about, as its signs say."""

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
        """The same for the same delivery, always; "" where no address is configured."""
        return f"{self._local}{self._tokens.return_path(issue, subscriber)}@{self._domain}" if self._local else ""

    def signs(self, text: str) -> list[Sign]:
        """All tokens in a text that we signed."""
        return list(dict.fromkeys([*self._from_senders(text), *self._from_links(text)]))

    def _from_senders(self, text: str) -> Iterator[Sign]:
        for token in _each(self._pattern, text) if self._local else ():
            try:
                tag, subscriber = self._tokens.read_return_path(token)
            except TokenError:
                continue
            yield Sign(subscriber, tag)

    def _from_links(self, text: str) -> Iterator[Sign]:
        for token in _each(_UNSUBSCRIBE, text):
            try:
                [subscriber] = self._tokens.read(Purpose.UNSUBSCRIBE, token)
            except (TokenError, ValueError):
                continue
            yield Sign(int(subscriber))


def message_ids(text: str) -> list[str]:
    """What looks like a Message-ID of ours; the store knows those that are."""
    return [found[0] for found in _found(_MESSAGE_ID, text)]


def candidate(sign: Sign, address: str, addressed: Sequence[tuple[str, str]]) -> Candidate:
    """`address`: the subscriber's, now; `addressed`: (key of an issue, the address it went to)."""
    mine = [(key, email) for key, email in addressed if sign.tag == issue_tag(key)]
    emails = mine or addressed
    return Candidate(sign.subscriber, mine[0][0] if mine else "", (address, *(email for _, email in emails)))


def believed(finding: Finding, candidates: Sequence[Candidate]) -> Candidate | None:
    """Who is meant, of those that the report proves to have to do with; None where the recipient is somebody else.

    A report that hides its recipient is about the one that its signs name.
    """
    named = [each for each in (finding.recipient, *finding.also) if each]
    for each in sorted(candidates, key=lambda each: not each.issue):
        if any(same(address, name) for address in each.addresses for name in named):
            return each
    hidden = not named or all(redacted(name) for name in named)
    people = {each.subscriber for each in candidates}
    return max(candidates, key=lambda each: each.issue) if hidden and len(people) == 1 else None


def _each(pattern: re.Pattern[str], text: str) -> list[str]:
    return list(dict.fromkeys(found[1] for found in _found(pattern, text)))


def _found(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for count, found in enumerate(pattern.finditer(text)):
        if count >= MOST_SIGNS:
            return
        yield found
