"""Our pages as the world sees them: base_url, and the link that unsubscribes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from newsletter.doctor.finding import Finding, error, ok, skipped, warning, words
from newsletter.errors import TokenError

if TYPE_CHECKING:
    import httpx

    from newsletter.doctor.setup import Setup, Tools

SECONDS = 10.0  #: for one request
LIMIT = 65_536  #: bytes of an answer that are looked at
SOON = timedelta(days=14)
ASTRAY = timedelta(minutes=2)  #: between two clocks
NOWHERE = ("localhost", "local", "localdomain", "internal", "test", "invalid", "example", "lan", "home.arpa")
SAMPLES = ("example.org", "example.com", "example.net")
ONE_CLICK = b"List-Unsubscribe=One-Click"


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    headers: Mapping[str, str]  #: names in lower case
    text: str = ""  #: as much of it as LIMIT
    expires: datetime | None = None  #: the certificate


class Unreached(Exception):
    """No answer, and why."""

    def __init__(self, why: str, certificate: bool = False) -> None:
        super().__init__(why)
        self.certificate = certificate  #: it was the certificate


class Web(Protocol):
    """Asks one page, and never follows where it leads."""

    async def ask(self, method: str, url: str, body: bytes = b"") -> Page:
        """Raises Unreached."""


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
        request = client.build_request(method, url, content=body or None, headers=_headers(body))
        async with client:
            response = await client.send(request, stream=True)
            try:
                return await _page(response)
            finally:
                await response.aclose()


def certificate_error(trouble: BaseException | None) -> str:
    """What is wrong with a certificate, "" where that was not the trouble."""
    while trouble:
        if isinstance(trouble, ssl.SSLCertVerificationError):
            return str(trouble.verify_message).rstrip(".") or "not valid"
        trouble = trouble.__cause__ or trouble.__context__
    return ""


def expiry(certificate: Mapping[str, object] | None) -> datetime | None:
    """Of what `getpeercert` returns."""
    until = (certificate or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(until)), UTC) if until else None


def certificate_finding(name: str, expires: datetime, now: datetime) -> Finding:
    days = (expires - now).days
    found = f"valid until {expires:%Y-%m-%d}, {days} days"
    if expires - now < SOON:
        return warning(name, found, "Renew it, and see why that did not happen by itself.")
    return ok(name, found)


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


def reachable_name(host: str) -> str:
    """ "" where the world may find this host; else why not."""
    try:
        return "" if ip_address(host).is_global else "is an address of a private network"
    except ValueError:
        pass
    if any(host == name or host.endswith(f".{name}") for name in NOWHERE) or "." not in host:
        return "is a name that only this network knows"
    if any(host == name or host.endswith(f".{name}") for name in SAMPLES):
        return "is the name of the examples"
    return ""


def named(setup: Setup) -> tuple[Finding, ...]:
    """What needs no network to be seen."""
    url = urlsplit(setup.base_url)
    if why := reachable_name(url.hostname or ""):
        return (error("base_url", f"{setup.base_url}: {why}", _PUBLIC),)
    if url.scheme != "https":
        todo = "Put a TLS proxy in front and write https: one-click unsubscribing (RFC 8058) must be over TLS."
        return (error("base_url", setup.base_url, todo),)
    return (ok("base_url", setup.base_url),)


_PUBLIC = "Say in [newsletter] base_url where readers reach your pages: https and a name in the public DNS."


async def visit(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """base_url answers, with a certificate that is valid, and the clocks agree."""
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


async def leave(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """The unsubscribe link, with a token that is nobody's: it must be our page that answers, and say so."""
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
