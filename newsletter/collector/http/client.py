"""The bytes of a source: from a file, or over http(s) within limits of time and size.

request ─▶ public addresses only? (ssrf.py) ─▶ the host's rate limit (rate_limit.py) ─▶ exchange ─▶ answer
              ▲                                                                          │
              └──────────────────────── a redirect, or another try ◀─────────────────────┘
"""

from __future__ import annotations

import asyncio
import random
import re
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.collector.http.body import error_hint, read_body
from newsletter.collector.http.failures import RetriableError, failure_of, one_line, words_of
from newsletter.collector.http.files import read_file
from newsletter.collector.http.hop import REDIRECTS, Hop, first_hop
from newsletter.collector.http.limits import FetchLimits, TimeBudget
from newsletter.collector.http.rate_limit import HostRateLimiter, host_of, retry_after, span, terms_of
from newsletter.collector.http.ssrf import Lookup, NotPublic, by_turns, pinned, proxy_for, public_addresses, says_where
from newsletter.collector.http.validators import NOTHING_KNOWN, Fetched, Validators, validator
from newsletter.collector.source_kind import Kind, Request
from newsletter.collector.text.encodings import as_utf8
from newsletter.collector.text.urls import is_address, shown
from newsletter.errors import SourceError
from newsletter.version import __version__

if TYPE_CHECKING:
    import ssl

    import httpx

LEASE_MARGIN = 5.0  #: seconds by which the lease of a host outlives the request
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.8"
RETRIABLE = (429, 500, 502, 503, 504)
DEFAULT_LIMITS = FetchLimits()


class Fetcher:
    """Fetches the bytes of sources. An async context manager, since it keeps connections; for one event loop.

    `contact` (an address or URL) goes into the User-Agent; relative files are looked for in `base`. `lookup` says where
    a host is that only a public address may stand for.
    """

    def __init__(
        self,
        limiter: HostRateLimiter,
        *,
        limits: FetchLimits = DEFAULT_LIMITS,
        contact: str = "",
        base: Path = Path(),
        lookup: Lookup = public_addresses,
    ) -> None:
        self.limiter = limiter
        self.limits = limits
        self.contact = contact
        self.base = base
        self.lookup = lookup
        self._clients: dict[tuple[str, bool, str], httpx.AsyncClient] = {}
        self._answered: dict[str, str] = {}  #: name of a host → the address that answered last
        self._context: ssl.SSLContext | None = None

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._clients:
            await self._clients.popitem()[1].aclose()

    async def fetch(self, request: Request, kind: Kind, known: Validators = NOTHING_KNOWN) -> Fetched:
        """Fetch one answer or file. Raises SourceError, one line that names the location."""
        location = request.location
        if is_address(location):
            try:
                return await self._follow(first_hop(request, known), kind)
            except SourceError as error:
                name = one_line(shown(location)) if request.outside else shown(location)
                raise SourceError(f"{name}: {error}{_way_out(request, error)}") from error
        if request.outside:
            raise SourceError(f"{one_line(location)}: a file, named by somebody else's data, is not read")
        return Fetched(await asyncio.to_thread(read_file, location, self.base, self.limits.size))

    async def _follow(self, hop: Hop, kind: Kind) -> Fetched:
        """Follow redirects and retry failures that may pass, until an answer or the end of the budget."""
        budget = TimeBudget(self.limits.timeout)
        tries = redirects = 0
        while True:
            try:
                outcome = await self._attempt(hop, kind, budget, tries)
            except RetriableError as error:
                tries += 1
                await self._back_off(error, tries, budget)
                continue
            if isinstance(outcome, Fetched):
                return outcome
            redirects += 1
            if redirects > self.limits.redirects:
                raise SourceError(f"more than {self.limits.redirects} redirects")
            hop = outcome

    async def _back_off(self, error: RetriableError, tries: int, budget: TimeBudget) -> None:
        """Wait before the next try; after a `Retry-After` the rate limiter waits. Raises SourceError if time is up."""
        delay = error.retry_after or self.limits.backoff * 2 ** (tries - 1) * random.random()
        if tries >= self.limits.tries or delay > budget.left:
            often = f" (tried {tries} times)" if tries > 1 else ""
            until = f"; asks to come back in {span(error.retry_after)}" if error.retry_after else ""
            raise SourceError(f"{error}{often}{until}") from error
        budget.left -= delay
        if not error.retry_after:
            await asyncio.sleep(delay)

    async def _attempt(self, hop: Hop, kind: Kind, budget: TimeBudget, tries: int) -> Fetched | Hop:
        """Make one request, once the host's rate limit allows it."""
        host = host_of(str(hop.url))
        _, alone = terms_of(host, kind.interval, kind.alone)
        proxy = proxy_for(hop.url)
        async with budget.spend():
            address = await self._address(hop, proxy, tries)
        async with self.limiter.slot(host, kind.interval, kind.alone, lease=self.limits.timeout + LEASE_MARGIN):
            try:
                async with budget.spend():
                    client = self._client(proxy, keep=not alone, name=hop.host if address else "")
                    return await self._exchange(client, hop, address, budget.left)
            except RetriableError as error:
                if error.retry_after:
                    await self.limiter.postpone(host, error.retry_after)
                raise

    async def _address(self, hop: Hop, proxy: str, tries: int) -> str:
        """The address to connect to instead of the host's name; another one at the next try. "" for the name itself.

        A proxy finds the host by itself: it is given the name, even one that only the proxy can look up.
        """
        if not hop.public_only:
            return ""
        try:
            addresses = await self.lookup(hop.host, hop.port)
        except UnicodeError:
            raise SourceError("its host has no valid name") from None
        except OSError as error:
            if proxy and "." in hop.host:
                return ""
            raise RetriableError(words_of(error)) from error
        if proxy:
            return ""
        known = self._answered.get(hop.host, "")
        turns = by_turns(addresses)
        if known in turns:
            turns = (known, *(address for address in turns if address != known))
        return turns[tries % len(turns)]

    def _client(self, proxy: str, *, keep: bool, name: str) -> httpx.AsyncClient:
        """A client that keeps connections, or not.

        A connection to an address was certified for one name and must not serve another, so each name has a client of
        its own; and one that stands idle still counts where a host allows one only.
        """
        if (proxy, keep, name) not in self._clients:
            self._context = self._context or tls_context()
            self._clients[proxy, keep, name] = make_client(proxy, keep, self.contact, self._context)
        return self._clients[proxy, keep, name]

    async def _exchange(self, client: httpx.AsyncClient, hop: Hop, address: str, seconds: float) -> Fetched | Hop:
        """Send the request and read the answer.

        Half the time to connect, TLS included, so that another try, at another address, has time left.
        """
        import httpx

        timeout = httpx.Timeout(None, connect=seconds / 2)
        try:
            request = hop.request(client, timeout)
            response = await client.send(pinned(request, address) if address else request, stream=True)
            try:
                if address:
                    self._answered[hop.host] = address
                response.request = request
                hop.cookies.extract_cookies(response)
                return await self._outcome(hop, response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            raise failure_of(error, hop.host, seconds / 2) from error

    async def _outcome(self, hop: Hop, response: httpx.Response) -> Fetched | Hop:
        import httpx

        status, headers = response.status_code, response.headers
        etag, modified = validator(headers.get("etag", "")), validator(headers.get("last-modified", ""))
        if status < 300:
            data = await read_body(response, self.limits.size)
            return Fetched(as_utf8(data, headers.get("content-type", "")), etag, modified)
        if status in REDIRECTS and "location" in headers:
            return hop.after(status, headers["location"])
        if status == 304 and hop.known.headers() and hop.body is None:
            return Fetched(None, etag or hop.known.etag, modified or hop.known.modified)
        reason = f"{status} {httpx.codes.get_reason_phrase(status)}".rstrip()
        if status in RETRIABLE:
            raise RetriableError(reason, retry_after(headers.get("retry-after", ""), self.limiter.clock()))
        hint = await error_hint(response, hop.headers)
        raise SourceError(f"{reason}: {hint}" if hint else reason)


def _way_out(request: Request, error: SourceError) -> str:
    """What to do about a name in the configuration that leads into a private network."""
    if not isinstance(error, NotPublic) or request.outside or says_where(error.host):
        return ""
    ours = error.host == urlsplit(request.location).hostname
    return "; `private = true` in its [[source]] allows it" if ours else ""


def tls_context() -> ssl.SSLContext:
    """The certificates that are trusted. Raises SourceError where this machine's cannot be read."""
    import httpx

    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise SourceError(f"the certificates of this machine cannot be read: {words_of(error)}") from error


def make_client(proxy: str, keep: bool, contact: str, context: ssl.SSLContext) -> httpx.AsyncClient:
    """An httpx client through `proxy` ("": none); `keep`: connections stay open. Sources share no cookies."""
    import httpx

    agent = f"newsletter/{__version__}" + (f" (+{contact})" if contact else "")
    try:
        return httpx.AsyncClient(
            headers={"User-Agent": re.sub(r"[^ -~]", "", agent), "Accept": ACCEPT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_keepalive_connections=20 if keep else 0),
            verify=context,
            proxy=proxy or None,
            trust_env=False,
        )
    except (ValueError, ImportError, httpx.InvalidURL):  # the proxy's address may hold a password
        raise SourceError("the proxy that the environment names cannot be used") from None
