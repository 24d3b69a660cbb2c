"""The circuit breaker: when mails are refused for what we are or send, stop instead of trying everybody. Pure.

| what the server says | it is | and so |
|---|---|---|
| 5xx to MAIL | the sender that is refused | the third in a row pauses the issue |
| 5xx for our address, login or quota, later on | us | the third in a row, of two domains, pauses the issue |
| other 5xx that are not about the reader | our policy or content | the fifth in a row of a domain pauses the domain |
| any 5xx that is not about the reader | us or what we send | twenty in a row, of three domains, pause the issue |
| 4.7.x, but no grey list | a domain that wants less of us | the fifth in a row of a domain pauses the domain |
| 5xx about the reader (verdict.py) | this address | nothing: the ledger says refused |
| nothing, after the last dot | a relay that dies of it | ten in a row, three for each connection, pause the issue |

Where only one domain refuses us for our address, it is paused as for policy. Several domains paused for policy, and not
only few mails, pause the issue. None of this is a person's doing: such a
mail is deferred, until it expires, and no subscriber changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from newsletter.errors import Deferred, DeliveryError, HostDown, Refused, SenderRefused
from newsletter.sender.phase import Phase
from newsletter.sender.rate_limit import grey
from newsletter.sender.tuning import BREAKER, BreakerTuning
from newsletter.sender.verdict import About, about

REST = timedelta(hours=1)  #: of a paused domain


class PolicyRefusal(Enum):
    """What a refusal is about, where it is not the recipient."""

    SENDER = "sender"  #: our address, login or quota
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
    if isinstance(error, (Refused, SenderRefused)):
        return _refusal(error)
    if isinstance(error, Deferred) and error.status.startswith("4.7.") and not grey(error):
        return PolicyRefusal.PACE
    return None


def _refusal(error: Refused | SenderRefused) -> PolicyRefusal | None:
    if error.phase == Phase.MAIL or error.code < 500:  # ours: the server was not asked
        return None
    found = about(str(error), error.code, error.status, error.phase)
    if found is About.READER and isinstance(error, SenderRefused):  # it named us
        found = About.SENDER
    return {About.SENDER: PolicyRefusal.SENDER, About.MAIL: PolicyRefusal.MAIL}.get(found)


def too_many_complaints(complaints: int, accepted: int, tuning: BreakerTuning = BREAKER) -> bool:
    """Compare the complaints of those who were sent an issue with all who were."""
    return complaints >= tuning.complaints and complaints > tuning.complaint_share * accepted


@dataclass(slots=True)
class Breaker:
    """The state of one issue: what its answers said so far."""

    answered: int = 0
    refused: int = 0  #: for policy
    tuning: BreakerTuning = BREAKER
    _sender: list[str] = field(default_factory=list)  #: whose mails: refusals in a row for our address, login or quota
    _policy: list[str] = field(default_factory=list)  #: and all in a row that were not about the reader
    _doubts: int = 0  #: in a row
    _in_a_row: dict[str, int] = field(default_factory=dict)
    _paused: set[str] = field(default_factory=set)  #: domains, for policy

    def record(self, domain: str, error: DeliveryError | None) -> Trip | None:
        """Record one answer; None is acceptance. Returns what it was one too many for."""
        found = policy_refusal(error) if error else None
        if found is PolicyRefusal.SENDER and (trip := self._sender_refused(domain, error)):
            return trip
        if isinstance(error, HostDown):
            return None
        self.answered += 1
        self._doubts = 0
        if error is None:
            self._sender.clear()
            self._policy.clear()
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

    def _sender_refused(self, domain: str, error: DeliveryError | None) -> Trip | None:
        """Count a refusal of ours; later than MAIL, it may be one domain only that does not want us."""
        self._sender.append(domain)
        enough = len(self._sender) >= self.tuning.sender_refusals_in_a_row
        enough &= isinstance(error, HostDown) or len({*self._sender}) > 1
        return Trip("", f"the server refuses the sender: {error}") if enough else None

    def _refused(self, domain: str, found: PolicyRefusal, error: DeliveryError) -> Trip | None:
        """Count a refusal; a domain is paused again right after its pause where nothing has changed."""
        tuning = self.tuning
        by_us = found is not PolicyRefusal.PACE
        self.refused += by_us
        self._policy += [domain] * by_us
        much = self.refused > tuning.refused_share * self.answered
        many = len(self._policy) >= tuning.refusals_in_a_row and len({*self._policy}) >= tuning.paused_domains
        if by_us and much and many:
            return Trip("", f"{len(self._policy)} refusals in a row, the last one: {error}")
        count = self._in_a_row[domain] = self._in_a_row.get(domain, 0) + 1
        if count < tuning.domain_refusals_in_a_row:
            return None
        if by_us:
            self._paused.add(domain)
        if len(self._paused) >= tuning.paused_domains and much:
            return Trip("", f"{len(self._paused)} domains refuse what we send, the last one {domain}: {error}")
        return Trip(domain, f"{count} in a row: {error}")
