"""The certificates that Amazon SNS signs with: asked for seldom, however many forged calls name them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from newsletter.errors import SourceError

MOST_KEPT = 8  #: that have verified something; there is one a region, and a new one a year
MOST_ASKED = 4  #: addresses that are asked within ASKED_FOR, whatever came of it
ASKED_FOR = 60.0  #: seconds in which the same answer, or failure, is given again

Fetch = Callable[[str], Awaitable[bytes]]  #: gets an address of Amazon's; raises SourceError


class SnsCertificates:
    """Certificates by their addresses, each of which was found to be Amazon's before. For one event loop."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, bytes] = {}
        self._lately: dict[str, tuple[float, bytes | SourceError]] = {}  #: when it was asked for, what came of it
        self._turn = asyncio.Lock()

    async def get(self, url: str) -> bytes:
        """Return the certificate. Raises SourceError, also for what was just asked for, or where too much was."""
        if url in self._kept:
            return self._kept[url]
        async with self._turn:
            found = await self._asked(url)
        if isinstance(found, SourceError):
            raise found
        return found

    def keep(self, url: str, certificate: bytes) -> None:
        """Keep a certificate that has verified something."""
        if url not in self._kept and len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[url] = certificate

    async def _asked(self, url: str) -> bytes | SourceError:
        now = self._clock()
        self._lately = {known: told for known, told in self._lately.items() if now - told[0] < ASKED_FOR}
        if url in self._lately:
            return self._lately[url][1]
        if len(self._lately) >= MOST_ASKED:
            return SourceError("too many certificates are asked for")
        try:
            found: bytes | SourceError = await self._fetch(url)
        except SourceError as error:
            found = error
        self._lately[url] = now, found
        return found
