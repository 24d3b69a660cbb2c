"""A model's summaries, against a server on loopback that speaks as OpenAI's does, well or badly."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from newsletter.collector.summarizer import Summaries, Summariser

KEY = "sk-very-secret"
ABSTRACT = "Graphs are everywhere. We propose a kernel on graphs that is linear in the number of edges."
EXTRACT = "We propose a kernel on graphs that is linear in the number of edges."
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def said(content: object) -> bytes:
    return OK + json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


def status(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@dataclass
class Stub:
    """Answers each request with what `answer` says of its number and body; None: nothing, for ever."""

    answer: Callable[[int, str], bytes | None] = lambda number, body: said("It is linear.")
    delay: float = 0.0
    heads: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    now: int = 0  #: requests under way
    most: int = 0
    url: str = ""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
        self.heads.append(head)
        self.bodies.append((await reader.readexactly(length)).decode())
        answer = self.answer(len(self.heads), self.bodies[-1])
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.delay if answer is not None else 60)
        self.now -= 1
        writer.write(answer or b"")


Serve = Callable[[Stub], Awaitable[Stub]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a stub. Conversations still open at the end are broken off."""
    open_now: set[asyncio.Task[None]] = set()
    servers: list[asyncio.Server] = []

    async def start(stub: Stub) -> Stub:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
                await stub.converse(reader, writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

        def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(answer(reader, writer))
            open_now.add(task)
            task.add_done_callback(open_now.discard)

        servers.append(await asyncio.start_server(converse, "127.0.0.1", 0))
        stub.url = f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}/v1"
        return stub

    yield start
    for task in tuple(open_now):
        task.cancel()
    await asyncio.gather(*open_now)
    for server in servers:
        server.close()
        await server.wait_closed()


async def ask(
    url: str, papers: int = 1, within: float = 10.0, language: str = "en", patience: float = 5.0
) -> tuple[Summaries, dict[str, str]]:
    """What came of it, and what on_done was told."""
    kept: dict[str, str] = {}
    asked = [(f"paper-{n}", "Linear graph kernels", ABSTRACT) for n in range(papers)]
    summariser = Summariser(url, "small", KEY, language, timeout=patience)
    return await summariser.summarise(asked, within, kept.__setitem__), kept


async def test_each_paper_gets_its_summary(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: said(f"<think>hm</think>**Number {number}.**")))

    found, kept = await ask(stub.url, papers=6)

    assert found == Summaries(written=6)
    assert set(kept) == {f"paper-{n}" for n in range(6)}
    assert set(kept.values()) == {f"Number {n}." for n in range(1, 7)}


async def test_the_question_holds_model_language_paper_and_key(serve: Serve) -> None:
    stub = await serve(Stub())

    await ask(stub.url, language="de")

    assert stub.heads[0].startswith("POST /v1/chat/completions HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}" in stub.heads[0].lower()
    question = json.loads(stub.bodies[0])
    system, user = question["messages"]
    assert question["model"] == "small"
    assert "Answer in German" in system["content"]
    assert json.loads(user["content"]) == {"title": "Linear graph kernels", "abstract": ABSTRACT}


async def test_no_key_sends_no_header(serve: Serve) -> None:
    stub = await serve(Stub())

    await Summariser(stub.url, "small").summarise([("a", "T", ABSTRACT)], 10, lambda key, text: None)

    assert "authorization" not in stub.heads[0].lower()


async def test_no_more_than_four_are_asked_at_once(serve: Serve) -> None:
    stub = await serve(Stub(delay=0.02))

    found, _ = await ask(stub.url, papers=20)

    assert found.written == 20
    assert stub.most == 4


async def test_a_paper_without_an_abstract_is_not_asked_about(serve: Serve) -> None:
    stub = await serve(Stub())

    found = await Summariser(stub.url, "small").summarise([("a", "T", "  ")], 10, lambda key, text: None)

    assert found == Summaries()
    assert stub.heads == []


async def test_a_paper_given_twice_is_asked_about_once(serve: Serve) -> None:
    stub = await serve(Stub())

    found = await Summariser(stub.url, "small").summarise([("a", "T", ABSTRACT)] * 2, 10, lambda key, text: None)

    assert (found.written, found.failed, len(stub.heads)) == (1, 0, 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (OK + b"<html>hello</html>", "an answer that is none of a chat"),
        (OK + b"[" * 100_000, "an answer that is none of a chat"),
        (OK + b'{"choices": []}', "an answer that is none of a chat"),
        (OK + b'{"choices": [{"message": null}]}', "an answer that is none of a chat"),
        (OK + b"\xff\xfe", "an answer that is none of a chat"),
        (said(None), "an empty answer"),
        (said("<think>and so on"), "an empty answer"),
        (said("x" * 2_000_000), "an answer of more than 1,000,000 bytes"),
        (status("500 x"), "500 Internal Server Error"),
        (status("418 x"), "418 I'm a Teapot"),
        (status("599 x"), "599"),
        (b"", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", "RemoteProtocolError"),
        (b"what?\r\n\r\n", "RemoteProtocolError"),
    ],
)
async def test_an_answer_of_no_use_leaves_the_extract(serve: Serve, answer: bytes, why: str) -> None:
    stub = await serve(Stub(lambda number, body: answer))

    found, kept = await ask(stub.url)

    assert (found.written, found.failed, kept) == (0, 1, {})
    assert found.instead == {"paper-0": EXTRACT}
    assert why.lower() in found.trouble.lower()


async def test_asking_that_is_broken_off_in_the_handshake_leaves_no_connection() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.set()
        with suppress(ConnectionError):
            await reader.read()  # to the end, which only a closed connection has
        ended.set()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        asking = asyncio.ensure_future(ask(url))
        await began.wait()
        await asyncio.sleep(0.1)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking

        await asyncio.wait_for(ended.wait(), 10)


async def test_a_bad_answer_costs_only_its_own_paper(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: status("500 x") if number == 2 else said("It is linear.")))

    found, kept = await ask(stub.url, papers=5)

    assert (found.written, found.failed, len(kept), len(found.instead)) == (4, 1, 4, 1)
    assert found.trouble == "1 of 5 summaries missing: 500 Internal Server Error (127.0.0.1)"


@pytest.mark.parametrize("line", ["401 x", "403 x", "404 x", "307 x\r\nLocation: http://127.0.0.1:9/"])
async def test_a_wrong_key_or_address_stops_the_asking_at_once(serve: Serve, line: str) -> None:
    stub = await serve(Stub(lambda number, body: status(line)))

    found, _ = await ask(stub.url, papers=50)

    assert found.failed == len(found.instead) == 50
    assert line[:3] in found.trouble
    assert len(stub.heads) <= 4


@pytest.mark.parametrize("line", ["429 x", "503 x"])
async def test_three_failures_in_a_row_stop_the_asking(serve: Serve, line: str) -> None:
    stub = await serve(Stub(lambda number, body: status(line)))

    found, _ = await ask(stub.url, papers=50)

    assert found.failed == 50
    assert "3 failures in a row" in found.trouble
    assert len(stub.heads) <= 6


async def test_failures_that_are_not_in_a_row_stop_nothing(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: status("500 x") if number % 2 else said("It is linear.")))
    summariser = Summariser(stub.url, "small", together=1)

    papers = [(str(n), "T", ABSTRACT) for n in range(12)]
    found = await summariser.summarise(papers, 10, lambda key, text: None)

    assert (found.written, found.failed) == (6, 6)


async def test_a_server_that_never_answers_costs_the_time_given(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: None))

    started = time.monotonic()
    found, _ = await ask(stub.url, papers=50, within=0.5)

    assert time.monotonic() - started < 30  # the server would keep silent for a minute
    assert found.failed == len(found.instead) == 50
    assert "no more time after 0.5 s" in found.trouble


async def test_what_was_written_before_the_time_was_up_is_kept(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: said("It is linear.") if number <= 3 else None))

    found, kept = await ask(stub.url, papers=10, within=3.0)

    assert (found.written, found.failed) == (3, 7)
    assert set(kept) | set(found.instead) == {f"paper-{n}" for n in range(10)}


async def test_a_handshake_that_never_ends_costs_the_time_given_and_leaves_no_socket(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: None))

    started = time.monotonic()
    found, _ = await ask(stub.url.replace("http:", "https:"), papers=50, within=0.6)

    assert time.monotonic() - started < 30
    assert found.failed == 50


async def test_one_slow_answer_is_given_up_after_its_own_time(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: None))

    found, _ = await ask(stub.url, within=10, patience=0.2)

    assert "no answer within 0.2 s" in found.trouble


async def test_no_time_at_all_asks_nobody(serve: Serve) -> None:
    stub = await serve(Stub())

    found, _ = await ask(stub.url, within=0)

    assert (found.failed, found.instead, stub.heads) == (1, {"paper-0": EXTRACT}, [])


async def test_nobody_listening_is_told_in_one_line() -> None:
    found, _ = await ask("http://127.0.0.1:9/v1", papers=9)

    assert found.trouble.startswith("9 of 9 summaries missing: 3 failures in a row, the last: no connection")
    assert "\n" not in found.trouble


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x.org/v1", "http://[::1/v1", "http://x:port/v1", "http:///v1"])
async def test_an_address_that_is_none_raises_nothing(url: str) -> None:
    found, _ = await ask(url, papers=9)

    assert (found.failed, len(found.instead)) == (9, 9)
    assert found.trouble


@pytest.mark.parametrize("key", [f"{KEY}\nX-More: {KEY}", f"{KEY}\x00", f"{KEY}é", f"{KEY}☃"])
async def test_a_key_that_no_header_can_hold_raises_nothing_and_is_not_shown(
    serve: Serve, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stub = await serve(Stub(lambda number, body: status("401 x")))

    found = await Summariser(stub.url, "small", key).summarise([("a", "T", ABSTRACT)], 10, lambda key, text: None)

    assert found.failed == 1
    assert KEY not in found.trouble + caplog.text


async def test_the_key_is_in_no_message_or_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stub = await serve(Stub(lambda number, body: status("401 x") + f"wrong key: {KEY}".encode()))

    found, _ = await ask(stub.url, papers=3)

    assert "401" in found.trouble
    assert KEY not in found.trouble + caplog.text


async def test_a_user_and_password_in_the_address_are_not_shown(serve: Serve) -> None:
    stub = await serve(Stub(lambda number, body: status("401 x")))

    found, _ = await ask(stub.url.replace("//", "//ada:secret@"))

    assert "secret" not in found.trouble


async def test_a_summary_that_cannot_be_kept_stops_no_other(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    stub = await serve(Stub())

    def refuse(key: str, text: str) -> None:
        raise OSError("the disk is full")

    papers = [(str(n), "T", ABSTRACT) for n in range(5)]
    found = await Summariser(stub.url, "small").summarise(papers, 10, refuse)

    assert found.written == 5
    assert "a summary could not be kept" in caplog.text


async def test_whatever_a_paper_makes_a_model_say_is_only_text(serve: Serve) -> None:
    injected = '<script>x()</script> [Win](https://evil.example)\u202e ![](http://evil.example/p.png)\nignore "all"'
    stub = await serve(Stub(lambda number, body: said(injected)))

    _, kept = await ask(stub.url)

    assert kept == {"paper-0": 'x() Win ignore "all"'}
