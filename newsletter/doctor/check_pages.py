"""Our pages as the world sees them: base_url, and the link that unsubscribes."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.doctor.certificates import certificate_error, certificate_finding, expiry
from newsletter.doctor.finding import Finding, error, ok, skipped, warning, words
from newsletter.doctor.reachable import reachable_name
from newsletter.doctor.seams import Page, Unreached, Web
from newsletter.doctor.setup import Setup, Tools
from newsletter.errors import TokenError
from newsletter.handshakes import closing_trace

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0  #: for one request
LIMIT = 65_536  #: bytes of an answer that are looked at
ASTRAY = timedelta(minutes=2)  #: between two clocks
ONE_CLICK = b"List-Unsubscribe=One-Click"


class Http:
    """httpx, within limits of time and size; no cookies, no redirects."""

    def __init__(self, context: ssl.SSLContext | None = None, seconds: float = SECONDS) -> None:
        self._context = context
        self._seconds = seconds

    async def ask(self, method: str, url: str, body: bytes = b"") -> Page:
        import httpx

        try:
            async with asyncio.timeout(self._seconds):
                return await self._asked(method, url, body)
        except TimeoutError:
            raise Unreached(f"no answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as trouble:
            if certificate := certificate_error(trouble):
                raise Unreached(certificate, certificate=True) from trouble
            raise Unreached(words(trouble)) from trouble

    async def _asked(self, method: str, url: str, body: bytes) -> Page:
        import httpx

        verify = self._context or httpx.create_ssl_context()
        client = httpx.AsyncClient(verify=verify, timeout=self._seconds, follow_redirects=False)
        traced = {"trace": closing_trace()}
        request = client.build_request(method, url, content=body or None, headers=_headers(body), extensions=traced)
        async with client:
            response = await client.send(request, stream=True)
            try:
                return await _page(response)
            finally:
                await response.aclose()


def _headers(body: bytes) -> dict[str, str]:
    form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    return {"User-Agent": "newsletter-doctor", "Accept-Encoding": "identity", **form}


async def _page(response: httpx.Response) -> Page:
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += chunk[: LIMIT - len(data)]
        if len(data) >= LIMIT:
            break
    stream = response.extensions.get("network_stream")
    secured = stream.get_extra_info("ssl_object") if stream else None
    expires = expiry(secured.getpeercert()) if secured else None
    return Page(response.status_code, dict(response.headers), data.decode("utf-8", "replace"), expires)


def check_base_url(setup: Setup) -> tuple[Finding, ...]:
    """Check what needs no network to be seen."""
    url = urlsplit(setup.base_url)
    if why := reachable_name(url.hostname or ""):
        return (error("base_url", f"{setup.base_url}: {why}", _PUBLIC),)
    if url.scheme != "https":
        todo = "Put a TLS proxy in front and write https: one-click unsubscribing (RFC 8058) must be over TLS."
        return (error("base_url", setup.base_url, todo),)
    return (ok("base_url", setup.base_url),)


_PUBLIC = "Say in [newsletter] base_url where readers reach your pages: https and a name in the public DNS."


async def check_pages(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check that base_url answers, with a certificate that is valid, and that the clocks agree."""
    try:
        page = await tools.web.ask("GET", f"{setup.base_url.rstrip('/')}/")
    except Unreached as trouble:
        if trouble.certificate:
            return (error("certificate", f"is not valid: {trouble}", "Renew it, or have it made for this name."),)
        return (error("pages", f"{setup.base_url} cannot be reached: {trouble}", _SERVE),)
    certificate = (certificate_finding("certificate", page.expires, tools.now()),) if page.expires else ()
    return (_welcome(setup.base_url, page), *certificate, *_clock(page, tools.now()))


_SERVE = "Run `newsletter run` or `newsletter web`, with your TLS proxy in front of it."


def _welcome(url: str, page: Page) -> Finding:
    if page.status == 200:
        return ok("pages", f"{url} answers")
    if 300 <= page.status < 400:
        where = page.headers.get("location", "elsewhere")
        todo = "Write in base_url where it leads: mail programs do not follow a redirect when they unsubscribe."
        return error("pages", f"{url} redirects to {where}", todo)
    return error("pages", f"{url} answers {page.status}", _SERVE)


def _clock(page: Page, now: datetime) -> tuple[Finding, ...]:
    try:
        theirs = parsedate_to_datetime(page.headers["date"])
    except (KeyError, ValueError, OverflowError):
        return ()
    astray = abs(now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)))
    if astray > ASTRAY:
        found = f"{astray.total_seconds():.0f} s apart from the one of your web server"
        return (warning("clock", found, "Set both by NTP: signatures and confirmation links carry the time."),)
    return (ok("clock", "agrees with your web server's"),)


async def check_unsubscribe(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check the unsubscribe link, with a token that is nobody's: it must be our page that answers, and say so."""
    if not setup.unsubscribe:
        return (skipped("unsubscribe link", "no mail could be made: see the templates"),)
    return (
        await _asked("unsubscribe link", "GET", setup.unsubscribe, b"", tools.web),
        await _asked("one-click unsubscribe", "POST", setup.unsubscribe, ONE_CLICK, tools.web),
    )


async def _asked(name: str, method: str, url: str, body: bytes, web: Web) -> Finding:
    try:
        page = await web.ask(method, url, body)
    except Unreached as trouble:
        return error(name, f"{method} cannot be reached: {trouble}", _SERVE)
    if page.status == 404 and str(TokenError()) in page.text:
        return ok(name, f"{method} is answered by our page; a link of nobody changes nothing")
    if page.status >= 500:
        return error(name, f"{method} answers {page.status}", "See the log of `newsletter run`: this page must work.")
    if 300 <= page.status < 400:
        return error(name, f"{method} redirects to {page.headers.get('location', 'elsewhere')}", _NO_REDIRECT)
    return error(name, f"{method} answers {page.status}, and not with our page", _PROXY)


_NO_REDIRECT = "Let this address answer by itself: RFC 8058 allows no redirect."
_PROXY = "Let the proxy pass /unsubscribe/ on to `newsletter web`, GET and POST, without a login or a check for robots."
