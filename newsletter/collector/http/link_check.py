"""Whether an address on the web answers: asked with HEAD, and with GET where that fails; nothing of it is read.

The addresses come from papers, so from outside: at every step of a redirect only the public internet is asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.collector.http.client import make_client, tls_context
from newsletter.collector.http.failures import NO_ADDRESS, failure_of
from newsletter.collector.http.hop import REDIRECTS
from newsletter.collector.http.ssrf import Lookup, pinned, proxy_for, public_addresses
from newsletter.errors import SourceError
from newsletter.handshakes import closing_trace

if TYPE_CHECKING:
    import httpx

TIMEOUT = 10.0  #: seconds, for all of it
MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Reached:
    """What an address answered."""

    status: int  #: the last one; 0: there was no answer
    words: str  #: one line
    url: str  #: where redirects led

    @property
    def answers(self) -> bool:
        return 0 < self.status < 400


async def reach(
    url: str,
    contact: str = "",
    within: float = TIMEOUT,
    lookup: Lookup = public_addresses,
) -> Reached:
    """Ask an address, redirects included; raises nothing for what the web does.

    `contact` goes into the User-Agent; `within`: seconds.
    """
    check = _LinkCheck(url, contact, within, lookup)
    try:
        async with asyncio.timeout(within):
            return await check.run()
    except TimeoutError:
        return Reached(0, f"no answer within {within:g} s", check.url)
    except SourceError as error:
        return Reached(0, str(error), check.url)


class _LinkCheck:
    """One check: from an address to where its redirects lead."""

    def __init__(self, url: str, contact: str, timeout: float, lookup: Lookup) -> None:
        self.url, self._contact, self._timeout, self._lookup = url, contact, timeout, lookup

    async def run(self) -> Reached:
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._answer("HEAD")
            if response.status_code >= 400:
                response = await self._answer("GET")
            location = response.headers.get("location", "")
            if response.status_code not in REDIRECTS or not location:
                return Reached(response.status_code, _status_line(response), self.url)
            self.url = self._joined(location)
        raise SourceError(f"more than {MOST_REDIRECTS} redirects")

    def _joined(self, location: str) -> str:
        import httpx

        try:
            return str(httpx.URL(self.url).join(location))
        except (httpx.InvalidURL, ValueError):
            raise SourceError(NO_ADDRESS) from None

    async def _answer(self, method: str) -> httpx.Response:
        """The answer with its headers; its body is not read."""
        import httpx

        url = _web_address(self.url)
        proxy = proxy_for(url)
        address = await self._address(url, bool(proxy))
        try:
            async with make_client(proxy, False, self._contact, tls_context()) as client:
                timeout = httpx.Timeout(None, connect=self._timeout / 2)
                traced = {"trace": closing_trace()}
                request = client.build_request(
                    method, url, headers={"Accept": "*/*"}, timeout=timeout, extensions=traced
                )
                response = await client.send(pinned(request, address) if address else request, stream=True)
                await response.aclose()
                return response
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            raise SourceError(str(failure_of(error, url.host, self._timeout / 2))) from error

    async def _address(self, url: httpx.URL, proxied: bool) -> str:
        """The address to connect to; "" where a proxy finds the host by itself."""
        try:
            found = await self._lookup(url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80))
        except UnicodeError:
            raise SourceError("its host has no valid name") from None
        except OSError as error:
            if proxied and "." in url.host:
                return ""
            raise SourceError(str(failure_of(error, url.host, self._timeout / 2))) from error
        return "" if proxied else found[0]


def _web_address(text: str) -> httpx.URL:
    import httpx

    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise SourceError("not a valid address") from None
    if url.scheme not in ("http", "https") or not url.raw_host or not 0 < (url.port or 1) < 65536:
        raise SourceError("not an address on the web (http, https)")
    return url.copy_with(userinfo=b"") if url.userinfo else url


def _status_line(response: httpx.Response) -> str:
    import httpx

    return f"{response.status_code} {httpx.codes.get_reason_phrase(response.status_code)}".rstrip()
