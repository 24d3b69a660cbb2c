"""Parameters of MAIL and RCPT that a server offered and refuses all the same: left out from then on. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from newsletter.sender.envelope import Offers, commands
from newsletter.sender.phase import Phase
from newsletter.sender.pipelining import PipeliningLevel
from newsletter.sender.replies import Reply
from newsletter.sender.transaction import SmtpTransaction

_EXTENSIONS = {
    b"RET": "dsn",
    b"ENVID": "dsn",
    b"NOTIFY": "dsn",
    b"ORCPT": "dsn",
    b"SIZE": "declares_size",
    b"BODY": "eight_bit",
    b"SMTPUTF8": "smtputf8",
}  #: parameter → the field of Offers
_NAMES = {**_EXTENSIONS, b"DSN": "dsn", b"8BITMIME": "eight_bit"}
_WRITTEN = re.compile(rb" ([A-Z0-9]+)(?==| |\r)")
_NAMED = re.compile(rb"\b(RET|ENVID|NOTIFY|ORCPT|DSN|SIZE|BODY|8BITMIME|SMTPUTF8)\b(?!-)")
_SAID = re.compile(rb"\b(parameter|option|argument|keyword|extension)s?\b", re.IGNORECASE)
_CODES = (455, 501, 504, 555)


def _blames(reply: Reply, plain: bool) -> bool:
    """Say whether a reply may mean a parameter; `plain`: nothing else of how we write can be meant."""
    if reply.code in _CODES or reply.status in ("5.5.4", "4.5.4"):
        return not reply.status.startswith("5.1.")
    return reply.code >= 500 and (_SAID.search(reply.text) is not None or (plain and reply.code in (500, 502)))


@dataclass(slots=True)
class Parameters:
    """What one server refused of what it offered; all connections to it share one."""

    refused: frozenset[str] = frozenset()  #: fields of Offers
    _proven: frozenset[str] = field(default=frozenset())  #: those without which a mail went on

    def left_of(self, offers: Offers) -> Offers:
        """Return what may be used."""
        return replace(offers, **dict.fromkeys(self.refused, False)) if self.refused else offers

    def give_way(self, transaction: SmtpTransaction, offers: Offers) -> bool:
        """Write a transaction anew without what its refusal may mean; False: it means something else.

        Raises Refused where its addresses are out of reach then.
        """
        if not transaction.error:
            return False
        reply, phase = transaction.error
        mail, recipient = transaction.commands
        command = {Phase.MAIL: mail, Phase.RCPT: recipient}.get(phase, b"")
        dropped = _meant(command, reply, transaction.level is PipeliningLevel.PLAIN)
        if not dropped:
            self.refused -= transaction.dropped - self._proven  # it was not their fault, as far as is known
            return False
        self.refused |= dropped
        transaction.dropped |= dropped
        transaction.commands = commands(transaction.mail, self.left_of(offers))
        return True

    def passed(self, dropped: frozenset[str]) -> None:
        """Note that a mail went on without these."""
        if dropped:
            self._proven |= dropped


def _meant(command: bytes, reply: Reply, plain: bool) -> frozenset[str]:
    """Return which extensions a reply to a command may mean; nothing: it means something else.

    What costs nobody anything goes at once, and SMTPUTF8 last: without it an address may be out of reach.
    """
    if not _blames(reply, plain):
        return frozenset()
    written = {_EXTENSIONS[name] for name in _WRITTEN.findall(command.partition(b">")[2]) if name in _EXTENSIONS}
    named = written & {_NAMES[name] for name in _NAMED.findall(reply.text.upper())}
    return frozenset(named or written - {"smtputf8"} or written)
