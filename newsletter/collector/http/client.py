"""The bytes of a source: from a file, or over http(s) within limits of time and size.

request ─▶ guard (whom may it reach?) ─▶ turn (when?) ─▶ exchange ─▶ answer
              ▲                                             │
              └──── a redirect, or a try again later ◀──────┘
"""

from __future__ import annotations

import asyncio
import html
import random
import re
import ssl
import stat
import time
import unicodedata
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from newsletter.collector.http.rate_limit import Turns, host_of, pace, retry_after, span
from newsletter.collector.http.ssrf import pinned, proxy_for, public_addresses, same_place
from newsletter.collector.source_kind import Kind, Request
from newsletter.collector.text.urls import is_address, shown
from newsletter.errors import SourceError

if TYPE_CHECKING:
    import httpx

TIMEOUT = 30.0  #: seconds for one request, all in all; waiting for its turn is not counted
LIMIT = 50_000_000  #: bytes, before decompression and after
MOST_REDIRECTS = 5
MOST_TRIES = 3
BACKOFF = 1.0  #: seconds; the second try comes within this time, the third within twice as much
LEASE_MARGIN = 5.0  #: seconds by which the lease of a turn outlives the request
LONGEST_VALIDATOR = 500
LONGEST_HINT = 200
HINT_LIMIT = 65_536  #: bytes of an error's body that are looked at
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.8"
REDIRECTS = (301, 302, 303, 307, 308)
SAME_METHOD = (307, 308)  #: after any other redirect, a POST becomes a GET
AGAIN = (429, 500, 502, 503, 504)
HINT = re.compile(
    r"<summary\b[^>]*>(?P<summary>[^<]+)</summary>"
    r"|<title\b[^>]*>\s*(?P<title>Feed error[^<]*)</title>"
    r'|"(?:error|message|detail)"\s*:\s*"(?P<json>[^"\\]+)',
    re.IGNORECASE,
)

NO_ADDRESS = "redirects to an address that is none"

Lookup = Callable[[str, int], Awaitable[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Validators:
    """What is known of the answer of last time; sent so that an unchanged one need not be sent again."""

    etag: str = ""
    modified: str = ""  #: `Last-Modified` as it was received

    def headers(self) -> dict[str, str]:
        """None for what no header may hold."""
        pairs = {"If-None-Match": _validator(self.etag), "If-Modified-Since": _validator(self.modified)}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class Answer:
    data: bytes | None  #: None: nothing changed since the answer that the validators came with
    etag: str = ""
    modified: str = ""


NOTHING_KNOWN = Validators()


class Web:
    """Fetches. An async context manager, since it keeps connections; for one event loop.

    `contact` (an address or URL) goes into the User-Agent; relative files are looked for in `base`. `lookup` says where
    a host is that only a public address may stand for.
    """

    def __init__(
        self,
        turns: Turns,
        *,
        timeout: float = TIMEOUT,
        limit: int = LIMIT,
        contact: str = "",
        base: Path = Path(),
        backoff: float = BACKOFF,
        lookup: Lookup = public_addresses,
    ) -> None:
        self.turns = turns
        self.timeout = timeout
        self.limit = limit
        self.contact = contact
        self.base = base
        self.backoff = backoff
        self.lookup = lookup
        self._clients: dict[tuple[str, bool], httpx.AsyncClient] = {}

    async def __aenter__(self) -> Web:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._clients:
            await self._clients.popitem()[1].aclose()

    async def fetch(self, request: Request, kind: Kind, known: Validators = NOTHING_KNOWN) -> Answer:
        """Raises SourceError, one line that names the location."""
        location = request.location
        if is_address(location):
            try:
                return await self._pursue(_first_hop(request, known), kind)
            except SourceError as error:
                name = _one_line(shown(location)) if request.outside else shown(location)
                raise SourceError(f"{name}: {error}") from error
        if request.outside:
            raise SourceError(f"{_one_line(location)}: a file, named by somebody else's data, is not read")
        return Answer(await asyncio.to_thread(_read, location, self.base, self.limit))

    async def _pursue(self, hop: _Hop, kind: Kind) -> Answer:
        """Redirects are followed and failures that may pass tried again, until an answer or the end of the budget."""
        budget = _Budget(self.timeout)
        tries = redirects = 0
        while True:
            try:
                outcome = await self._attempt(hop, kind, budget, tries)
            except _Again as trouble:
                tries += 1
                await self._wait(trouble, tries, budget)
                continue
            if isinstance(outcome, Answer):
                return outcome
            redirects += 1
            if redirects > MOST_REDIRECTS:
                raise SourceError(f"more than {MOST_REDIRECTS} redirects")
            hop = outcome

    async def _wait(self, trouble: _Again, tries: int, budget: _Budget) -> None:
        """Before the next try. After a `Retry-After` it is the turn that makes us wait. Raises when it is too late."""
        pause = trouble.pause or self.backoff * 2 ** (tries - 1) * random.random()
        if tries >= MOST_TRIES or pause > budget.left:
            often = f" (tried {tries} times)" if tries > 1 else ""
            until = f"; asks to come back in {span(trouble.pause)}" if trouble.pause else ""
            raise SourceError(f"{trouble}{often}{until}") from trouble
        budget.left -= pause
        if not trouble.pause:
            await asyncio.sleep(pause)

    async def _attempt(self, hop: _Hop, kind: Kind, budget: _Budget, tries: int) -> Answer | _Hop:
        """One request, in its turn."""
        host = host_of(str(hop.url))
        _, alone = pace(host, kind.interval, kind.alone)
        proxy = proxy_for(hop.url)
        async with budget.spend():
            address = await self._address(hop, proxy, tries)
        async with self.turns.turn(host, kind.interval, kind.alone, lease=self.timeout + LEASE_MARGIN):
            try:
                async with budget.spend():
                    client = self._client(proxy, keep=not alone and not address)
                    return await self._exchange(client, hop, address, budget.left)
            except _Again as trouble:
                if trouble.pause:
                    await self.turns.postpone(host, trouble.pause)
                raise

    async def _address(self, hop: _Hop, proxy: str, tries: int) -> str:
        """What to connect to instead of the host's name; another one at the next try. "" for the name itself.

        A proxy finds the host by itself: it is given the name, even one that only the proxy can look up.
        """
        if not hop.guarded:
            return ""
        try:
            addresses = await self.lookup(hop.host, hop.url.port or (443 if hop.url.scheme == "https" else 80))
        except UnicodeError:
            raise SourceError("its host has no valid name") from None
        except OSError as error:
            if proxy and "." in hop.host:
                return ""
            raise _Again(_words(error)) from error
        return "" if proxy else addresses[tries % len(addresses)]

    def _client(self, proxy: str, *, keep: bool) -> httpx.AsyncClient:
        """One that keeps connections, or not.

        A connection to an address was certified for one name and must not serve another; and one that stands idle still
        counts where a host allows one only.
        """
        if (proxy, keep) not in self._clients:
            self._clients[proxy, keep] = make_client(proxy, keep, self.contact)
        return self._clients[proxy, keep]

    async def _exchange(self, client: httpx.AsyncClient, hop: _Hop, address: str, seconds: float) -> Answer | _Hop:
        """Half the time to connect, TLS included: a handshake that httpx breaks off itself leaves no socket behind."""
        import httpx

        timeout = httpx.Timeout(None, connect=seconds / 2)
        try:
            asked = hop.request(client, timeout)
            response = await client.send(pinned(asked, address) if address else asked, stream=True)
            try:
                response.request = asked
                hop.cookies.extract_cookies(response)
                return await self._outcome(hop, response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            raise trouble_of(error, hop.host, seconds / 2) from error

    async def _outcome(self, hop: _Hop, response: httpx.Response) -> Answer | _Hop:
        import httpx

        status, headers = response.status_code, response.headers
        etag, modified = _validator(headers.get("etag", "")), _validator(headers.get("last-modified", ""))
        if status < 300:
            return Answer(await _body(response, self.limit), etag, modified)
        if status in REDIRECTS and "location" in headers:
            return hop.after(status, headers["location"])
        if status == 304 and hop.known.headers() and hop.body is None:
            return Answer(None, etag or hop.known.etag, modified or hop.known.modified)
        reason = f"{status} {httpx.codes.get_reason_phrase(status)}".rstrip()
        if status in AGAIN:
            raise _Again(reason, retry_after(headers.get("retry-after", ""), self.turns.clock()))
        hint = await _hint(response, hop.headers)
        raise SourceError(f"{reason}: {hint}" if hint else reason)


class _Again(Exception):
    """Another try may do better: after `pause` seconds, where the host says so."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(slots=True)
class _Budget:
    """The time one fetch may still use."""

    whole: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.whole

    @asynccontextmanager
    async def spend(self) -> AsyncIterator[None]:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.left):
                await asyncio.sleep(0)  # where nothing is left, nothing is begun
                yield
        except TimeoutError:
            raise SourceError(f"no complete answer within {self.whole:g} s") from None
        finally:
            self.left -= time.monotonic() - began


@dataclass(frozen=True, slots=True)
class _Hop:
    """One address on the way to the answer."""

    url: httpx.URL
    body: bytes | None
    headers: Mapping[str, str] = field(repr=False)  #: may hold a key
    known: Validators
    guarded: bool  #: only the public internet
    cookies: httpx.Cookies  #: those of this way: some hosts redirect for ever without them

    @property
    def host(self) -> str:
        return self.url.raw_host.decode("ascii")

    def request(self, client: httpx.AsyncClient, timeout: httpx.Timeout) -> httpx.Request:
        """Asks only for a compression that we can unpack within limits."""
        import httpx

        posting = self.body is not None
        headers = httpx.Headers({"Content-Type": "application/json"} if posting else self.known.headers())
        headers.update(self.headers)
        headers["Accept-Encoding"] = "gzip"
        request = client.build_request(
            "POST" if posting else "GET", self.url, content=self.body, headers=headers, timeout=timeout
        )
        self.cookies.set_cookie_header(request)
        return request

    def after(self, status: int, location: str) -> _Hop:
        """Where a redirect leads. Another place never learns keys or what was posted, and must be public."""
        import httpx

        try:
            url = _without_user(self.url.join(location))
        except (httpx.InvalidURL, ValueError):
            raise SourceError(NO_ADDRESS) from None
        if url.scheme not in ("http", "https"):
            raise SourceError("redirects to something that is not on the web (http, https)")
        if not _is_whole(url):
            raise SourceError(NO_ADDRESS)
        body = self.body if status in SAME_METHOD else None
        if same_place(self.url, url):
            return replace(self, url=url, body=body)
        if self.body is not None:
            raise SourceError(f"redirects what we post to another place, {url.scheme}://{_one_line(url.host)}")
        return replace(self, url=url, body=None, headers={}, guarded=True)


def _first_hop(request: Request, known: Validators) -> _Hop:
    import httpx

    try:
        url = httpx.URL(request.location)
    except (httpx.InvalidURL, UnicodeError) as error:  # whose words may hold a part of a password
        raise SourceError("not a valid address" if "@" in request.location else _words(error)) from None
    if not _is_whole(url):
        raise SourceError("the address has no host or an impossible port")
    headers = {**_authorization(url), **request.headers}
    return _Hop(_without_user(url), request.body, headers, known, request.outside, httpx.Cookies())


def _authorization(url: httpx.URL) -> dict[str, str]:
    """The user and password of an address, as a header: it is dropped where the other headers are."""
    if not url.userinfo:
        return {}
    pair = unquote(url.userinfo.decode("ascii")).encode()
    return {"Authorization": f"Basic {b64encode(pair if b':' in pair else pair + b':').decode()}"}


def _is_whole(url: httpx.URL) -> bool:
    return bool(url.raw_host) and 0 < (url.port or 1) < 65536


def _without_user(url: httpx.URL) -> httpx.URL:
    return url.copy_with(userinfo=b"") if url.userinfo else url


def make_client(proxy: str, keep: bool, contact: str) -> httpx.AsyncClient:
    """No cookies: one source's are none of another's business."""
    import httpx

    from newsletter.version import __version__

    agent = f"newsletter/{__version__}" + (f" (+{contact})" if contact else "")
    try:
        return httpx.AsyncClient(
            headers={"User-Agent": re.sub(r"[^ -~]", "", agent), "Accept": ACCEPT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_keepalive_connections=20 if keep else 0),
            verify=httpx.create_ssl_context(),
            proxy=proxy or None,
            trust_env=False,
        )
    except OSError as error:
        raise SourceError(f"the certificates of this machine cannot be read: {_words(error)}") from error
    except (ValueError, ImportError, httpx.InvalidURL):  # the proxy's address may hold a password
        raise SourceError("the proxy that the environment names cannot be used") from None


async def _body(response: httpx.Response, limit: int) -> bytes:
    """The decompressed body. httpx would unpack a bomb whole, layer by layer, before we could count."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise SourceError(f'the answer is compressed as "{_one_line(encoding, 40)}", which we did not ask for')
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        _too_big(limit)
    unpacker = None if encoding in ("identity", "") else _Unpacker()
    data, received = bytearray(), 0
    try:
        async for chunk in response.aiter_raw():
            received += len(chunk)
            data += unpacker.unpack(chunk, limit + 1 - len(data)) if unpacker else chunk
            if max(len(data), received) > limit:
                _too_big(limit)
    except zlib.error as error:
        raise SourceError("the compressed answer is damaged") from error
    if unpacker and received and not unpacker.complete:
        raise _Again("the compressed answer is cut short")
    return bytes(data)


class _Unpacker:
    """gzip, in one part or several, or zlib; which one is told by its first bytes. What follows the end is ignored."""

    def __init__(self) -> None:
        self._part = zlib.decompressobj(wbits=47)
        self._over = False

    @property
    def complete(self) -> bool:
        return self._part.eof

    def unpack(self, chunk: bytes, most: int) -> bytes:
        """At most so many bytes; whoever gets that many must not come again."""
        data = bytearray()
        while chunk and not self._over and len(data) < most:
            if self._part.eof:
                self._over = not chunk.startswith(b"\x1f")
                self._part = self._part if self._over else zlib.decompressobj(wbits=47)
                continue
            data += self._part.decompress(chunk, most - len(data))
            chunk = self._part.unused_data
        return bytes(data)


async def _hint(response: httpx.Response, headers: Mapping[str, str]) -> str:
    """What an error says of itself, "" if that is not easily found, or repeats a key of ours."""
    import httpx

    if not re.search(r"\b(?:xml|json)\b", response.headers.get("content-type", "")):
        return ""
    try:
        text = (await _body(response, HINT_LIMIT)).decode("utf-8", "replace")
    except (SourceError, _Again, httpx.HTTPError):
        return ""
    found = HINT.search(text)
    hint = _one_line(html.unescape(found[found.lastgroup or 0])) if found else ""
    secrets = [word for value in headers.values() for word in value.split() if len(word) > 3]
    return "" if any(word in text for word in secrets) else hint


def trouble_of(error: Exception, host: str, seconds: float) -> Exception:
    """What to raise for an error of httpx. Its words about our own request may hold a key."""
    import httpx

    if certificate := _certificate_error(error):
        return SourceError(f"the certificate is not valid for {host}: {certificate.verify_message.rstrip('.')}")
    if isinstance(error.__context__, httpx.InvalidURL):  # httpx looks at a redirect even when it does not follow
        return SourceError(NO_ADDRESS)
    if isinstance(error, httpx.ConnectTimeout):
        return _Again(f"no connection within {seconds:.3g} s")
    if isinstance(error, httpx.LocalProtocolError | UnicodeError):
        return SourceError("the request cannot be written: a header or the address holds what it may not")
    if isinstance(error, httpx.TransportError | OSError):
        return _Again(_words(error))
    return SourceError(_words(error))


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _words(error: Exception) -> str:
    """What an error says, in one line, without the numbers of the operating system."""
    return _one_line(re.sub(r"^\[Errno -?\d+\] ", "", str(error))) or "the connection broke off"


def _one_line(text: str, most: int = LONGEST_HINT) -> str:
    """Somebody else's words: no control characters, no more than so many."""
    line = "".join(char for char in " ".join(text.split()) if unicodedata.category(char)[0] != "C")
    return line if len(line) <= most else line[: most - 1] + "…"


def _validator(value: str) -> str:
    """As it is, or "": half an ETag is worse than none."""
    return value if len(value) <= LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""


def resolve(location: str, base: Path = Path()) -> Path:
    """The file a location means: `file://` and `~` understood, relative to `base`, else to the current directory."""
    scheme, mark, _ = location.partition("://")
    if mark and scheme.lower() != "file":
        raise SourceError(f'{location}: addresses of the form "{scheme}://" are not read (http, https, file or a path)')
    try:
        path = Path(url2pathname(urlsplit(location).path) if mark else location).expanduser()
    except RuntimeError:
        raise SourceError(f"{location}: there is no such home directory") from None
    return path if not (base / path).exists() and path.exists() else base / path


def _read(location: str, base: Path, limit: int) -> bytes:
    try:
        path = resolve(location, base)
        if not stat.S_ISREG(path.stat().st_mode):
            raise SourceError(f"{location}: {'a directory' if path.is_dir() else 'a device or pipe'}, not a file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise SourceError(f"{location}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{location}: {getattr(error, 'strerror', None) or error}") from error
    return data if len(data) <= limit else _too_big(limit, location)


def _too_big(limit: int, location: str = "") -> bytes:
    raise SourceError(f"{location}: larger than {limit:,} bytes" if location else f"larger than {limit:,} bytes")
