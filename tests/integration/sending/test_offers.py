"""What a server offers and refuses all the same is left out, and the mail goes again; and ways to log in."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from newsletter.errors import DeliveryError, HostDown, Refused
from newsletter.sender import Relay, SmtpTransport
from newsletter.testing import ScriptedServer, make_certificate
from newsletter.types import Mail

EVERYTHING = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 1000000")
LEVELS = ((), ("PIPELINING",), ("PIPELINING", "CHUNKING"))


def mail(number: int, recipient: str = "ada{}@x.example") -> Mail:
    return Mail(f"<{number}@x>", "w@x.org", recipient.format(number), "Subject: ä\r\n\r\nx\r\n".encode())


async def go() -> None:
    """A ledger that always agrees."""


def refusing(verb: str, reply: str, mark: str) -> Callable[[str, str], str]:
    return lambda asked, argument: reply if asked == verb and re.search(mark, argument) else ""


async def sent(server: ScriptedServer, mails: Sequence[Mail]) -> list[str | DeliveryError]:
    connection = await SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=5)).open()
    results: list[str | DeliveryError] = []
    for each in mails:
        try:
            results.append(await connection.send(each, go))
        except DeliveryError as error:
            results.append(error)
    await connection.close()
    return results


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("verb", "reply", "mark"),
    [
        ("MAIL", "501 5.5.4 Parameter RET is not recognised", "RET="),
        ("MAIL", "555 5.5.4 Unsupported option: ENVID", "ENVID="),
        ("MAIL", "504 Command parameter not implemented", "SIZE="),
        ("MAIL", "501 Syntax error in parameters or arguments", "BODY="),
        ("MAIL", "555 5.5.4 unknown", "RET="),
        ("MAIL", "455 4.5.4 cannot accommodate SIZE now", "SIZE="),
        ("MAIL", "550 5.5.4 BODY is an unsupported option", "BODY="),
        ("MAIL", "500 5.5.2 what?", " "),
        ("RCPT", "501 5.5.4 Invalid arguments", "NOTIFY="),
        ("RCPT", "504 5.5.4 ORCPT not implemented", "ORCPT="),
        ("RCPT", "555 RCPT TO parameters not recognized or not implemented", " "),
    ],
)
async def test_a_parameter_that_is_refused_is_left_out_for_the_run(
    level: tuple[str, ...], verb: str, reply: str, mark: str
) -> None:
    mark = r"> \S" if mark == " " else mark
    async with ScriptedServer(refusing(verb, reply, mark), offers=(*EVERYTHING[1:], *level)) as server:
        results = await sent(server, [mail(n) for n in range(4)])

    assert results == ["250 taken"] * 4
    assert server.recipients() == [f"ada{n}@x.example" for n in range(4)]
    tried = [command for command in server.commands if command.startswith(verb) and re.search(mark, command)]
    assert 1 <= len(tried) <= 2  # one without pipelining


async def test_what_was_named_goes_and_the_rest_stays() -> None:
    async with ScriptedServer(refusing("MAIL", "501 5.5.4 no RET here", "RET="), offers=EVERYTHING) as server:
        await sent(server, [mail(1), mail(2)])

    last = [command for command in server.commands if command.startswith("MAIL")][-1]
    assert last.startswith("MAIL FROM:<w@x.org> SIZE=")
    assert last.endswith(" BODY=8BITMIME")


async def test_an_address_that_is_refused_with_and_without_costs_nobody_else_a_parameter() -> None:
    script = refusing("RCPT", "501 Syntax error in parameters or arguments", "ada1@")
    async with ScriptedServer(script, offers=EVERYTHING) as server:
        results = await sent(server, [mail(n) for n in range(3)])

    assert [type(result) for result in results] == [str, Refused, str]
    assert "NOTIFY=" in [command for command in server.commands if command.startswith("RCPT")][-1]


async def test_where_smtputf8_is_refused_an_address_that_needs_it_is_out_of_reach_and_no_other() -> None:
    script = refusing("MAIL", "555 5.5.4 SMTPUTF8 not supported", "SMTPUTF8")
    async with ScriptedServer(script, offers=EVERYTHING) as server:
        results = await sent(server, [mail(1), mail(2, "adä{}@x.example"), mail(3)])

    assert [type(result) for result in results] == [str, Refused, str]
    assert "needs SMTPUTF8" in str(results[1])


@pytest.mark.parametrize("logins", ["PLAIN", "LOGIN", "LOGIN PLAIN", "XOAUTH2 LOGIN"])
async def test_a_server_is_given_name_and_password_as_it_asks_for_them(tmp_path: Path, logins: str) -> None:
    """By LOGIN it takes no name in the first line: it asks for it."""
    context, ca_file = make_certificate(tmp_path)
    async with ScriptedServer(tls=context, users={"weekly": "s3cret"}, logins=logins) as server:
        relay = Relay("127.0.0.1", server.port, "starttls", "weekly", "s3cret", 5, "", str(ca_file))
        connection = await SmtpTransport(relay).open()
        assert await connection.send(mail(1), go) == "250 taken"
        await connection.close()


async def test_a_wrong_password_is_said_by_login_too(tmp_path: Path) -> None:
    context, ca_file = make_certificate(tmp_path)
    async with ScriptedServer(tls=context, users={"weekly": "s3cret"}, logins="LOGIN") as server:
        relay = Relay("127.0.0.1", server.port, "starttls", "weekly", "wrong", 5, "", str(ca_file))
        with pytest.raises(HostDown, match=r"535 5\.7\.8 wrong name or password") as caught:
            await SmtpTransport(relay).open()

    assert (caught.value.phase, caught.value.code) == ("auth", 535)


async def test_where_we_know_no_way_to_log_in_the_error_says_what_is_offered(tmp_path: Path) -> None:
    context, ca_file = make_certificate(tmp_path)
    async with ScriptedServer(tls=context, users={"weekly": "s3cret"}, logins="XOAUTH2 OAUTHBEARER") as server:
        relay = Relay("127.0.0.1", server.port, "starttls", "weekly", "s3cret", 5, "", str(ca_file))
        with pytest.raises(HostDown, match="for AUTH the server offers XOAUTH2, OAUTHBEARER; we know") as caught:
            await SmtpTransport(relay).open()

    assert "\n" not in str(caught.value)
    assert not any(command.startswith("AUTH") for command in server.commands)
