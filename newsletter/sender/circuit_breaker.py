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
from newsletter.sender.tuning import BREAKER, BreakerTuning

REST = timedelta(hours=1)  #: of a paused domain
_ADDRESS = ("5.1.", "5.2.")
_CONTENT = (Phase.DATA, Phase.BDAT, Phase.DOT)
_WHO_ARE_YOU = (503, 530, 535, 538)
_NO_RIGHT = re.compile(
    r"\brelay(ing)?( access| of mail)?( is)? (not|denied|prohibited|forbidden)|(not|unable|cannot) (\w+ )?to relay"
    r"|authentication (is )?required|requires authentication",
    re.IGNORECASE,
)  #: without the 5.7.x that others say it with


class PolicyRefusal(Enum):
    """What a refusal is about, where it is not the recipient."""

    SENDER = "sender"
    MAIL = "mail"  #: our policy or content
    PACE = "pace"


@dataclass(frozen=True, slots=True)
class Trip:
    """What is to be paused, and why."""

    domain: str  #: "": the issue
    reason: str


def policy_refusal(error: DeliveryError) -> PolicyRefusal | None:
    """Tell what a refusal is about; None: this address, or nothing that pausing would help."""
    if isinstance(error, HostDown):
        return PolicyRefusal.SENDER if error.phase == Phase.MAIL and error.code >= 500 else None
    if error.status.startswith("5.7."):
        return PolicyRefusal.MAIL
    if isinstance(error, Refused) and error.phase == Phase.RCPT and _no_right(error):
        return PolicyRefusal.MAIL
    if isinstance(error, Refused) and error.phase in _CONTENT and 550 <= error.code <= 554:
        return None if error.status.startswith(_ADDRESS) else PolicyRefusal.MAIL
    if isinstance(error, Deferred) and error.status.startswith("4.7.") and not grey(error):
        return PolicyRefusal.PACE
    return None


def _no_right(error: Refused) -> bool:
    """Say whether the relay refuses us, whoever the recipient is."""
    return error.code in _WHO_ARE_YOU or _NO_RIGHT.search(str(error)) is not None


def too_many_complaints(complaints: int, accepted: int, tuning: BreakerTuning = BREAKER) -> bool:
    """Compare the complaints of those who were sent an issue with all who were."""
    return complaints >= tuning.complaints and complaints > tuning.complaint_share * accepted


@dataclass(slots=True)
class Breaker:
    """The state of one issue: what its answers said so far."""

    answered: int = 0
    refused: int = 0  #: for policy
    tuning: BreakerTuning = BREAKER
    _sender: int = 0  #: refusals in a row
    _doubts: int = 0  #: in a row
    _in_a_row: dict[str, int] = field(default_factory=dict)
    _paused: set[str] = field(default_factory=set)  #: domains, for policy

    def record(self, domain: str, error: DeliveryError | None) -> Trip | None:
        """Record one answer; None is acceptance. Returns what it was one too many for."""
        found = policy_refusal(error) if error else None
        if found is PolicyRefusal.SENDER:
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

    def record_doubt(self, error: DeliveryError, connections: int) -> Trip | None:
        """Record a mail in doubt. To go on would put everybody in doubt, and nobody could tell who has it."""
        self._doubts += 1
        enough = self._doubts >= max(self.tuning.doubts_in_a_row, self.tuning.doubts_per_connection * connections)
        return Trip("", f"{self._doubts} mails in a row are in doubt: {error}") if enough else None

    def _sender_refused(self, error: DeliveryError | None) -> Trip | None:
        self._sender += 1
        enough = self._sender >= self.tuning.sender_refusals_in_a_row
        return Trip("", f"the server refuses the sender: {error}") if enough else None

    def _refused(self, domain: str, found: PolicyRefusal, error: DeliveryError) -> Trip | None:
        """Count a refusal; a domain is paused again right after its pause where nothing has changed."""
        tuning = self.tuning
        self.refused += found is PolicyRefusal.MAIL
        count = self._in_a_row[domain] = self._in_a_row.get(domain, 0) + 1
        if count < tuning.domain_refusals_in_a_row:
            return None
        if found is PolicyRefusal.MAIL:
            self._paused.add(domain)
        if len(self._paused) >= tuning.paused_domains and self.refused > tuning.refused_share * self.answered:
            return Trip("", f"{len(self._paused)} domains refuse what we send, the last one {domain}: {error}")
        return Trip(domain, f"{count} in a row: {error}")
