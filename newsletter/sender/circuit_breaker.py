"""The circuit breaker: when mails are refused for what we are or send, stop instead of trying everybody. Pure.

| what the server says | it is | and so |
|---|---|---|
| 5xx to MAIL | the sender that is refused | the third in a row pauses the issue |
| 5.7.x; 550 to 554 to DATA or the last dot | our policy or content | the fifth in a row of a domain pauses the domain |
| "relaying denied", 503, 530, 535, 538 to RCPT | our right to send | the fifth in a row pauses the domain |
| 4.7.x, but no grey list | a domain that wants less of us | the fifth in a row of a domain pauses the domain |
| 5.1.x, 5.2.x, a plain 5xx to RCPT | this address | nothing: the ledger says refused |
| nothing, after the last dot | a relay that dies of it | ten in a row, three for each connection, pause the issue |

Several domains paused for policy, and not only few mails, pause the issue. None of this is a person's doing: such a
mail is deferred, until it expires, and no subscriber changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from newsletter.errors import Deferred, DeliveryError, HostDown, Refused
from newsletter.sender.rate_limit import grey
from newsletter.sender.replies import Phase

REST = timedelta(hours=1)  #: of a paused domain
DOMAIN = 5  #: refusals in a row
SENDER = 3  #: in a row
DOMAINS = 3  #: paused for policy at once
SHARE = 0.05  #: of the mails that were answered; fewer pause domains, but not the issue
DOUBTS = 10  #: in a row,
ROUNDS = 3  #: and so many for each connection: a relay that dies takes all of them with it, once
COMPLAINTS = 5  #: fewer say nothing
COMPLAINT_SHARE = 0.001  #: of what was accepted: mailbox providers ask for less
_ADDRESS = ("5.1.", "5.2.")
_CONTENT = (Phase.DATA, Phase.BDAT, Phase.DOT)
_WHO_ARE_YOU = (503, 530, 535, 538)
_NO_RIGHT = re.compile(
    r"\brelay(ing)?( access| of mail)?( is)? (not|denied|prohibited|forbidden)|(not|unable|cannot) (\w+ )?to relay"
    r"|authentication (is )?required|requires authentication",
    re.IGNORECASE,
)  #: without the 5.7.x that others say it with


class Policy(Enum):
    """Whom a refusal is about, where it is not the recipient."""

    SENDER = "sender"
    MAIL = "mail"  #: our policy or content
    PACE = "pace"


@dataclass(frozen=True, slots=True)
class Trip:
    """What is to be paused, and why."""

    domain: str  #: "": the issue
    reason: str


def policy(error: DeliveryError) -> Policy | None:
    """None: it is about this address, or nothing that pausing would help."""
    if isinstance(error, HostDown):
        return Policy.SENDER if error.phase == Phase.MAIL and error.code >= 500 else None
    if error.status.startswith("5.7."):
        return Policy.MAIL
    if isinstance(error, Refused) and error.phase == Phase.RCPT and _no_right(error):
        return Policy.MAIL
    if isinstance(error, Refused) and error.phase in _CONTENT and 550 <= error.code <= 554:
        return None if error.status.startswith(_ADDRESS) else Policy.MAIL
    if isinstance(error, Deferred) and error.status.startswith("4.7.") and not grey(error):
        return Policy.PACE
    return None


def _no_right(error: Refused) -> bool:
    """Does the relay refuse us, whoever the recipient is?"""
    return error.code in _WHO_ARE_YOU or _NO_RIGHT.search(str(error)) is not None


def too_many_complaints(complaints: int, accepted: int) -> bool:
    """Complaints of those who were sent an issue, beside all who were."""
    return complaints >= COMPLAINTS and complaints > COMPLAINT_SHARE * accepted


@dataclass(slots=True)
class Breaker:
    """Listens to one issue's answers."""

    answered: int = 0
    refused: int = 0  #: for policy
    _sender: int = 0  #: refusals in a row
    _doubts: int = 0  #: in a row
    _in_a_row: dict[str, int] = field(default_factory=dict)
    _paused: set[str] = field(default_factory=set)  #: domains, for policy

    def heard(self, domain: str, error: DeliveryError | None) -> Trip | None:
        """One answer; None is acceptance. Returns what it was one too many for."""
        found = policy(error) if error else None
        if found is Policy.SENDER:
            return self._sender_refused(error)
        self.answered += 1
        self._doubts = 0
        if error is None:
            self._sender = 0
            self._in_a_row.pop(domain, None)
            self._paused.discard(domain)
        elif found:
            return self._refused(domain, found, error)
        return None

    def not_heard(self, error: DeliveryError, connections: int) -> Trip | None:
        """A mail is in doubt. To go on would put everybody in doubt, and nobody could tell who has it."""
        self._doubts += 1
        enough = self._doubts >= max(DOUBTS, ROUNDS * connections)
        return Trip("", f"{self._doubts} mails in a row are in doubt: {error}") if enough else None

    def _sender_refused(self, error: DeliveryError | None) -> Trip | None:
        self._sender += 1
        return Trip("", f"the server refuses the sender: {error}") if self._sender >= SENDER else None

    def _refused(self, domain: str, found: Policy, error: DeliveryError) -> Trip | None:
        """After its pause a domain is paused again at once where nothing has changed."""
        self.refused += found is Policy.MAIL
        count = self._in_a_row[domain] = self._in_a_row.get(domain, 0) + 1
        if count < DOMAIN:
            return None
        if found is Policy.MAIL:
            self._paused.add(domain)
        if len(self._paused) >= DOMAINS and self.refused > SHARE * self.answered:
            return Trip("", f"{len(self._paused)} domains refuse what we send, the last one {domain}: {error}")
        return Trip(domain, f"{count} in a row: {error}")
