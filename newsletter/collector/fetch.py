"""The bytes of a source: from a file, or over http(s) within limits of time and size. Knows httpx; nobody else does."""

from __future__ import annotations

import asyncio
import re
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from newsletter.collector.links import is_address, shown
from newsletter.errors import SourceError

if TYPE_CHECKING:
    import httpx

TIMEOUT = 30.0  #: seconds for one source, all in all
LIMIT = 50_000_000  #: bytes, after decompression too
MOST_REDIRECTS = 5
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.8"


async def fetch(
    location: str,
    base: Path = Path(),
    *,
    timeout: float = TIMEOUT,  # noqa: ASYNC109 - redirects and a slow body included
    limit: int = LIMIT,
    contact: str = "",
) -> bytes:
    """Raises SourceError, one line that names the location. `contact` (an address or URL) goes into the User-Agent."""
    if not is_address(location):
        return await asyncio.to_thread(_read, location, base, limit)
    try:
        async with asyncio.timeout(timeout):
            return await _download(location, timeout, limit, contact)
    except TimeoutError:
        raise SourceError(f"{shown(location)}: no complete answer within {timeout:g} s") from None


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
    return data if len(data) <= limit else _too_big(location, limit)


async def _download(location: str, seconds: float, limit: int, contact: str) -> bytes:
    import httpx

    try:
        async with (
            _client(seconds, contact) as client,
            client.stream("GET", location) as response,
        ):
            if response.status_code >= 300:
                reason = httpx.codes.get_reason_phrase(response.status_code)
                raise SourceError(f"{shown(location)}: {response.status_code} {reason}".rstrip())
            return await _body(response, location, limit)
    except httpx.ConnectTimeout as error:
        raise SourceError(f"{shown(location)}: no connection within {seconds / 2:g} s") from error
    except httpx.TooManyRedirects as error:
        raise SourceError(f"{shown(location)}: more than {MOST_REDIRECTS} redirects") from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
        raise SourceError(f"{shown(location)}: {_words(error)}") from error


def _words(error: Exception) -> str:
    """What httpx says, in one line, without the numbers of the operating system."""
    return re.sub(r"^\[Errno -?\d+\] ", "", " ".join(str(error).split())) or type(error).__name__


def _client(seconds: float, contact: str) -> httpx.AsyncClient:
    """Half the time to connect, TLS included: a handshake that httpx breaks off itself leaves no socket behind."""
    import httpx

    from newsletter import __version__

    agent = f"newsletter/{__version__}" + (f" (+{contact})" if contact else "")
    headers = {"User-Agent": agent, "Accept": ACCEPT, "Accept-Encoding": "gzip"}
    return httpx.AsyncClient(
        headers=headers,
        follow_redirects=True,
        max_redirects=MOST_REDIRECTS,
        timeout=httpx.Timeout(None, connect=seconds / 2),
    )


async def _body(response: httpx.Response, location: str, limit: int) -> bytes:
    """The decompressed body. httpx would unpack a bomb whole, layer by layer, before we could count."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise SourceError(f'{shown(location)}: the answer is compressed as "{encoding[:40]}", which we did not ask for')
    unpack = None if encoding in ("identity", "") else zlib.decompressobj(wbits=47)  # 47: gzip or zlib by its header
    data = bytearray()
    try:
        async for chunk in response.aiter_raw():
            data += unpack.decompress(chunk, limit + 1 - len(data)) if unpack else chunk
            if len(data) > limit:
                _too_big(location, limit)
    except zlib.error as error:
        raise SourceError(f"{shown(location)}: the compressed answer is damaged") from error
    if unpack and not unpack.eof and data:
        raise SourceError(f"{shown(location)}: the compressed answer is cut short")
    return bytes(data)


def _too_big(location: str, limit: int) -> bytes:
    raise SourceError(f"{shown(location)}: larger than {limit:,} bytes")
