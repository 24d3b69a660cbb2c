"""The ways out: one for each relay, with its share of the connections and what is known of how it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from newsletter.errors import DeliveryError
from newsletter.sender.phase import Phase
from newsletter.sender.rate_limit import Lane
from newsletter.sender.transport import Transport

_GREETING = (Phase.CONNECT, Phase.EHLO, Phase.STARTTLS, Phase.AUTH)


@dataclass(slots=True, eq=False)
class Route:
    """One relay. It outlives a run: what it said for good still counts in the next one."""

    transport: Transport
    connections: int = 1
    mails: int = 0  #: in one connection; 0: any number
    lane: Lane = field(default_factory=Lane)
    open: int = 0  #: connections
    failures: int = 0  #: to reach it or to talk to it, in a row
    failed_at: float = -inf
    closed_until: float = -inf  #: it said no for good: a wrong password, a refused greeting
    trouble: str = ""  #: its last words
    turned_away: int = 0  #: connections beside others of ours, since the last answer
    crowded: str = ""  #: its words, when it turned one away
    renewing_helps: bool = True  #: after a 452 a new connection may do; False: it was tried
    longest_pause_seconds: float = 60.0  #: between two attempts to reach it

    def failed(self, error: DeliveryError, began: float, now: float) -> None:
        """Note that it could not be reached, or hung up on a fresh session. What was tried at once counts once."""
        self.failures += began >= self.failed_at
        self.failed_at = now
        self.trouble = str(error)
        if error.code >= 500 and error.phase in _GREETING:
            self.closed_until = now + self.longest_pause_seconds

    def worked(self) -> None:
        """Note that a mail had its answer."""
        self.failures = self.turned_away = 0

    def down(self, patience: int, now: float) -> bool:
        """Say whether to leave it out for as long as anybody waits, not only for the moment."""
        return self.closed_until > now or self.failures >= patience

    def retry_delay(self, first_seconds: float, failed: int) -> float:
        """Return the seconds before the next attempt: doubled with each one that failed in a row."""
        return min(first_seconds * 2.0 ** max(failed - 1, 0), self.longest_pause_seconds)


def shared_out(connections: int, weights: Sequence[float]) -> list[int]:
    """Share connections out by weight, at least one each; the largest remainders get what is left over."""
    exact = [connections * weight / sum(weights) for weight in weights]
    shares = [max(1, int(share)) for share in exact]
    neediest = sorted(range(len(exact)), key=lambda place: shares[place] - exact[place])
    for place in neediest[: max(0, connections - sum(shares))]:
        shares[place] += 1
    return shares
