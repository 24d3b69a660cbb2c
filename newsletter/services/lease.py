"""The lease of a sender: a number in the ledger that counts as alive for as long as it is renewed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.errors import StoreError
from newsletter.store import Store

logger = logging.getLogger("newsletter")


@dataclass(frozen=True, slots=True)
class LeaseTuning:
    """How long a sender counts as alive."""

    length: timedelta = timedelta(seconds=4)  #: a sender that has not renewed for this long is dead
    renew_seconds: float = 1.0


class Lease:
    """Keeps one sender alive."""

    def __init__(self, store: Store, now: Callable[[], datetime], tuning: LeaseTuning) -> None:
        self._ledger = store.ledger
        self._now = now
        self._tuning = tuning

    @asynccontextmanager
    async def held(self) -> AsyncIterator[int]:
        """Enroll a new sender, renew its lease, and sign it off at the end; its number."""
        sender = await asyncio.to_thread(self._ledger.enroll, self._now() + self._tuning.length)
        renewing = asyncio.create_task(self.renew(sender))
        try:
            yield sender
        finally:
            renewing.cancel()
            await asyncio.to_thread(self._ledger.release, sender)

    async def renew(self, sender: int) -> None:
        """Renew the lease again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._tuning.renew_seconds)
            try:
                await asyncio.to_thread(self._ledger.renew, sender, self._now() + self._tuning.length)
            except StoreError as error:  # the ledger's own trouble ends the send; a lock that is gone again must not
                logger.warning("lease not renewed", extra={"sender": sender, "reason": str(error)})
