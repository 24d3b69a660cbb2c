"""The queue of confirmations beside real mail servers: few connections, quick pages, nothing lost in silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from conftest import Clock, with_smtp

from newsletter.cli.server import address_of, listen, serve
from newsletter.config import Settings
from newsletter.engine import make_engine
from newsletter.errors import HostDown, Refused, TooManySignUps
from newsletter.sender import Route, SmtpTransport
from newsletter.sender.smtp import Relay
from newsletter.services.confirmations import CONNECTIONS, MOST_WAITING, ConfirmationQueue
from newsletter.services.single_mail import SingleMails
from newsletter.store import Store
from newsletter.testing import MemoryTransport, ScriptedServer
from newsletter.types import Mail
from newsletter.web.public.app import make_app

BODY = b"Subject: x\r\n\r\nx\r\n"


def mail_to(name: str) -> Mail:
    return Mail(f"<{name}@x>", "news@papers.example.org", f"{name}@example.org", BODY)


def queue_for(server: ScriptedServer, mails: int = 0, **waiting: float) -> ConfirmationQueue:
    relay = Relay("127.0.0.1", server.port, "none", timeout=5.0)
    return ConfirmationQueue(SingleMails([Route(SmtpTransport(relay), mails=mails)]), **waiting)


def nothing() -> None:
    """Take a mail back that nobody asks for again."""


def says(verb: str, reply: str) -> Callable[[str, str], str]:
    return lambda said, _: reply if said == verb else ""


async def test_a_crowd_beside_a_slow_server_opens_few_connections_and_waits_for_nothing() -> None:
    taken_back: list[int] = []
    async with ScriptedServer(says("EHLO", "hang")) as server:
        queue = queue_for(server, patience=0.2, grace=0.2)
        began = time.monotonic()
        await asyncio.gather(*(queue.put(mail_to(f"p{n}"), lambda n=n: taken_back.append(n)) for n in range(150)))  # type: ignore[misc]
        waited = time.monotonic() - began
        async with asyncio.timeout(20):  # a busy machine connects late
            while server.connections < CONNECTIONS:
                await asyncio.sleep(0.01)
        await queue.close()

    assert waited < 4  # the server hangs for longer
    assert server.connections == CONNECTIONS
    assert sorted(taken_back) == list(range(150))


async def test_a_connection_takes_one_mail_after_the_other() -> None:
    async with ScriptedServer(says("EHLO", "slow")) as server:
        queue = queue_for(server)
        await asyncio.gather(*(queue.put(mail_to(f"p{n}"), nothing) for n in range(30)))
        await queue.close()

    assert len(server.recipients()) == len(set(server.recipients())) == 30
    assert server.connections <= CONNECTIONS


async def test_a_server_that_tires_of_a_connection_gets_the_mail_on_another() -> None:
    async with ScriptedServer() as server:

        def tires(verb: str, _: str) -> str:
            mails = [command[:4] for command in server.commands]
            since = mails[::-1].index("EHLO") if "EHLO" in mails else 0
            return "421 4.7.0 enough" if verb == "MAIL" and mails[-since:].count("MAIL") > 2 else ""

        server.script = tires
        relay = Relay("127.0.0.1", server.port, "none", timeout=5.0)
        async with aclosing(SingleMails([Route(SmtpTransport(relay))]).session()) as session:
            for n in range(7):
                await session.send(mail_to(f"p{n}"))

    assert server.recipients() == [f"p{n}@example.org" for n in range(7)]
    assert server.connections == 4


async def test_no_more_mails_in_a_connection_than_the_relay_wants() -> None:
    async with ScriptedServer() as server:
        queue = queue_for(server, mails=2)
        await asyncio.gather(*(queue.put(mail_to(f"p{n}"), nothing) for n in range(8)))
        await queue.close()

    assert len(server.accepted) == 8
    assert server.connections >= 4


@pytest.mark.parametrize(("reply", "error"), [("550 5.1.1 nobody", Refused), ("421 4.3.0 later", HostDown)])
async def test_what_a_server_says_at_once_is_told(reply: str, error: type[Exception]) -> None:
    back: list[int] = []
    async with ScriptedServer(says("RCPT", reply)) as server:
        with pytest.raises(error):
            await queue_for(server).put(mail_to("eve"), lambda: back.append(1))

    assert back == [1]


async def test_what_a_server_says_too_late_is_given_back() -> None:
    back = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with ScriptedServer(lambda verb, _: {"EHLO": "slow", "RCPT": "550 5.1.1 nobody"}.get(verb, "")) as server:
        queue = queue_for(server, patience=0.01)
        await queue.put(mail_to("eve"), lambda: loop.call_soon_threadsafe(back.set))  # type: ignore[arg-type]

        await asyncio.wait_for(back.wait(), 5)
        await queue.close()


async def test_at_the_end_what_waits_is_sent() -> None:
    async with ScriptedServer(says("EHLO", "slow")) as server:
        queue = queue_for(server, patience=0.0)
        for n in range(20):
            await queue.put(mail_to(f"p{n}"), nothing)
        before = len(server.accepted)
        await queue.close()

    assert (before, len(server.accepted)) == (0, 20)


async def test_a_full_queue_says_so() -> None:
    async with ScriptedServer(says("EHLO", "hang")) as server:
        queue = queue_for(server, patience=0.0, grace=0.0)
        for n in range(MOST_WAITING + CONNECTIONS):
            queue.check_room()
            await queue.put(mail_to(f"p{n}"), nothing)
        await asyncio.sleep(0.05)
        with pytest.raises(TooManySignUps):
            queue.check_room()
        await queue.close()


async def test_a_bug_is_no_silence(caplog: pytest.LogCaptureFixture) -> None:
    def answer(_: Mail) -> None:
        raise ZeroDivisionError

    back: list[Any] = []
    queue = ConfirmationQueue(SingleMails([Route(MemoryTransport(answer))]))

    with pytest.raises(ZeroDivisionError):
        await queue.put(mail_to("eve"), lambda: back.append(1))

    assert back == [1]
    assert "ZeroDivisionError" in caplog.text


async def test_a_server_that_stops_sends_first_what_it_promised(settings: Settings, store: Store, clock: Clock) -> None:
    async with ScriptedServer(
        lambda verb, _: "slow" if verb in ("EHLO", "MAIL", "RCPT", "DATA", ".") else ""
    ) as server:
        engine = make_engine(with_smtp(settings, server.port), store, None, clock)
        stop, listening = asyncio.Event(), listen("127.0.0.1", 0)
        serving = asyncio.create_task(serve(make_app(engine), listening, stop))
        async with httpx.AsyncClient(base_url=address_of(listening)) as client:
            answer = await client.post("/subscribe", data={"email": "eve@example.org"})
        before = len(server.accepted)
        stop.set()
        await serving

    assert (answer.status_code, before) == (200, 0)
    assert server.recipients() == ["eve@example.org"]
