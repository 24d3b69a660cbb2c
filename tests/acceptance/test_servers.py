"""The sender against the servers that people have. What they accept they pass on to the scripted server: the judge."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from servers import KINDS, LIMIT, serving

from newsletter.errors import Refused, Withdrawn
from newsletter.sender import Connection, Relay, SmtpTransport
from newsletter.sender.pipelining import PipeliningLevel
from newsletter.testing import ScriptedServer
from newsletter.types import Mail

HIGHEST = {"postfix": PipeliningLevel.CHUNKS, "exim": PipeliningLevel.CHUNKS, "opensmtpd": PipeliningLevel.PLAIN}
NOBODY = {7, 8, 40}  #: refused at RCPT
LARGE = 23


@pytest.fixture(params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    found = str(request.param)
    if why := KINDS[found].missing:
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    return found


def mail(number: int) -> Mail:
    recipient = "nobody" if number in NOBODY else f"reader{number}"
    body = f"From: w@x.org\r\nTo: {recipient}@example.org\r\nMessage-ID: <{number}@x>\r\nSubject: {number}\r\n\r\n"
    lines = ".\r\n..two\r\n" + f".line of {number}\r\n" * (30_000 if number == LARGE else 500)
    return Mail(f"<{number}@x>", "weekly@papers.example.org", f"{recipient}@example.org", (body + lines).encode())


async def go() -> None:
    """A ledger that always agrees."""


async def send_all(transport: SmtpTransport, numbers: range, connections: int = 3) -> dict[int, object]:
    results: dict[int, object] = {}
    waiting = iter(numbers)

    async def lane(connection: Connection) -> None:
        for number in waiting:
            try:
                results[number] = await connection.send(mail(number), go)
            except Refused as error:
                results[number] = error

    opened = [await transport.open() for _ in range(connections)]
    await asyncio.gather(*(lane(each) for each in opened for _ in range(each.ahead)))
    for each in opened:
        await each.close()
    return results


async def passed_on(judge: ScriptedServer, count: int) -> dict[str, bytes]:
    for _ in range(600):
        if len(judge.accepted) >= count:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)  # for one that should not come
    assert max(Counter(judge.recipients()).values()) == 1
    return dict(judge.accepted)


def text(body: bytes) -> bytes:
    return body.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("name", "security"),  # OpenSMTPD 6.8 of Debian 12 fails in the handshake, with OpenSSL 3 ("EVP lib")
    [("postfix", "none"), ("postfix", "starttls"), ("exim", "none"), ("exim", "starttls"), ("opensmtpd", "none")],
    indirect=["name"],
)
async def test_everybody_gets_the_very_mail_once_and_only_nobody_is_refused(
    name: str, security: str, tmp_path: Path
) -> None:
    async with ScriptedServer() as judge, serving(KINDS[name], tmp_path, judge.port) as (port, certificate):
        transport = SmtpTransport(Relay("127.0.0.1", port, security, timeout=10, ca_file=str(certificate)))
        results = await send_all(transport, range(60))
        got = await passed_on(judge, 60 - len(NOBODY))

    assert {number for number, result in results.items() if isinstance(result, Refused)} == NOBODY
    assert {error.phase for error in results.values() if isinstance(error, Refused)} == {"rcpt"}
    assert {address: text(body) for address, body in got.items()} == {
        mail(n).recipient: text(mail(n).body) for n in range(60) if n not in NOBODY
    }
    assert transport.pipelining.proven == HIGHEST[name]


async def test_a_withdrawn_mail_does_not_arrive(name: str, tmp_path: Path) -> None:
    async def withdrawn() -> None:
        raise Withdrawn

    async with ScriptedServer() as judge, serving(KINDS[name], tmp_path, judge.port) as (port, _):
        transport = SmtpTransport(Relay("127.0.0.1", port, "none", timeout=10))
        await send_all(transport, range(6), 1)
        connection = await transport.open()
        await connection.send(mail(10), go)
        with pytest.raises(Withdrawn):
            await connection.send(mail(11), withdrawn)
        await send_all(transport, range(12, 15), 1)
        got = await passed_on(judge, 10)

    assert got.keys() == {mail(n).recipient for n in (*range(6), 10, *range(12, 15))}


async def test_what_is_larger_than_the_server_says_is_not_even_tried(name: str, tmp_path: Path) -> None:
    huge = Mail("<1@x>", "w@x.org", "ada@example.org", b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" * LIMIT)
    async with ScriptedServer() as judge, serving(KINDS[name], tmp_path, judge.port) as (port, _):
        connection = await SmtpTransport(Relay("127.0.0.1", port, "none", timeout=10)).open()
        with pytest.raises(Refused, match=str(LIMIT)):
            await connection.send(huge, go)
        await connection.close()

    assert judge.accepted == []


class Keeper:
    """An aiosmtpd handler."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, bytes]] = []

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 unknown"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        assert isinstance(envelope.content, bytes)
        self.accepted += [(address, envelope.content) for address in envelope.rcpt_tos]
        return "250 kept"


@asynccontextmanager
async def aiosmtpd(keeper: Keeper) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(keeper, hostname="aiosmtpd.test"), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_aiosmtpd_which_offers_little_takes_all() -> None:
    keeper = Keeper()
    async with aiosmtpd(keeper) as port:
        transport = SmtpTransport(Relay("127.0.0.1", port, "none", timeout=10))
        results = await send_all(transport, range(60))

    assert {number for number, result in results.items() if isinstance(result, Refused)} == NOBODY
    assert Counter(address for address, _ in keeper.accepted) == Counter(
        mail(n).recipient for n in range(60) if n not in NOBODY
    )
    assert dict(keeper.accepted) == {mail(n).recipient: mail(n).body for n in range(60) if n not in NOBODY}
    assert transport.pipelining.proven == PipeliningLevel.PLAIN
