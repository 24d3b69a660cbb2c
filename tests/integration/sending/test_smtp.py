"""The SMTP transport against a real server on loopback that answers as told."""

import asyncio

import pytest

from newsletter.errors import Deferred, DeliveryError, HostDown, Refused, SenderRefused, Uncertain, Withdrawn
from newsletter.sender import Relay, SmtpTransport
from newsletter.testing import ScriptedServer
from newsletter.types import Mail

BODY = b"Message-ID: <1@x>\r\nSubject: x\r\n\r\n.dot\r\nline\r\n..two\r\n"


def mail(recipient: str = "ada@example.org", body: bytes = BODY) -> Mail:
    return Mail("<1@x>", "weekly@papers.example.org", recipient, body)


def says(verb: str, reply: str, argument: str = "") -> "type[ScriptedServer] | object":
    return lambda asked, given: reply if asked == verb and argument in given else ""


async def go() -> None:
    """A ledger that always agrees."""


def transport(server: ScriptedServer, **more: object) -> SmtpTransport:
    return SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=2, **more))  # type: ignore[arg-type]


async def test_a_mail_arrives_as_it_was_written() -> None:
    async with ScriptedServer() as server:
        connection = await transport(server).open()
        words = await connection.send(mail(), go)
        await connection.send(mail("bob@example.org"), go)
        await connection.close()

    assert words == "250 taken"
    assert server.accepted == [("ada@example.org", BODY), ("bob@example.org", BODY)]
    assert server.connections == 1


@pytest.mark.parametrize("local", ["a..b", ".a", "a."])
async def test_a_local_part_with_dots_in_odd_places_goes_out_quoted(local: str) -> None:
    said: dict[str, str] = {}

    def hear(verb: str, given: str) -> str:
        said[verb] = given
        return ""

    async with ScriptedServer(hear, offers=("DSN",)) as server:
        connection = await transport(server).open()
        await connection.send(mail(f"{local}@docomo.example"), go)
        await connection.close()

    assert said["RCPT"] == f'TO:<"{local}"@docomo.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;"{local}"@docomo.example'


@pytest.mark.parametrize(
    ("verb", "reply", "kind"),
    [
        ("MAIL", "451 later", Deferred),
        ("MAIL", "550 we do not know you", HostDown),
        ("RCPT", "450 busy", Deferred),
        ("RCPT", "550 5.1.1 unknown", Refused),
        ("RCPT", "421 too many", HostDown),
        ("RCPT", "reset", HostDown),
        ("DATA", "451 later", Deferred),
        ("DATA", "554 no", SenderRefused),
        ("DATA", "reset", HostDown),
        (".", "452 full", Deferred),
        (".", "552 too big", SenderRefused),
        (".", "421 going", HostDown),
        (".", "reset", Uncertain),
        (".", "accept and reset", Uncertain),
    ],
)
async def test_every_answer_gets_the_right_verdict(verb: str, reply: str, kind: type[DeliveryError]) -> None:
    async with ScriptedServer(says(verb, reply)) as server:  # type: ignore[arg-type]
        connection = await transport(server).open()
        with pytest.raises(kind) as caught:
            await connection.send(mail(), go)
        await connection.close()

    assert type(caught.value) is kind
    assert caught.value.code == (int(reply[:3]) if reply[0].isdigit() else 0)


@pytest.mark.parametrize("reply", ["450 busy", "550 unknown"])
async def test_after_a_definite_answer_the_connection_serves_the_next_mail(reply: str) -> None:
    async with ScriptedServer(says("RCPT", reply, "bad")) as server:  # type: ignore[arg-type]
        connection = await transport(server).open()
        with pytest.raises(DeliveryError):
            await connection.send(mail("bad@example.org"), go)
        await connection.send(mail(), go)
        await connection.close()

    assert server.recipients() == ["ada@example.org"]


async def test_a_withdrawn_mail_never_gets_its_last_dot() -> None:
    async def withdrawn() -> None:
        raise Withdrawn

    async with ScriptedServer() as server:
        connection = await transport(server).open()
        with pytest.raises(Withdrawn):
            await connection.send(mail(), withdrawn)
        await connection.close()

    assert server.accepted == []


async def test_the_mark_is_made_after_the_body_and_before_the_dot() -> None:
    async with ScriptedServer() as server:
        connection = await transport(server).open()

        async def begin() -> None:
            await asyncio.sleep(0.05)
            assert server.accepted == []

        await connection.send(mail(), begin)
        await connection.close()

    assert len(server.accepted) == 1


async def test_a_cancelled_send_closes_the_connection() -> None:
    async with ScriptedServer(says("RCPT", "hang")) as server:  # type: ignore[arg-type]
        connection = await transport(server).open()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.send(mail(), go), 0.5)
        with pytest.raises(HostDown):
            await connection.send(mail("bob@example.org"), go)
        await connection.close()

    assert server.accepted == []


async def test_a_server_that_says_nothing_is_down_after_the_time_limit() -> None:
    async with ScriptedServer(says("RCPT", "hang")) as server:  # type: ignore[arg-type]
        quick = SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=1))
        connection = await quick.open()
        with pytest.raises(HostDown):
            await connection.send(mail(), go)
        await connection.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    async with ScriptedServer() as server:
        port = server.port

    with pytest.raises(HostDown, match=f"127.0.0.1:{port}"):
        await SmtpTransport(Relay("127.0.0.1", port, "none", timeout=2)).open()


@pytest.mark.parametrize("reply", ["554 go away", "421 too busy", "reset"])
async def test_a_server_that_does_not_want_us_is_down(reply: str) -> None:
    async with ScriptedServer(says("CONNECT", reply)) as server:  # type: ignore[arg-type]
        with pytest.raises(HostDown):
            await transport(server).open()


async def test_encryption_is_never_given_up() -> None:
    async with ScriptedServer() as server:
        for security in ("starttls", "tls"):
            with pytest.raises(HostDown):
                await SmtpTransport(Relay("127.0.0.1", server.port, security, timeout=2)).open()


async def test_a_server_without_esmtp_will_do() -> None:
    async with ScriptedServer(says("EHLO", "502 what?")) as server:  # type: ignore[arg-type]
        connection = await transport(server).open()
        await connection.send(mail(), go)
        await connection.close()

    assert server.recipients() == ["ada@example.org"]


async def test_a_foreign_domain_is_written_in_ascii_and_a_foreign_name_refused() -> None:
    async with ScriptedServer() as server:
        connection = await transport(server).open()
        await connection.send(mail("ada@bücher.example"), go)
        with pytest.raises(Refused):
            await connection.send(mail("adä@example.org"), go)
        await connection.close()

    assert server.recipients() == ["ada@xn--bcher-kva.example"]
