"""The OpenAI-compatible embedder, against a server on loopback that answers well or badly."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from newsletter.embedder import openai
from newsletter.embedder.openai import OpenaiEmbedder
from newsletter.errors import EmbedderError

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def ok(answer: object) -> bytes:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


def status(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def data(*vectors: object) -> bytes:
    return ok({"data": [{"index": number, "embedding": vector} for number, vector in enumerate(vectors)]})


def lengths(number: int, texts: list[str]) -> bytes:
    return data(*([len(text), 1.0] for text in texts))


class Service:
    """Answers each request with what `answer` says of its number and its texts; None: nothing, for ever."""

    def __init__(self) -> None:
        self.answer: Callable[[int, list[str]], bytes | None] = lengths
        self.heads: list[str] = []
        self.questions: list[dict[str, Any]] = []
        self.url = ""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
            self.heads.append(head)
            self.questions.append(json.loads(await reader.readexactly(length)))
            answer = self.answer(len(self.heads), self.questions[-1]["input"])
            if answer is None:
                await reader.read()  # until the other side has had enough
            writer.write(answer or b"")
            await writer.drain()
        writer.close()

    async def embed(self, *texts: str, key: str = KEY, patience: float = 5.0) -> Any:
        embedder = OpenaiEmbedder("small", self.url, key, timeout=patience, pause=0.01)
        return await asyncio.to_thread(embedder.embed, texts)

    async def refusal(self, *texts: str, **more: Any) -> str:
        with pytest.raises(EmbedderError) as caught:
            await self.embed(*texts, **more)
        return str(caught.value)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    server = await asyncio.start_server(service.converse, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield service
    server.close()
    await server.wait_closed()


async def test_each_text_gets_its_vector_of_length_one(service: Service) -> None:
    rows = await service.embed("abcd", "", "x")

    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.allclose(rows[:, 0] / rows[:, 1], [4, 0, 1])


async def test_the_question_holds_model_texts_and_key(service: Service) -> None:
    await service.embed("abcd")

    assert service.heads[0].startswith("POST /v1/embeddings HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}" in service.heads[0].lower()
    assert service.questions == [{"model": "small", "input": ["abcd"]}]


async def test_no_key_sends_no_header(service: Service) -> None:
    await service.embed("abcd", key="")

    assert "authorization" not in service.heads[0].lower()


async def test_many_texts_go_in_batches_and_long_ones_are_cut(service: Service) -> None:
    rows = await service.embed(*("a" * number for number in range(1, 130)), "b" * 9_000)

    assert [len(each["input"]) for each in service.questions] == [64, 64, 2]
    assert len(service.questions[2]["input"][1]) == 8_000
    assert np.allclose(rows[:129, 0] / rows[:129, 1], range(1, 130), rtol=1e-4)


async def test_no_text_asks_nobody(service: Service) -> None:
    assert len(await service.embed()) == 0
    assert service.heads == []


async def test_it_can_be_called_inside_a_running_loop(service: Service) -> None:
    with pytest.raises(EmbedderError, match=r"no answer within 0\.1 s"):  # this very loop, blocked, is the server
        OpenaiEmbedder("small", service.url, KEY, timeout=0.1).embed(["a"])


async def test_base64_is_read_too(service: Service) -> None:
    packed = base64.b64encode(np.array([3, 4], "<f4").tobytes()).decode()
    service.answer = lambda number, texts: data(packed)

    assert np.allclose(await service.embed("a"), [[0.6, 0.8]])


async def test_vectors_come_back_by_their_index(service: Service) -> None:
    answer = {"data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]}
    service.answer = lambda number, texts: ok(answer)

    assert (await service.embed("a", "b")).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("line", ["429 x\r\nRetry-After: 0", "500 x", "503 x\r\nRetry-After: nonsense"])
async def test_a_server_that_is_busy_is_asked_once_more(service: Service, line: str) -> None:
    service.answer = lambda number, texts: status(line) if number == 1 else lengths(number, texts)

    assert (await service.embed("a")).shape == (1, 2)
    assert len(service.heads) == 2


@pytest.mark.parametrize("line", ["429 x\r\nRetry-After: 0", "503 x"])
async def test_a_server_that_stays_busy_is_left_alone(service: Service, line: str) -> None:
    service.answer = lambda number, texts: status(line)

    assert line[:3] in await service.refusal("a")
    assert len(service.heads) == 2


@pytest.mark.parametrize("line", ["400 x", "413 x", "500 x"])
async def test_texts_too_long_for_the_model_are_cut_further(service: Service, line: str) -> None:
    def answer(number: int, texts: list[str]) -> bytes:
        return status(line) if max(map(len, texts)) > openai.SHORTER else lengths(number, texts)

    service.answer = answer

    assert (await service.embed("a", "b" * 3_000)).shape == (2, 2)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status("500 x"), "500 Internal Server Error"),
        (status("400 x"), "400 Bad Request"),
        (status("401 x"), "401 Unauthorized: the server wants another key"),
        (status("404 x"), "404 Not Found: no such model"),
        (status("599 x"), "599"),
        (status("307 x\r\nLocation: http://127.0.0.1:9/"), "307 Temporary Redirect: the address"),
        (ok(b"<html>hello</html>"), "an answer that holds no vectors"),
        (ok(b"[" * 100_000), "an answer that holds no vectors"),
        (ok(b"\xff\xfe"), "an answer that holds no vectors"),
        (ok({"data": None}), "an answer that holds no vectors"),
        (ok({"data": {"a": 1}}), "an answer that holds no vectors"),
        (ok({"data": [{"embedding": "?"}]}), "an answer that holds no vectors"),
        (ok({"data": [{"embedding": [{}]}]}), "an answer that holds no vectors"),
        (ok({"data": [{"index": None, "embedding": [1]}, {"index": 0, "embedding": [1]}]}), "holds no vectors"),
        (ok({"data": []}), "0 vectors for 1 texts"),
        (data([1, 0], [0, 1]), "2 vectors for 1 texts"),
        (ok({"data": [{"index": 7, "embedding": [1]}]}), "an order that is none"),
        (data([1.0, float("nan")]), "not finite"),
        (data([1.0, 1e300]), "not finite"),
        (data([]), "shape"),
        (data(7), "shape"),
        (b"", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", "RemoteProtocolError"),
    ],
)
async def test_an_answer_of_no_use_is_an_error(service: Service, answer: bytes, why: str) -> None:
    service.answer = lambda number, texts: answer

    assert why in await service.refusal("a")


async def test_vectors_of_different_lengths_are_an_error(service: Service) -> None:
    service.answer = lambda number, texts: data([1, 0], [1])

    assert "different lengths" in await service.refusal("a", "b")


async def test_a_redirect_gets_no_key(service: Service) -> None:
    service.answer = lambda number, texts: status(f"308 x\r\nLocation: {service.url}/elsewhere")

    await service.refusal("a")

    assert len(service.heads) == 1


async def test_an_endless_answer_is_broken_off(service: Service) -> None:
    service.answer = lambda number, texts: ok(b"[" + b" " * 33_000_000)

    assert "an answer of more than 32,000,000 bytes" in await service.refusal("a")


async def test_a_server_that_never_answers_costs_the_time_given(service: Service) -> None:
    service.answer = lambda number, texts: None

    started = time.monotonic()

    assert "no answer within 0.3 s (127.0.0.1" in await service.refusal("a", patience=0.3)
    assert time.monotonic() - started < 20  # the server would keep silent for a minute


async def test_nobody_listening_is_told_in_one_line() -> None:
    with pytest.raises(EmbedderError, match=r"^no connection, ConnectError \(127.0.0.1:9/v1\)$"):
        await asyncio.to_thread(OpenaiEmbedder("small", "http://127.0.0.1:9/v1").embed, ["a"])


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x.org/v1", "http://[::1/v1", "http://x:port/v1", "http:///v1"])
async def test_an_address_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(EmbedderError):
        await asyncio.to_thread(OpenaiEmbedder("small", url).embed, ["a"])


@pytest.mark.parametrize("key", [f"{KEY}\nX-More: {KEY}", f"{KEY}\x00", f"{KEY}é"])
async def test_a_key_that_no_header_can_hold_is_not_shown(service: Service, key: str) -> None:
    assert await service.refusal("a", key=key) == "the key holds characters that no key has"


async def test_the_key_is_in_no_message_or_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service.answer = lambda number, texts: status("401 x") + f"wrong key: {KEY}".encode()
    service.url = service.url.replace("//", "//ada:hush@")

    told = await service.refusal("a")

    assert KEY not in told + caplog.text
    assert "hush" not in told
