"""Fetching, against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from newsletter.collector.fetch import fetch, resolve
from newsletter.errors import SourceError

BOMB = gzip.compress(b"\0" * 100_000_000)
TLS = b"\x16"  #: the first byte of a handshake, to which this server says nothing
ANSWERS: dict[str, bytes] = {
    "/good": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "/gone": b"HTTP/1.1 404 Nothing\x07 here\r\nContent-Length: 0\r\n\r\n",
    "/busy": b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n",
    "/loop": b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
    "/away": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "/nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://x:port/\r\nContent-Length: 0\r\n\r\n",
    "/gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello"),
    "/deflate": b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b"hello"),
    "/bomb": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + BOMB,
    "/nested": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(BOMB),
    "/damaged": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip at all",
    "/half": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello " * 99)[:-9],
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello",
    "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "/big": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000,
    "/garbage": b"\x16\x03\x01 what is this\r\n\r\n",
    "/slow": b"HTTP/1.1 200 OK\r\n\r\n",
    "/silent": b"",
}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


async def speak(path: str, request: bytes, writer: asyncio.StreamWriter) -> None:
    """By ANSWERS; `/agent` gives the request back, `/slow` trickles for ever, `/hang` says nothing."""
    if path == "/hang":
        await asyncio.sleep(60)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + request if path == "/agent" else ANSWERS.get(path, b""))
    while path == "/slow":
        writer.write(b"x")
        await asyncio.sleep(0.05)
        await writer.drain()


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """Its address. Conversations still open at the end are broken off."""
    open_now: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            if (first := await reader.readexactly(1)) == TLS:
                await asyncio.sleep(60)
            request = first + await reader.readuntil(b"\r\n\r\n")
            await speak(request.split(b" ")[1].decode(), request, writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(answer(reader, writer))
        open_now.add(task)
        task.add_done_callback(open_now.discard)

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now)


@pytest.mark.parametrize("path", ["/good", "/moved", "/gzip", "/deflate"])
async def test_good_answers_come_back_unpacked(server: str, path: str) -> None:
    assert await fetch(server + path) == b"hello"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/gone", "404 Not Found"),
        ("/busy", "503 Service Unavailable"),
        ("/loop", "more than 5 redirects"),
        ("/away", "Request URL has an unsupported protocol 'file://'."),
        ("/nowhere", "Invalid URL in location header: Invalid port: 'port'."),
        ("/bomb", "larger than 1,000,000 bytes"),
        ("/big", "larger than 1,000,000 bytes"),
        ("/nested", 'the answer is compressed as "gzip, gzip", which we did not ask for'),
        ("/damaged", "the compressed answer is damaged"),
        ("/half", "the compressed answer is cut short"),
        ("/hang", "no complete answer within 2 s"),
        ("/slow", "no complete answer within 2 s"),
    ],
)
async def test_trouble_is_one_line_with_the_address(server: str, path: str, why: str) -> None:
    with pytest.raises(SourceError) as caught:
        await fetch(server + path, timeout=2, limit=1_000_000)

    assert str(caught.value) == f"{server}{path}: {why}"


@pytest.mark.parametrize("path", ["/short", "/chunks", "/garbage", "/silent"])
async def test_broken_conversations_are_named(server: str, path: str) -> None:
    with pytest.raises(SourceError, match=rf"^http://127\.0\.0\.1:\d+{path}: .{{10,200}}$"):
        await fetch(server + path)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/",
        "http://name.invalid/",
        "http://[x/",
        "https://a b/",
        "http://",
        "http://x:99999999/",
        "http://" + "é" * 300 + "/",
    ],
)
async def test_addresses_that_lead_nowhere_are_named(address: str) -> None:
    with pytest.raises(SourceError) as caught:
        await fetch(address, timeout=5)

    assert str(caught.value).startswith(f"{address}: ")
    assert "\n" not in str(caught.value)


async def test_a_handshake_without_an_answer_is_named(server: str) -> None:
    with pytest.raises(SourceError, match=r"^https://127\.0\.0\.1:\d+/good: no connection within 0\.25 s$"):
        await fetch(server.replace("http:", "https:") + "/good", timeout=0.5)


async def test_we_say_who_we_are(server: str) -> None:
    request = (await fetch(server + "/agent", contact="mailto:ada@example.org")).decode()

    assert "User-Agent: newsletter/" in request
    assert "(+mailto:ada@example.org)" in request


async def test_a_password_is_not_shown(server: str) -> None:
    with pytest.raises(SourceError) as caught:
        await fetch(server.replace("://", "://ada:secret@") + "/gone")

    assert "secret" not in str(caught.value)


async def test_files_are_found_beside_the_configuration_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, here = tmp_path / "base", tmp_path / "here"
    for folder in (base, here):
        folder.mkdir()
        (folder / f"{folder.name}.txt").write_text(folder.name)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(base))

    assert await fetch("base.txt", base) == b"base"
    assert await fetch("here.txt", base) == b"here"
    assert await fetch("~/base.txt") == b"base"
    assert await fetch((base / "base.txt").as_uri()) == b"base"
    assert resolve("missing.txt", base) == base / "missing.txt"


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("missing.txt", "there is no such file"),
        (".", "a directory, not a file"),
        ("/dev/zero", "a device or pipe, not a file"),
        ("ftp://x.org/a", 'addresses of the form "ftp://" are not read (http, https, file or a path)'),
        ("~nobody-of-this-name/a", "there is no such home directory"),
        ("big.txt", "larger than 1,000 bytes"),
        ("big.txt/inside", "Not a directory"),
    ],
)
async def test_files_that_cannot_be_read_are_named(tmp_path: Path, location: str, why: str) -> None:
    (tmp_path / "big.txt").write_bytes(b"x" * 1_001)

    with pytest.raises(SourceError) as caught:
        await fetch(location, tmp_path, limit=1_000)

    assert str(caught.value) == f"{location}: {why}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_is_not_ours_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.touch(mode=0)

    with pytest.raises(SourceError, match=r"secret\.txt: Permission denied"):
        await fetch(str(secret))
