"""The server itself on loopback: half requests, slow ones, and very many connections."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.cli.deadlines import ConnectionLimits, DeadlineProtocol
from newsletter.cli.server import listen, serve

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: x\r\n"
TOLD = b"127.0.0.1 http 0"
LARGE = 30_000_000  #: bytes, more than all buffers between server and client


async def told(request: Request) -> Response:
    """Tell the client's address and scheme, as the app sees them, and how long the body is."""
    client = request.client.host if request.client else ""
    return PlainTextResponse(f"{client} {request.url.scheme} {len(await request.body())}")


async def large(_: Request) -> Response:
    return PlainTextResponse("x" * LARGE)


APP = Starlette(routes=[Route("/", told, methods=["GET", "POST"]), Route("/large", large)])


class Gone(socket.socket):
    """A socket as macOS has it when the client has left already."""

    def setsockopt(self, *_: object) -> None:
        raise OSError(22, "Invalid argument")


class GoneTransport(asyncio.Transport):
    def __init__(self, open_socket: socket.socket) -> None:
        super().__init__({"socket": open_socket, "peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


async def test_a_client_that_is_gone_already_costs_only_its_connection() -> None:
    config = uvicorn.Config(APP, lifespan="off")
    config.load()
    with Gone() as gone:
        protocol = DeadlineProtocol(
            config=config, server_state=uvicorn.Server(config).server_state, app_state={}, limits=ConnectionLimits()
        )
        protocol.connection_made(GoneTransport(gone))
        waiting = protocol.arrival.when < math.inf
        protocol.connection_lost(None)

    assert waiting


class Caller:
    """One connection to the server."""

    def __init__(self, open_socket: socket.socket) -> None:
        self.socket = open_socket

    async def say(self, data: bytes) -> None:
        with suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def hear(self) -> bytes:
        """What comes next; b"" when the connection is closed."""
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 65536), 20)
        except ConnectionError:
            return b""

    async def body(self) -> bytes:
        """The body of an answer, which comes with its headers or behind them."""
        return (await self.hear()).partition(b"\r\n\r\n")[2] or await self.hear()

    async def closed_after(self) -> float:
        """Seconds until the server closes the connection."""
        began = time.monotonic()
        while await self.hear():
            continue
        return time.monotonic() - began


class Served:
    """A server, and who called it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.callers: list[Caller] = []

    async def call(self, data: bytes) -> Caller:
        open_socket = socket.socket()
        open_socket.setblocking(False)
        self.callers.append(caller := Caller(open_socket))
        await asyncio.get_running_loop().sock_connect(open_socket, ("127.0.0.1", self._port))
        await caller.say(data)
        return caller


@asynccontextmanager
async def served(limits: ConnectionLimits | None = None, proxies: tuple[str, ...] = ()) -> AsyncIterator[Served]:
    listening, stop = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(APP, listening, stop, proxies, limits))
    site = Served(listening.getsockname()[1])
    yield site
    for caller in site.callers:
        caller.socket.close()
    stop.set()
    await serving


@pytest.mark.parametrize(
    "data",
    [b"", b"G", HALF, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc", GET + HALF],
)
async def test_a_request_that_never_ends_is_closed_in_time(data: bytes) -> None:
    async with served(ConnectionLimits(request=0.5)) as site:
        took = await (await site.call(data)).closed_after()

    assert 0.3 < took < 5


async def test_a_request_that_drips_in_gets_no_more_time() -> None:
    async with served(ConnectionLimits(request=0.6)) as site:
        caller = await site.call(HALF)
        for _ in range(30):
            await caller.say(b"X: y\r\n")
            await asyncio.sleep(0.05)

        assert await caller.closed_after() < 0.5


async def test_every_request_of_a_connection_has_its_own_time() -> None:
    async with served(ConnectionLimits(request=0.8)) as site:
        caller = await site.call(b"")
        for _ in range(4):
            await caller.say(GET)
            assert await caller.body() == TOLD
            await asyncio.sleep(0.4)


async def test_an_answer_that_nobody_fetches_is_given_up() -> None:
    async with served(ConnectionLimits(answer=0.5)) as site:
        caller, read = await site.call(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"), 0
        await asyncio.sleep(1.5)
        while data := await caller.hear():
            read += len(data)

    assert 0 < read < LARGE


async def test_twelve_hundred_half_requests_keep_nobody_out() -> None:
    async with served(ConnectionLimits(request=4)) as site:
        half = await asyncio.gather(*(site.call(HALF) for _ in range(1200)))
        began = time.monotonic()
        answers = [await (await site.call(GET)).body() for _ in range(5)]
        took = time.monotonic() - began
        closed = await asyncio.gather(*(caller.closed_after() for caller in half))

    assert answers == [TOLD] * 5
    assert took < 3  # far less on a machine with nothing else to do
    assert max(closed) < 15


async def test_the_oldest_half_request_makes_room_and_never_a_whole_one() -> None:
    async with served(ConnectionLimits(request=20, open=3)) as site:
        first = await site.call(HALF)
        await asyncio.sleep(0.1)
        others = [await site.call(HALF) for _ in range(2)]
        await asyncio.sleep(0.1)

        assert await (await site.call(GET)).body() == TOLD
        assert await first.closed_after() < 5
        for other in others:
            await other.say(b"\r\n")
            assert await other.body() == TOLD


async def test_the_body_of_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    async with served() as site:
        caller, took = await site.call(b""), list[float]()
        for _ in range(40):
            began = time.monotonic()
            await caller.say(GET)
            assert await caller.body() == TOLD
            took.append(time.monotonic() - began)

    assert min(took) < 0.03  # a delayed acknowledgement alone takes 40 ms


@pytest.mark.parametrize(("proxies", "answer"), [((), TOLD), (("127.0.0.1",), b"192.0.2.7 https 0")])
async def test_only_a_trusted_proxy_is_believed(proxies: tuple[str, ...], answer: bytes) -> None:
    lines = b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"
    async with served(proxies=proxies) as site:
        assert await (await site.call(HALF + lines)).body() == answer
