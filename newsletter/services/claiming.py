"""What is due is claimed or postponed: read, decided, then written in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from newsletter.store import Claim, Later
from newsletter.store.ledger import Ledger


def claim_due(
    ledger: Ledger,
    key: str,
    sender: int,
    now: datetime,
    most: int,
    later: Callable[[str], Later | None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Claim]:
    """Reserve up to `most` deliveries that are due, the longest due first; none when nothing is due.

    `later` tells of an address whether its mail must wait: such a delivery is not reserved, but due later. Where very
    many must, that takes a while; `stopped` ends it.
    """
    while due := ledger.due(key, now, most):
        postponed = {row.subscriber: wait for row in due if (wait := later(row.address))}
        taken = [row.subscriber for row in due if row.subscriber not in postponed]
        claims = ledger.claim(key, sender, now, taken, postponed)
        if claims or stopped():
            return claims
    return []
