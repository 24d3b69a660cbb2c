"""An OpenAI-compatible server (OpenAI, Ollama, vLLM, llama.cpp …): POST {url}/embeddings, a batch of texts at a time.

The key goes into one header, to one host, and into no message: a redirect is not followed, and foreign errors are told
by their type alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.embedder.prefixes import known_prefixes
from newsletter.embedder.rows import unit_rows
from newsletter.errors import EmbedderError
from newsletter.handshakes import closing_trace
from newsletter.version import __version__

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

BATCH = 64  #: texts in one question
LONGEST = 8_000  #: characters of one text
SHORTER = 1_500  #: characters, for a model that cannot read the longest
LARGEST_ANSWER = 32_000_000  #: bytes
LONGEST_PAUSE = 10.0  #: seconds, whatever the server asks for
UNREADABLE = (400, 413, 500)  #: what servers say to a text that is too long for the model


class _Unreadable(EmbedderError):
    """The texts may be too long for the model."""


class OpenaiEmbedder:
    """An OpenAI-compatible server.

    `url`: "https://api.example.org/v1". `timeout`: seconds for one answer; `pause`: before asking again.
    """

    def __init__(self, model: str, url: str, key: str = "", timeout: float = 30.0, pause: float = 1.0) -> None:
        self.model = model
        self.url = url.rstrip("/").removesuffix("/embeddings") + "/embeddings"
        self.timeout = timeout
        self.pause = pause
        self._key = key.strip()
        self._place = _place(self.url)
        self.name = f"openai:{model} {self._place}"
        self.prefixes = known_prefixes(model)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts in a thread with a loop of its own, so that it can be called from anywhere."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._embed(texts)).result()

    async def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import httpx

        if not (self._key.isascii() and self._key.isprintable()):
            raise EmbedderError("the key holds characters that no key has")
        rows: list[object] = []
        async with httpx.AsyncClient(headers=self._headers()) as client:
            for start in range(0, len(texts), BATCH):
                rows += await self._rows(client, [text[:LONGEST] for text in texts[start : start + BATCH]])
        return unit_rows(rows, len(texts))

    def _headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": f"newsletter/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        return headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    async def _rows(self, client: httpx.AsyncClient, texts: list[str]) -> list[object]:
        try:
            return _vectors(await self._answer(client, texts), len(texts))
        except _Unreadable:
            if max(map(len, texts)) <= SHORTER:
                raise
        return _vectors(await self._answer(client, [text[:SHORTER] for text in texts]), len(texts))

    async def _answer(self, client: httpx.AsyncClient, texts: list[str]) -> bytes:
        status, pause, data = await self._post(client, texts)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
            await asyncio.sleep(pause)
            status, _, data = await self._post(client, texts)
        if 200 <= status < 300:
            return data
        raise (_Unreadable if status in UNREADABLE else EmbedderError)(f"{_status_text(status)} ({self._place})")

    async def _post(self, client: httpx.AsyncClient, texts: list[str]) -> tuple[int, float, bytes]:
        """Post one batch: status, seconds to wait before the next try, body.

        Half the time to connect, so that a server that does not answer is told from one that is slow.
        """
        import httpx

        question = json.dumps({"model": self.model, "input": texts}).encode()
        waits, traced = httpx.Timeout(None, connect=self.timeout / 2), {"trace": closing_trace()}
        try:
            async with (
                asyncio.timeout(self.timeout),
                client.stream("POST", self.url, content=question, timeout=waits, extensions=traced) as response,
            ):
                return response.status_code, self._asked_pause(response), await self._body(response)
        except TimeoutError:
            raise EmbedderError(f"no answer within {self.timeout:g} s ({self._place})") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
            raise EmbedderError(f"the address or the key cannot be used ({self._place})") from None
        except (httpx.HTTPError, OSError) as error:  # its words may hold the key
            raise EmbedderError(f"no connection, {type(error).__name__} ({self._place})") from None

    def _asked_pause(self, response: httpx.Response) -> float:
        asked = response.headers.get("Retry-After", "")
        return min(float(asked), LONGEST_PAUSE) if asked.isascii() and asked.isdigit() else self.pause

    async def _body(self, response: httpx.Response) -> bytes:
        data = bytearray()
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > LARGEST_ANSWER:
                raise EmbedderError(f"an answer of more than {LARGEST_ANSWER:,} bytes ({self._place})")
        return bytes(data)


def _vectors(data: bytes, count: int) -> list[object]:
    """The vectors in the order of the texts. Raises EmbedderError unless there is one for each."""
    try:
        answer: Any = json.loads(data)
        places = [item.get("index", number) for number, item in enumerate(answer["data"])]
        rows = {place: _vector(item["embedding"]) for place, item in zip(places, answer["data"], strict=True)}
        complete = sorted(places) == list(range(count))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError, OverflowError):
        raise EmbedderError("an answer that holds no vectors") from None
    if not complete:
        raise EmbedderError(f"{len(places)} vectors for {count} texts, or vectors in an order that is none")
    return [rows[place] for place in range(count)]


def _vector(embedding: object) -> object:
    """One vector: a list of numbers, or base64 of float32, little-endian."""
    import numpy as np

    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    with np.errstate(over="ignore"):
        return np.asarray(embedding, np.float32)


def _status_text(status: int) -> str:
    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = str(status)
    if 300 <= status < 400:
        return f"{words}: the address of the server is another one"
    if status in (401, 402, 403):
        return f"{words}: the server wants another key"
    if status in (404, 405, 410):
        return f"{words}: no such model, or no such address"
    return words


def _place(url: str) -> str:
    """Host, port and path of an address: no user, password or query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.hostname or 'no host'}{port}{parts.path.removesuffix('/embeddings')}"
    except ValueError:
        return "no host"
