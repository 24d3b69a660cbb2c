"""One hop on the way to an answer: what is asked there, and where a redirect leads from it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from newsletter.collector.http.failures import NO_ADDRESS, one_line, words_of
from newsletter.collector.http.ssrf import same_place, says_where
from newsletter.collector.http.validators import Validators
from newsletter.collector.source_kind import Request
from newsletter.errors import SourceError
from newsletter.handshakes import closing_trace

if TYPE_CHECKING:
    import httpx

REDIRECTS = (301, 302, 303, 307, 308)
SAME_METHOD = (307, 308)  #: after any other redirect, a POST becomes a GET


@dataclass(frozen=True, slots=True)
class Hop:
    """One address on the way to the answer."""

    url: httpx.URL
    body: bytes | None
    headers: Mapping[str, str] = field(repr=False)  #: may hold a key
    known: Validators
    public_only: bool  #: no private network may be reached
    cookies: httpx.Cookies  #: those of this fetch: some hosts redirect for ever without them

    @property
    def host(self) -> str:
        return self.url.raw_host.decode("ascii")

    @property
    def port(self) -> int:
        return self.url.port or (443 if self.url.scheme == "https" else 80)

    def request(self, client: httpx.AsyncClient, timeout: httpx.Timeout) -> httpx.Request:
        """The request of this hop; it asks only for a compression that we can unpack within limits."""
        import httpx

        posting = self.body is not None
        headers = httpx.Headers({"Content-Type": "application/json"} if posting else self.known.headers())
        headers.update(self.headers)
        headers["Accept-Encoding"] = "gzip"
        request = client.build_request(
            "POST" if posting else "GET",
            self.url,
            content=self.body,
            headers=headers,
            timeout=timeout,
            extensions={"trace": closing_trace()},
        )
        self.cookies.set_cookie_header(request)
        return request

    def after(self, status: int, location: str) -> Hop:
        """Where a redirect leads. Another place never learns keys or what was posted, and must be public."""
        import httpx

        try:
            url = _without_user(self.url.join(location))
        except (httpx.InvalidURL, ValueError):
            raise SourceError(NO_ADDRESS) from None
        if url.scheme not in ("http", "https"):
            raise SourceError("redirects to something that is not on the web (http, https)")
        if not _is_complete(url):
            raise SourceError(NO_ADDRESS)
        body = self.body if status in SAME_METHOD else None
        if same_place(self.url, url):
            return replace(self, url=url, body=body)
        if self.body is not None:
            raise SourceError(f"redirects what we post to another place, {url.scheme}://{one_line(url.host)}")
        return replace(self, url=url, body=None, headers={}, public_only=True)


def first_hop(request: Request, known: Validators) -> Hop:
    """The hop to the request's own address. Raises SourceError for an address that cannot be asked."""
    import httpx

    try:
        url = httpx.URL(request.location)
    except (httpx.InvalidURL, UnicodeError) as error:  # whose words may hold a part of a password
        raise SourceError("not a valid address" if "@" in request.location else words_of(error)) from None
    if not _is_complete(url):
        raise SourceError("the address has no host or an impossible port")
    headers = {**_authorization(url), **request.headers}
    chosen = request.private or says_where(url.raw_host.decode("ascii"))
    public_only = request.outside or not chosen
    return Hop(_without_user(url), request.body, headers, known, public_only, httpx.Cookies())


def _authorization(url: httpx.URL) -> dict[str, str]:
    """The user and password of an address, as a header: it is dropped where the other headers are."""
    if not url.userinfo:
        return {}
    pair = unquote(url.userinfo.decode("ascii")).encode()
    return {"Authorization": f"Basic {b64encode(pair if b':' in pair else pair + b':').decode()}"}


def _is_complete(url: httpx.URL) -> bool:
    return bool(url.raw_host) and 0 < (url.port or 1) < 65536


def _without_user(url: httpx.URL) -> httpx.URL:
    return url.copy_with(userinfo=b"") if url.userinfo else url
