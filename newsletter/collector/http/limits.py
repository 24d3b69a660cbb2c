"""What one fetch may take: seconds, bytes, tries and redirects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from newsletter.errors import SourceError


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """The limits of one fetch."""

    timeout: float = 30.0  #: seconds for one request, all in all; waiting for its turn is not counted
    size: int = 50_000_000  #: bytes, before decompression and after
    tries: int = 3
    redirects: int = 5
    backoff: float = 1.0  #: seconds; the second try comes within this time, the third within twice as much


@dataclass(slots=True)
class TimeBudget:
    """The time one fetch may still use."""

    whole: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.whole

    @asynccontextmanager
    async def spend(self) -> AsyncIterator[None]:
        """Count the time of the block; raise SourceError when none is left."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.left):
                await asyncio.sleep(0)  # where nothing is left, nothing is begun
                yield
        except TimeoutError:
            raise SourceError(f"no complete answer within {self.whole:g} s") from None
        finally:
            self.left -= time.monotonic() - began
