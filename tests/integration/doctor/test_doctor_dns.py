"""dnspython against a name server on loopback that answers as told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from newsletter.doctor.dns import MOST_QUESTIONS, Answer, Dns, Remembering, Unanswered

ZONE: Mapping[str, tuple[str, ...]] = {
    "a.org. TXT": ('"v=spf1 " "include:b.org" " -all"', '"one"'),
    "a.org. MX": ("10 MX.A.org.", "5 other.org."),
    "null.org. MX": ("0 .",),
    "a.org. A": ("192.0.2.1",),
    "1.2.0.192.in-addr.arpa. PTR": ("Mail.A.org.",),
    "_25._tcp.mx.a.org. TLSA": ("3 1 1 " + "ab" * 32,),
    "bytes.org. TXT": (r'"caf\233 \027[31m"',),
}


class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        [question] = query.question
        name = str(question.name).lower()
        if name.startswith("silent."):
            return
        response = dns.message.make_response(query)
        values = ZONE.get(f"{name} {question.rdtype.name}", ())
        if values:
            response.answer.append(dns.rrset.from_text_list(name, 60, "IN", question.rdtype, values))
            response.flags |= dns.flags.AD
        elif name.startswith("broken."):
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not any(key.startswith(f"{name} ") for key in ZONE):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(response.to_wire(), address)


@asynccontextmanager
async def resolver(seconds: float = 5.0) -> AsyncIterator[Dns]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        yield Dns(["127.0.0.1"], transport.get_extra_info("sockname")[1], seconds)
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        ("a.org", "TXT", Answer(("one", "v=spf1 include:b.org -all"), secure=True)),
        ("A.org", "A", Answer(("192.0.2.1",), secure=True)),
        ("a.org", "AAAA", Answer()),
        ("gone.org", "A", Answer(exists=False)),
        ("null.org", "MX", Answer(("0 .",), secure=True)),
        ("1.2.0.192.in-addr.arpa", "PTR", Answer(("mail.a.org",), secure=True)),
        ("_25._tcp.mx.a.org", "TLSA", Answer(("3 1 1 " + "ab" * 32,), secure=True)),
        ("bytes.org", "TXT", Answer(("caf\ufffd \x1b[31m",), secure=True)),
    ],
)
async def test_an_answer_is_what_the_zone_holds(name: str, kind: str, answer: Answer) -> None:
    async with resolver() as client:
        assert await client.ask(name, kind) == answer


async def test_mail_servers_come_with_their_rank() -> None:
    async with resolver() as client:
        answer = await client.ask("a.org", "MX")

    assert set(answer.values) == {"10 mx.a.org", "5 other.org"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken.org", "the name servers fail"),
        ("a..org", "empty"),
        ("x" * 70 + ".org", "63"),
        (".".join(["x" * 60] * 5), "255"),
    ],
)
async def test_what_cannot_be_answered_says_why(name: str, why: str) -> None:
    async with resolver() as client:
        with pytest.raises(Unanswered, match=why):
            await client.ask(name, "TXT")


async def test_a_silent_server_is_given_up_in_time() -> None:
    began = time.monotonic()

    async with resolver(0.4) as client:
        with pytest.raises(Unanswered, match=r"no answer within 0\.4 s"):
            await client.ask("silent.org", "A")

    assert time.monotonic() - began < 20


class Counting:
    def __init__(self) -> None:
        self.count = 0

    async def ask(self, name: str, kind: str) -> Answer:
        self.count += 1
        await asyncio.sleep(0.01)
        if name == "broken":
            raise Unanswered("broken")
        return Answer((kind,))


async def test_questions_at_once_are_asked_once() -> None:
    counting = Counting()
    memory = Remembering(counting)

    answers = await asyncio.gather(*(memory.ask(name, "A") for name in ("a.org", "A.ORG.", "a.org")))

    assert answers == [Answer(("A",))] * 3
    assert counting.count == 1


async def test_a_failure_is_remembered_too() -> None:
    counting = Counting()
    memory = Remembering(counting)

    for _ in range(2):
        with pytest.raises(Unanswered):
            await memory.ask("broken", "A")

    assert counting.count == 1


async def test_there_is_an_end_to_questions() -> None:
    counting = Counting()
    memory = Remembering(counting)

    answers = await asyncio.gather(
        *(memory.ask(f"n{n}", "A") for n in range(MOST_QUESTIONS + 5)), return_exceptions=True
    )

    assert counting.count == MOST_QUESTIONS
    assert sum(isinstance(answer, Unanswered) for answer in answers) == 5
