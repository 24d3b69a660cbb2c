"""What the protocol makes of a transport that fails at a chosen write: nothing but a transport is needed for that."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from newsletter.errors import HostDown, Uncertain
from newsletter.sender.envelope import Offers
from newsletter.sender.pipelining import Pipelining
from newsletter.sender.smtp_protocol import SmtpProtocol
from newsletter.types import Mail

TAKEN = b"250 ok\r\n250 ok\r\n354 go\r\n"
MAIL = Mail("<1@x>", "w@x.org", "ada@x.org", b"Subject: x\r\n\r\nhello\r\n")


class Paper(asyncio.Transport):
    """Notes what is written; `at` is called with each write before it counts."""

    def __init__(self, at: Callable[["Paper", bytes], None] = lambda transport, data: None) -> None:
        super().__init__()
        self.at = at
        self.written: list[bytes] = []
        self.closing = False

    def write(self, data: Any) -> None:
        self.at(self, bytes(data))
        if not self.closing:
            self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True


def connected(transport: Paper) -> SmtpProtocol:
    protocol = SmtpProtocol("paper", Offers(pipelining=True), Pipelining(), 5)
    protocol.connection_made(transport)
    return protocol


async def go() -> None:
    """A ledger that always agrees."""


async def test_envelope_body_and_dot_are_one_write_each() -> None:
    transport = Paper()
    protocol = connected(transport)
    task = asyncio.create_task(protocol.send(MAIL, go))
    await asyncio.sleep(0)
    protocol.data_received(TAKEN)
    await asyncio.sleep(0.01)
    protocol.data_received(b"250 taken\r\n")

    assert await task == "250 taken"
    assert transport.written == [
        b"MAIL FROM:<w@x.org>\r\nRCPT TO:<ada@x.org>\r\nDATA\r\n",
        MAIL.body,
        b".\r\n",
    ]


@pytest.mark.parametrize(("fatal", "kind"), [(True, HostDown), (False, Uncertain)])
async def test_a_dot_that_the_system_did_not_take_was_certainly_not_sent(fatal: bool, kind: type[Exception]) -> None:
    def at(transport: Paper, data: bytes) -> None:
        transport.closing = fatal and data.startswith(b".")

    protocol = connected(Paper(at))
    task = asyncio.create_task(protocol.send(MAIL, go))
    await asyncio.sleep(0)
    protocol.data_received(TAKEN)
    await asyncio.sleep(0.01)
    protocol.connection_lost(BrokenPipeError("broken pipe"))

    with pytest.raises(kind, match="broken pipe") as caught:
        await task
    assert type(caught.value) is kind


async def test_a_mail_waits_while_the_transport_asks_for_it() -> None:
    protocol, begun = connected(Paper()), []

    async def begin() -> None:
        begun.append(1)

    task = asyncio.create_task(protocol.send(MAIL, begin))
    await asyncio.sleep(0)
    protocol.pause_writing()
    protocol.data_received(TAKEN)
    await asyncio.sleep(0.01)
    assert begun == []

    protocol.resume_writing()
    await asyncio.sleep(0.01)
    assert begun == [1]
    protocol.data_received(b"250 taken\r\n")
    assert await task == "250 taken"


async def test_a_reply_that_nobody_asked_for_ends_the_conversation() -> None:
    transport = Paper()
    protocol = connected(transport)

    protocol.data_received(b"250 hello again\r\n")

    assert transport.closing
    with pytest.raises(HostDown, match="hello again"):
        await protocol.send(MAIL, go)


async def test_a_connection_that_closed_during_the_handover_is_lost() -> None:
    transport = Paper()
    transport.closing = True
    protocol = connected(transport)

    with pytest.raises(HostDown, match="closed the connection"):
        await protocol.send(MAIL, go)
