"""Fetching, against real servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import socket
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from newsletter.collector.http.client import Fetcher
from newsletter.collector.http.files import resolve
from newsletter.collector.http.limits import FetchLimits
from newsletter.collector.http.rate_limit import HostRateLimiter, LocalLeases
from newsletter.collector.http.ssrf import by_turns, checked, is_public
from newsletter.collector.http.validators import NOTHING_KNOWN, Fetched, Validators
from newsletter.collector.source_kind import Kind, Parsed, Request
from newsletter.errors import SourceError

NOON = datetime(2025, 3, 17, 12, tzinfo=UTC)
KIND = Kind(lambda data, source, now: Parsed(()), interval=0)
BOMB = gzip.compress(b"\0" * 100_000_000, compresslevel=1)
LIMITS = {limit.name for limit in fields(FetchLimits)}
TLS = b"\x16"  #: the first byte of a handshake, to which this server says nothing
OK = b"HTTP/1.1 200 OK\r\n"
MONDAY = "Mon, 17 Mar 2025 00:00:00 GMT"
#: by path; of several, each is given once and the last one for ever
ANSWERS: dict[str, bytes | list[bytes]] = {
    "/good": OK + b"Content-Length: 5\r\n\r\nhello",
    "/gone": b"HTTP/1.1 404 Nothing\x07 here\r\nContent-Length: 0\r\n\r\n",
    "/busy": b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n",
    "/loop": b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
    "/away": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "/nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://x:port/\r\nContent-Length: 0\r\n\r\n",
    "/untold": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    "/inward": b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/key\r\nContent-Length: 0\r\n\r\n",
    "/unasked": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "/gzip": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello"),
    "/parts": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hel") + gzip.compress(b"lo") + b"\0\0\0",
    "/empty%20parts": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"") * 10_001,
    "/deflate": OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(b"hello"),
    "/bomb": OK + b"Content-Encoding: gzip\r\n\r\n" + BOMB,
    "/nested": OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(BOMB),
    "/damaged": OK + b"Content-Encoding: gzip\r\n\r\nno gzip at all",
    "/half": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello " * 99)[:-9],
    "/short": OK + b"Content-Length: 500\r\n\r\nhello",
    "/chunks": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "/big": OK + b"\r\n" + b"x" * 2_000_000,
    "/huge": OK + b"Content-Length: 200000000\r\n\r\n",
    "/garbage": b"\x16\x03\x01 what is this\r\n\r\n",
    "/slow": OK + b"\r\n",
    "/headers": OK,
    "/endless": OK + b"\r\n",
    "/padded": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello"),
    "/silent": b"",
    "/tagged": OK + f'ETag: W/"7"\r\nLast-Modified: {MONDAY}\r\nContent-Length: 5\r\n\r\nhello'.encode(),
    "/marked": OK + b"ETag: " + b"x" * 501 + b"\r\nLast-Modified: caf\xe9\r\nContent-Length: 5\r\n\r\nhello",
    "/cut": [OK + b"Content-Length: 5\r\n\r\nhel", OK + b"Content-Length: 5\r\n\r\nhello"],
    "/limited": [
        b"HTTP/1.1 429 Slow Down\r\nRetry-After: 4\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 5\r\n\r\nhello",
    ],
    "/dated": [
        b"HTTP/1.1 503 x\r\nRetry-After: "
        + format_datetime(NOON + timedelta(seconds=4), usegmt=True).encode()
        + b"\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 5\r\n\r\nhello",
    ],
    "/later": b"HTTP/1.1 503 x\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n",
    "/biscuit": [
        b"HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nLocation: /biscuit\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 5\r\n\r\nhello",
    ],
    "/posted": b"HTTP/1.1 307 x\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n",
    "/seen": b"HTTP/1.1 303 x\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n",
    "/query": b"HTTP/1.1 400 x\r\nContent-Type: application/atom+xml\r\n\r\n<feed><title>ArXiv Query</title><entry>"
    b"<title>Error</title><summary>incorrect id\n format\x1b for &lt;1234&gt;</summary></entry></feed>",
    "/category": b"HTTP/1.1 400 x\r\nContent-Type: text/xml\r\n\r\n"
    b"<rss><channel><title>Feed error for query: cs.XX</title></channel></rss>",
    "/refused": b'HTTP/1.1 403 x\r\nContent-Type: application/json\r\n\r\n{"error": "no such field"}',
    "/echo": b'HTTP/1.1 403 x\r\nContent-Type: application/json\r\n\r\n{"message": "bad key: s3cret!"}',
    "/wordy": b"HTTP/1.1 400 x\r\nContent-Type: text/xml\r\n\r\n<summary>" + b"long " * 999 + b"</summary>",
}


@dataclass
class Host:
    """A server that answers by ANSWERS and keeps what it was asked; some paths go on for ever."""

    port: int = 0
    scheme: str = "http"
    answers: dict[str, bytes | list[bytes]] = field(default_factory=lambda: dict(ANSWERS))
    asked: list[str] = field(default_factory=list)  #: head and body of each request
    connections: int = 0

    def at(self, path: str, name: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{name}:{self.port}{path}"

    def next_answer(self, path: str) -> bytes:
        answer = self.answers.get(path, b"")
        if isinstance(answer, bytes):
            return answer
        self.answers[path] = answer[1:] if len(answer) > 1 else answer
        return answer[0]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if (first := await reader.readexactly(1)) == TLS:
            await asyncio.sleep(60)
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        length = [int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:")]
        self.asked.append(head + (await reader.readexactly(sum(length))).decode())
        path = head.split(" ")[1].partition("?")[0]
        if path == "/hang":
            await asyncio.sleep(60)
        if path == "/tagged" and "If-None-Match" in head:
            writer.write(b'HTTP/1.1 304 Not Modified\r\nETag: W/"7"\r\n\r\n')
            return
        writer.write(self.next_answer(path))
        await self.go_on(path, writer)

    async def go_on(self, path: str, writer: asyncio.StreamWriter) -> None:
        more = {"/slow": b"x", "/headers": b"X", "/endless": b"x" * 65_536, "/padded": b"x" * 65_536}
        while path in more:
            writer.write(more[path])
            await asyncio.sleep(0.05 if len(more[path]) == 1 else 0)
            await writer.drain()


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Host]:
    """Conversations still open at the end are broken off."""
    host, open_now = Host(scheme="https" if tls else "http"), set[asyncio.Task[None]]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await host.converse(reader, writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(answer(reader, writer))
        open_now.add(task)
        task.add_done_callback(open_now.discard)

    async with await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls) as listening:
        host.port = listening.sockets[0].getsockname()[1]
        yield host
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with serving() as host:
        yield host


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of papers.test, signed by itself; the key is in the same file."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl here to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "papers.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=papers.test",
         "-addext", "subjectAltName=DNS:papers.test", "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
async def secure(certificate: Path) -> AsyncIterator[Host]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serving(context) as host:
        yield host


async def here(name: str, port: int) -> tuple[str, ...]:
    """A lookup by which every name is public, and this machine."""
    return ("127.0.0.1",)


async def ask(
    request: Request | str, known: Validators = NOTHING_KNOWN, kind: Kind = KIND, **options: object
) -> Fetched:
    """`options`: those of FetchLimits and of Fetcher."""
    limiter = options.pop("limiter", None) or HostRateLimiter()
    limited = {name: options.pop(name) for name in LIMITS & options.keys()}
    limits = FetchLimits(**{"backoff": 0.01, **limited})  # type: ignore[arg-type]
    async with Fetcher(limiter, limits=limits, **options) as fetcher:  # type: ignore[arg-type]
        return await fetcher.fetch(Request(request) if isinstance(request, str) else request, kind, known)


async def error_of(request: Request | str, **options: object) -> str:
    """What follows the location."""
    with pytest.raises(SourceError) as caught:
        await ask(request, **options)  # type: ignore[arg-type]
    location, _, why = str(caught.value).partition(": ")
    assert location == (request if isinstance(request, str) else request.location)
    assert "\n" not in why
    return why


def quick_limiter(leases: LocalLeases | None = None) -> HostRateLimiter:
    """At noon; a wait takes no time."""
    now = [NOON.timestamp()]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    return HostRateLimiter(leases, clock=lambda: now[0], sleep=sleep)


@pytest.mark.parametrize("path", ["/good", "/moved", "/gzip", "/parts", "/deflate", "/cut", "/biscuit"])
async def test_good_answers_come_back_unpacked(host: Host, path: str) -> None:
    assert (await ask(host.at(path))).data == b"hello"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/gone", "404 Not Found"),
        ("/busy", "503 Service Unavailable (tried 3 times)"),
        ("/loop", "more than 5 redirects"),
        ("/away", "redirects to something that is not on the web (http, https)"),
        ("/nowhere", "redirects to an address that is none"),
        ("/untold", "302 Found"),
        ("/inward", "169.254.169.254 leads to 169.254.169.254, which is not on the public internet"),
        ("/unasked", "304 Not Modified"),
        ("/bomb", "larger than 1,000,000 bytes"),
        ("/big", "larger than 1,000,000 bytes"),
        ("/huge", "larger than 1,000,000 bytes"),
        ("/endless", "larger than 1,000,000 bytes"),
        ("/padded", "larger than 1,000,000 bytes"),
        ("/nested", 'the answer is compressed as "gzip, gzip", which we did not ask for'),
        ("/damaged", "the compressed answer is damaged"),
        ("/empty%20parts", "the compressed answer has more than 10,000 parts"),
        ("/half", "the compressed answer is cut short (tried 3 times)"),
        ("/query", "400 Bad Request: incorrect id format for <1234>"),
        ("/category", "400 Bad Request: Feed error for query: cs.XX"),
        ("/refused", "403 Forbidden: no such field"),
    ],
)
async def test_trouble_is_one_line_with_the_address(host: Host, path: str, why: str) -> None:
    assert await error_of(host.at(path), size=1_000_000) == why


@pytest.mark.parametrize("path", ["/hang", "/slow", "/headers"])
async def test_what_never_ends_is_broken_off(host: Host, path: str) -> None:
    assert await error_of(host.at(path), timeout=0.5) == "no complete answer within 0.5 s"


@pytest.mark.parametrize("path", ["/short", "/chunks", "/garbage", "/silent"])
async def test_broken_conversations_are_tried_again_then_named(host: Host, path: str) -> None:
    why = await error_of(host.at(path))

    assert why.endswith(" (tried 3 times)")
    assert 10 < len(why) < 220
    assert len(host.asked) == 3


@pytest.mark.parametrize("path", ["/gone", "/damaged", "/big", "/query"])
async def test_what_will_not_get_better_is_asked_once(host: Host, path: str) -> None:
    await error_of(host.at(path), size=1_000_000)

    assert len(host.asked) == 1


@pytest.mark.parametrize(
    "location",
    [b"http://[x", b"//", b"http:///x", b"http://a b/", b"\xff\xfe://", b"http://x:0/", b"http://x:70000/",
     b"mailto:a@b", b"http://%zz/", b"http://xn--a/", b"http://" + b"y" * 300, b"http:" + b"/" * 66_000],
)  # fmt: skip
async def test_redirects_that_lead_nowhere_are_named(host: Host, location: bytes) -> None:
    host.answers["/off"] = b"HTTP/1.1 302 x\r\nLocation: " + location + b"\r\n\r\n"

    assert len(await error_of(host.at("/off"))) < 250


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/",
        "http://name.invalid/",
        "http://[x/",
        "https://a b/",
        "http://",
        "http://x:99999999/",
        "http://xn--a/",
        "http://" + "é" * 300 + "/",
    ],
)
async def test_addresses_that_lead_nowhere_are_named(address: str) -> None:
    assert await error_of(address, timeout=5)


async def test_a_handshake_without_an_answer_is_named(host: Host) -> None:
    why = await error_of(host.at("/good").replace("http:", "https:"), timeout=0.5, backoff=60)

    assert why == "no connection within 0.25 s"


async def test_we_say_who_we_are(host: Host) -> None:
    await ask(host.at("/good"), contact="mailto:ada@example.org")

    assert "User-Agent: newsletter/" in host.asked[0]
    assert "(+mailto:ada@example.org)" in host.asked[0]


async def test_a_contact_is_sent_as_far_as_a_header_can_hold_it(host: Host) -> None:
    await ask(host.at("/good"), contact="mailto:zo\xeb@example.org\r\nX: y")

    assert "(+mailto:zo@example.orgX: y)" in host.asked[0]


async def test_a_password_is_sent_but_not_shown(host: Host) -> None:
    with pytest.raises(SourceError) as caught:
        await ask(host.at("/gone", "ada:s%40cret@127.0.0.1"))

    assert "cret" not in str(caught.value)
    assert "Authorization: Basic YWRhOnNAY3JldA==" in host.asked[0]


async def test_a_password_that_spoils_its_address_is_not_shown() -> None:
    with pytest.raises(SourceError, match=r"^http://127\.0\.0\.1/: not a valid address$"):
        await ask("http://ada:se#cret@127.0.0.1/")


async def test_an_unchanged_answer_is_not_sent_again(host: Host) -> None:
    first = await ask(host.at("/tagged"))
    second = await ask(host.at("/tagged"), Validators(first.etag, first.modified))

    assert first == Fetched(b"hello", 'W/"7"', MONDAY)
    assert second == Fetched(None, 'W/"7"', MONDAY)
    assert f"If-Modified-Since: {MONDAY}" in host.asked[1]


async def test_validators_that_no_header_may_hold_are_dropped(host: Host) -> None:
    answer = await ask(host.at("/marked"), Validators("a\r\nX: y", "x" * 501))

    assert answer == Fetched(b"hello", "", "")
    assert "If-" not in host.asked[0]


@pytest.mark.parametrize("path", ["/limited", "/dated"])
async def test_a_pause_that_is_asked_for_is_kept(host: Host, path: str) -> None:
    limiter = quick_limiter()

    assert (await ask(host.at(path), limiter=limiter)).data == b"hello"
    assert limiter.clock() >= NOON.timestamp() + 4


async def test_a_pause_too_long_to_wait_for_is_told_and_kept_by_the_others(host: Host) -> None:
    leases = LocalLeases()

    first = await error_of(host.at("/later"), limiter=quick_limiter(leases))
    second = await error_of(host.at("/good"), limiter=quick_limiter(leases))

    assert first == "503 Service Unavailable; asks to come back in 1 h"
    assert second == f"127.0.0.1:{host.port} asked for a pause until 13:00 UTC"
    assert len(host.asked) == 1


async def test_pauses_use_up_the_time_of_a_request(host: Host) -> None:
    host.answers["/limited"] = [ANSWERS["/limited"][0]]  # type: ignore[list-item]

    why = await error_of(host.at("/limited"), limiter=quick_limiter(), timeout=6)

    assert why == "429 Too Many Requests (tried 2 times); asks to come back in 4 s"


async def test_waiting_for_a_turn_does_not(host: Host) -> None:
    leases = LocalLeases()
    leases.reserve(f"127.0.0.1:{host.port}", NOON.timestamp(), 6.5)

    assert (await ask(host.at("/good"), limiter=quick_limiter(leases), timeout=2)).data == b"hello"


async def test_json_is_posted(host: Host) -> None:
    request = Request(host.at("/posted"), b'{"a": 1}', {"X-Key": "s3cret!"})

    assert (await ask(request, Validators("x"))).data == b"hello"
    for asked in host.asked:
        assert asked.startswith("POST ")
        assert asked.endswith('\r\n\r\n{"a": 1}')
        assert "Content-Type: application/json\r\n" in asked
        assert "X-Key: s3cret!\r\n" in asked
        assert "If-None-Match" not in asked


async def test_a_post_may_be_answered_elsewhere(host: Host) -> None:
    await ask(Request(host.at("/seen"), b"{}"))

    assert [asked.split(" ")[0] for asked in host.asked] == ["POST", "GET"]
    assert not host.asked[1].endswith("{}")


async def test_headers_of_a_request_win_but_for_the_compression(host: Host) -> None:
    await ask(Request(host.at("/good"), headers={"accept": "application/json", "accept-encoding": "br"}))

    lines = host.asked[0].lower().splitlines()
    assert [line for line in lines if line.startswith("accept")] == [
        "accept: application/json",
        "accept-encoding: gzip",
    ]


async def test_a_key_stays_with_its_host(host: Host) -> None:
    async with serving() as other:
        host.answers["/off"] = f"HTTP/1.1 301 x\r\nLocation: {other.at('/good')}\r\n\r\n".encode()
        request = Request(host.at("/off", "ada:secret@127.0.0.1"), headers={"X-Key": "s3cret!"})

        assert (await ask(request, Validators("tag"), lookup=here)).data == b"hello"

    assert "X-Key" in host.asked[0]
    assert "Authorization" in host.asked[0]
    assert "X-Key" not in other.asked[0]
    assert "Authorization" not in other.asked[0]
    assert "If-None-Match: tag" in other.asked[0]


async def test_what_is_posted_stays_with_its_host(host: Host) -> None:
    host.answers["/off"] = b"HTTP/1.1 307 x\r\nLocation: http://other.test/\r\n\r\n"

    why = await error_of(Request(host.at("/off"), b"{}"), lookup=here)

    assert why == "redirects what we post to another place, http://other.test"


@pytest.mark.parametrize("key", ["s3cret!\n", "s3crét!"])
async def test_a_key_that_cannot_be_sent_is_not_shown(host: Host, key: str) -> None:
    why = await error_of(Request(host.at("/echo"), headers={"X-Key": key}))

    assert "cr" not in why


async def test_a_key_that_comes_back_is_not_shown(host: Host) -> None:
    assert await error_of(Request(host.at("/echo"), headers={"X-Key": "Bearer s3cret!"})) == "403 Forbidden"


async def test_a_long_error_is_cut(host: Host) -> None:
    assert len(await error_of(host.at("/wordy"))) == len("400 Bad Request: ") + 200


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::1]", "0", "[::ffff:127.0.0.1]"],
)
async def test_the_data_of_others_reaches_no_private_host(host: Host, name: str) -> None:
    why = await error_of(Request(host.at("/good", name), outside=True))

    assert host.connections == 0
    assert why.endswith("is not on the public internet") or why.startswith("Invalid IPv4 address")


async def test_a_redirect_reaches_no_private_host_either(host: Host) -> None:
    async with serving() as other:
        host.answers["/off"] = f"HTTP/1.1 301 x\r\nLocation: {other.at('/good')}\r\n\r\n".encode()

        why = await error_of(host.at("/off"))

    assert why == "127.0.0.1 leads to 127.0.0.1, which is not on the public internet"
    assert other.connections == 0


@pytest.mark.parametrize("location", ["/etc/passwd", "file:///etc/passwd", "notes.txt"])
async def test_the_data_of_others_reads_no_file(location: str) -> None:
    assert "is not read" in await error_of(Request(location, outside=True))


async def test_the_message_about_somebody_elses_address_is_one_line() -> None:
    with pytest.raises(SourceError) as caught:
        await ask(Request("http://x\n\x1b[31m.invalid/" + "y" * 999, outside=True))

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_what_the_configuration_says_outright_is_asked(host: Host, name: str) -> None:
    assert (await ask(host.at("/good", name))).data == b"hello"


@pytest.mark.parametrize("name", ["127.1", "0x7f.1", "2130706433"])
async def test_a_name_in_the_configuration_reaches_no_private_host_unless_it_may(host: Host, name: str) -> None:
    why = await error_of(host.at("/good", name))

    assert why.endswith("which is not on the public internet; `private = true` in its [[source]] allows it")
    assert host.connections == 0
    assert (await ask(Request(host.at("/good", name), private=True))).data == b"hello"


async def test_what_may_be_private_may_not_lead_to_another_private_host(host: Host) -> None:
    async with serving() as other:
        host.answers["/off"] = f"HTTP/1.1 301 x\r\nLocation: {other.at('/good')}\r\n\r\n".encode()

        why = await error_of(Request(host.at("/off", "127.1"), private=True))

    assert why == "127.0.0.1 leads to 127.0.0.1, which is not on the public internet"
    assert other.connections == 0


async def test_a_name_that_changes_its_mind_is_asked_where_it_was_checked(host: Host) -> None:
    """DNS rebinding: the second lookup of a name would lead inside, so there is none between check and connection."""
    answers = ["127.0.0.1", "169.254.169.254"]

    async def lookup(name: str, port: int) -> tuple[str, ...]:
        return (answers.pop(0),)

    assert (await ask(host.at("/good", "papers.test"), lookup=lookup)).data == b"hello"
    assert answers == ["169.254.169.254"]


def test_addresses_of_both_families_take_turns() -> None:
    assert by_turns(["2600::1", "2600::2", "2600::3", "8.8.8.8"]) == ("2600::1", "8.8.8.8", "2600::2", "2600::3")
    assert by_turns(["8.8.8.8", "8.8.4.4"]) == ("8.8.8.8", "8.8.4.4")
    assert by_turns([]) == ()


async def test_the_address_that_answered_is_asked_first_the_next_time(host: Host) -> None:
    async def lookup(name: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.9", "127.0.0.1")

    async with Fetcher(HostRateLimiter(), limits=FetchLimits(backoff=0.01), lookup=lookup) as fetcher:
        for _ in range(2):
            await fetcher.fetch(Request(host.at("/good", "papers.test")), KIND)
        again = FetchLimits(tries=1)
        fetcher.limits = again

        assert (await fetcher.fetch(Request(host.at("/good", "papers.test")), KIND)).data == b"hello"


async def test_a_connection_serves_several_requests_to_one_name_and_none_to_another() -> None:
    async with keep_alive() as (location, connections), Fetcher(HostRateLimiter(), lookup=here) as fetcher:
        for name in ("papers.test", "papers.test", "others.test", "papers.test"):
            await fetcher.fetch(Request(location.replace("127.0.0.1", name)), KIND)

        assert connections() == 2


async def test_a_fetch_that_is_broken_off_in_the_handshake_leaves_no_connection() -> None:
    ended = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.set()
        with suppress(ConnectionError):
            await reader.read()  # to the end, which only a closed connection has
        ended.set()
        writer.close()

    began = asyncio.Event()
    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        fetching = asyncio.ensure_future(ask(f"https://127.0.0.1:{port}/"))
        await began.wait()
        await asyncio.sleep(0.1)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

        await asyncio.wait_for(ended.wait(), 10)


async def test_the_checked_address_is_the_one_that_is_asked(host: Host) -> None:
    request = Request(host.at("/moved", "papers.test"), outside=True)

    assert (await ask(request, lookup=here)).data == b"hello"
    assert f"Host: papers.test:{host.port}\r\n" in host.asked[1]


async def test_the_next_try_takes_the_next_address(host: Host) -> None:
    async def lookup(name: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.9", "127.0.0.1")

    assert (await ask(Request(host.at("/good", "papers.test"), outside=True), lookup=lookup)).data == b"hello"


async def test_a_name_that_is_not_found_is_tried_again() -> None:
    calls: list[str] = []

    async def lookup(name: str, port: int) -> tuple[str, ...]:
        calls.append(name)
        raise socket.gaierror(-2, "Name or service not known")

    why = await error_of(Request("http://papers.test/", outside=True), lookup=lookup)

    assert why == "Name or service not known (tried 3 times)"
    assert len(calls) == 3


async def test_behind_a_proxy_the_name_is_checked_and_the_proxy_connects(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{host.port}")
    host.answers["http://papers.test/good"] = ANSWERS["/good"]

    assert (await ask(Request("http://papers.test/good", outside=True), lookup=here)).data == b"hello"
    assert "is not on the public internet" in await error_of(Request("http://127.0.0.1:1/", outside=True))
    assert host.connections == 1


async def test_a_name_that_only_the_proxy_knows_is_left_to_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lookup(name: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{host.port}")
    host.answers["http://papers.test/good"] = ANSWERS["/good"]

    assert (await ask(Request("http://papers.test/good", outside=True), lookup=lookup)).data == b"hello"
    assert "not known" in await error_of(Request("http://intranet/good", outside=True), lookup=lookup)


async def test_a_name_that_is_none_is_told() -> None:
    assert await error_of(Request(f"http://{'x' * 64}.test/", outside=True)) == "its host has no valid name"


async def test_a_proxy_that_is_none_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", "gopher://ada:secret@proxy.test")

    assert await error_of("http://papers.test/") == "the proxy that the environment names cannot be used"


async def test_a_certificate_by_nobody_is_refused_at_once(secure: Host) -> None:
    why = await error_of(secure.at("/good"))

    assert why == "the certificate is not valid for 127.0.0.1: self-signed certificate"
    assert secure.asked == []


async def test_certificates_that_are_missing_are_told(secure: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")

    why = await error_of(secure.at("/good"))

    assert why == "the certificates of this machine cannot be read: No such file or directory"


async def test_the_certificate_is_that_of_the_name_not_of_the_address(
    secure: Host, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    good = await ask(Request(secure.at("/good", "papers.test"), outside=True), lookup=here)
    why = await error_of(Request(secure.at("/good", "others.test"), outside=True), lookup=here)

    assert good.data == b"hello"
    assert why.startswith("the certificate is not valid for others.test: Hostname mismatch")
    assert len(secure.asked) == 1


async def test_one_connection_serves_several_requests(host: Host) -> None:
    """But for hosts that want to be asked alone, where an idle connection would count."""
    keeping, closing = KIND, Kind(KIND.parse, interval=0, alone=True)
    served: dict[bool, int] = {}
    for kind in (keeping, closing):
        async with keep_alive() as (location, connections), Fetcher(HostRateLimiter()) as fetcher:
            for _ in range(3):
                await fetcher.fetch(Request(location), kind)
            served[kind.alone] = connections()

    assert served == {False: 1, True: 3}


@asynccontextmanager
async def keep_alive() -> AsyncIterator[tuple[str, Callable[[], int]]]:
    count: list[Awaitable[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count.append(writer.wait_closed())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(OK + b"Content-Length: 5\r\n\r\nhello")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", lambda: len(count)
        await asyncio.gather(*count)


async def test_cookies_do_not_outlive_a_fetch(host: Host) -> None:
    async with Fetcher(HostRateLimiter()) as fetcher:
        await fetcher.fetch(Request(host.at("/biscuit")), KIND)
        await fetcher.fetch(Request(host.at("/good")), KIND)

    assert ["Cookie: a=1" in asked for asked in host.asked] == [False, True, False]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("0.0.0.1", False),
        ("224.0.1.1", False),
        ("255.255.255.255", False),
        ("2606:4700::1111", True),
        ("::1", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("fe80::1%2", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b:1::8.8.8.8", False),
        ("2002:7f00:1::", False),
        ("2002:808:808::", True),
        ("2001:db8::1", False),
        ("2001::1", False),
        ("192.0.0.192", False),  # the metadata of Oracle's cloud
        ("192.0.0.9", False),
        ("192.88.99.1", False),
        ("168.63.129.16", False),  # of Azure
        ("100.100.100.200", False),  # of Alibaba
        ("198.18.0.1", False),
        ("198.51.100.7", False),
        ("240.0.0.1", False),
        ("64:ff9b::192.0.0.192", False),
        ("::ffff:168.63.129.16", False),
        ("2002:a83f:8110::", False),
        ("2002:c058:6301::", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),  # Teredo to 10.0.0.1
        ("2001:20::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("2600:1900::5efe:10.0.0.1", False),  # ISATAP
        ("2600:1900::200:5efe:10.0.0.1", False),
        ("2600:1900::5efe:8.8.8.8", True),
        ("192.31.196.1", True),
    ],
)
def test_public_addresses_are_told_from_private_ones(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_one_private_address_among_public_ones_is_enough() -> None:
    assert checked("papers.test", ["8.8.8.8", "8.8.8.8", "8.8.4.4"]) == ("8.8.8.8", "8.8.4.4")
    with pytest.raises(SourceError, match=r"^papers\.test leads to ::1, which is not on the public internet$"):
        checked("papers.test", ["8.8.8.8", "::1"])


async def read(location: str, base: Path = Path(), **options: object) -> bytes | None:
    return (await ask(location, base=base, **options)).data  # type: ignore[arg-type]


async def test_files_are_found_beside_the_configuration_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, here = tmp_path / "base", tmp_path / "here"
    for folder in (base, here):
        folder.mkdir()
        (folder / f"{folder.name}.txt").write_text(folder.name)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(base))

    assert await read("base.txt", base) == b"base"
    assert await read("here.txt", base) == b"here"
    assert await read("~/base.txt") == b"base"
    assert await read((base / "base.txt").as_uri()) == b"base"
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

    assert await error_of(location, base=tmp_path, size=1_000) == why


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_is_not_ours_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.touch(mode=0)

    assert await error_of(str(secret)) == "Permission denied"
