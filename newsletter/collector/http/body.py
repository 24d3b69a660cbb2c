"""The body of an answer: decompressed within limits, and what an error says of itself in it."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from newsletter.collector.http.failures import RetriableError, one_line
from newsletter.collector.text.encodings import as_utf8
from newsletter.errors import SourceError

if TYPE_CHECKING:
    import httpx

HINT_LIMIT = 65_536  #: bytes of an error's body that are looked at
MOST_PARTS = 10_000  #: of a gzip; an honest one of 50 MB has fewer, and two million empty ones would take a minute
HINT = re.compile(
    r"<summary\b[^<>]*>(?P<summary>[^<]+)</summary>"
    r"|<title\b[^<>]*>\s*(?P<title>Feed error[^<]*)</title>"
    r'|"(?:error|message|detail)"\s*:\s*"(?P<json>[^"\\]+)',
    re.IGNORECASE,
)


async def read_body(response: httpx.Response, limit: int) -> bytes:
    """The decompressed body. httpx would unpack a decompression bomb whole, layer by layer, before we could count."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise SourceError(f'the answer is compressed as "{one_line(encoding, 40)}", which we did not ask for')
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise_too_large(limit)
    decompressor = None if encoding in ("identity", "") else _Decompressor()
    data, received = bytearray(), 0
    try:
        async for chunk in response.aiter_raw():
            received += len(chunk)
            data += decompressor.decompress(chunk, limit + 1 - len(data)) if decompressor else chunk
            if max(len(data), received) > limit:
                raise_too_large(limit)
    except zlib.error as error:
        raise SourceError("the compressed answer is damaged") from error
    if decompressor and received and not decompressor.complete:
        raise RetriableError("the compressed answer is cut short")
    return bytes(data)


def raise_too_large(limit: int, location: str = "") -> NoReturn:
    """Raise the SourceError of what is larger than `limit` bytes."""
    raise SourceError(f"{location}: larger than {limit:,} bytes" if location else f"larger than {limit:,} bytes")


class _Decompressor:
    """gzip, in one part or several, or zlib; which one is told by its first bytes. What follows the end is ignored."""

    def __init__(self) -> None:
        self._part = zlib.decompressobj(wbits=47)
        self._parts = 1
        self._over = False

    @property
    def complete(self) -> bool:
        return self._part.eof

    def decompress(self, chunk: bytes, most: int) -> bytes:
        """At most `most` bytes; after so many, the rest of the stream is lost. Raises SourceError, zlib.error."""
        data = bytearray()
        while chunk and not self._over and len(data) < most:
            if self._part.eof:
                self._over = not chunk.startswith(b"\x1f")
                self._part = self._part if self._over else zlib.decompressobj(wbits=47)
                self._parts += 1
                if self._parts > MOST_PARTS:
                    raise SourceError(f"the compressed answer has more than {MOST_PARTS:,} parts")
                continue
            data += self._part.decompress(chunk, most - len(data))
            chunk = self._part.unused_data
        return bytes(data)


async def error_hint(response: httpx.Response, headers: Mapping[str, str]) -> str:
    """What an error says of itself; "" if that is not easily found, or repeats a key in the request's `headers`."""
    import httpx

    if not re.search(r"\b(?:xml|json)\b", response.headers.get("content-type", "")):
        return ""
    try:
        data = await read_body(response, HINT_LIMIT)
        text = as_utf8(data, response.headers.get("content-type", "")).decode("utf-8", "replace")
    except (SourceError, RetriableError, httpx.HTTPError):
        return ""
    found = HINT.search(text)
    hint = one_line(html.unescape(found[found.lastgroup or 0])) if found else ""
    secrets = [word for value in headers.values() for word in value.split() if len(word) > 3]
    return "" if any(word in text for word in secrets) else hint
