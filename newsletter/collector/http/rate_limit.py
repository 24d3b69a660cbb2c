"""How often a host is asked: one request after the other, over all processes that share the leases of hosts.

slot ─ FIFO within the process (a lock per host) ─▶ lease the host ─▶ the request ─▶ release
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlsplit

from newsletter.errors import SourceError

ARXIV = "arxiv.org"
ARXIV_INTERVAL = 3.0  #: seconds; arXiv's terms: so often, over one connection, all machines together
LEASE = 35.0  #: seconds after which a host that was not released is free again: its process is dead
LONGEST_WAIT = 600.0  #: seconds in which a request must get its turn
POLL = 1.0  #: seconds; a host may be released long before its lease ends
LONGEST_PAUSE = 3600.0  #: seconds a host may ask for
DEFAULT_PORTS = {"http": 80, "https": 443}


class HostLeases(Protocol):
    """When each host may be asked again, for all processes. Times are those of `time.time()`; called in threads."""

    def reserve(self, host: str, now: float, hold: float) -> float:
        """Lease the host until now + hold and return 0.0, or lease nothing and return the seconds until it is free."""

    def release(self, host: str, free_at: float) -> None:
        """Free the host from then on, be that sooner or later than it was."""


class LocalLeases:
    """The leases of one process, when no store is at hand."""

    def __init__(self) -> None:
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, host: str, now: float, hold: float) -> float:
        with self._lock:
            wait = self._free.get(host, now) - now
            if wait > 0:
                return wait
            self._free[host] = now + hold
            return 0.0

    def release(self, host: str, free_at: float) -> None:
        with self._lock:
            self._free[host] = free_at


class HostRateLimiter:
    """Lets requests to each host through at its rate. For one event loop; any number of them may share the leases."""

    def __init__(
        self,
        leases: HostLeases | None = None,
        *,
        longest_wait: float = LONGEST_WAIT,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.leases: HostLeases = LocalLeases() if leases is None else leases
        self.longest_wait = longest_wait
        self.clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._locks: dict[str, asyncio.Lock] = {}
        self._paused: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, host: str, interval: float, alone: bool, *, lease: float = LEASE) -> AsyncIterator[None]:
        """Wait for the host (a `host_of`), then hold it: for the block if `alone`, else only until the next may start.

        A block that is `alone` must end within `lease` seconds. Raises SourceError if the host asked for a pause longer
        than that, or it is not free within `longest_wait`.
        """
        interval, alone = terms_of(host, interval, alone)
        async with AsyncExitStack() as queue:
            began = await self._begin(host, lease if alone else interval, max(lease, interval), queue)
            if not alone:
                await queue.aclose()
            try:
                yield
            finally:
                if alone:
                    await self._end(host, began, interval, lease)

    async def postpone(self, host: str, seconds: float) -> None:
        """Keep everybody from asking the host for so long, an hour at most. Never shortens an earlier pause."""
        pause = min(seconds, LONGEST_PAUSE)
        until = self.clock() + pause
        self._paused[host] = max(until, self._paused.get(host, 0.0))
        taken_for = await asyncio.to_thread(self.leases.reserve, host, self.clock(), pause)
        if 0.0 < taken_for < pause:
            await asyncio.to_thread(self.leases.release, host, until)

    async def _begin(self, host: str, hold: float, longest: float, queue: AsyncExitStack) -> float:
        """Wait for the host; return when its lease began."""
        try:
            async with asyncio.timeout(self.longest_wait):
                await queue.enter_async_context(self._locks.setdefault(host, asyncio.Lock()))
                while (wait := await self._reserve(host, hold)) > 0:
                    if wait > longest:  # nobody holds a host for so long
                        until = datetime.fromtimestamp(self.clock() + wait, UTC)
                        raise SourceError(f"{host} asked for a pause until {until:%H:%M} UTC")
                    await self._sleep(min(wait, POLL) * (1 + self._jitter() / 4))
        except TimeoutError:
            raise SourceError(f"{host} is busy: no turn within {span(self.longest_wait)}") from None
        return self.clock()

    async def _reserve(self, host: str, hold: float) -> float:
        """Lease the host in a thread, which cannot be cancelled: what it leased for a cancelled task is given back."""
        now = self.clock()
        reserving = asyncio.ensure_future(asyncio.to_thread(self.leases.reserve, host, now, hold))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            if await reserving == 0.0:
                await asyncio.to_thread(self.leases.release, host, now)
            raise

    async def _end(self, host: str, began: float, interval: float, lease: float) -> None:
        now = self.clock()
        if now < began + lease:  # later, the host may be somebody else's
            free_at = max(began + interval, now, self._paused.get(host, 0.0))
            await asyncio.to_thread(self.leases.release, host, free_at)


def host_of(url: str) -> str:
    """The name under which the rate of a host is limited: all of arXiv is one host."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if host == ARXIV or host.endswith(f".{ARXIV}"):
        return ARXIV
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f"{bracketed}:{parts.port}"


def terms_of(host: str, interval: float, alone: bool) -> tuple[float, bool]:
    """The interval and `alone` of a kind, made stricter where the host's own terms are."""
    return (max(interval, ARXIV_INTERVAL), True) if host == ARXIV else (interval, alone)


def retry_after(header: str, now: float) -> float:
    """The seconds a `Retry-After` asks for, given as such or as a date; 0.0 for none, the past and nonsense."""
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def span(seconds: float) -> str:
    """A span of time as messages give it: `45 s`, `1.5 min`, `1 h`."""
    size, unit = next(((size, unit) for size, unit in ((3600, "h"), (60, "min")) if seconds >= size), (1, "s"))
    return f"{seconds / size:.3g} {unit}"
