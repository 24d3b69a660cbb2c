"""Every phase and every fault on every level of pipelining: the right error, and nobody judged for a neighbour.

The judge is the scripted server's own record of what it accepted.
"""

import asyncio
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import (
    ConfigError,
    Deferred,
    DeliveryError,
    HostDown,
    Refused,
    SenderRefused,
    Uncertain,
    Withdrawn,
)
from newsletter.sender import Connection, Relay, SmtpTransport, SmtpTuning
from newsletter.sender.pipelining import Pipelining
from newsletter.sender.pipelining import PipeliningLevel as Level
from newsletter.sender.tuning import SMTP
from newsletter.testing import ScriptedServer, make_certificate
from newsletter.types import Mail

ALL = ("PIPELINING", "8BITMIME", "CHUNKING")
LEVELS = {
    Level.PLAIN: ("8BITMIME",),
    Level.PIPELINED: ALL[:2],
    Level.AHEAD: ALL[:2],
    Level.CHUNKS: ALL,
}
LOST = ("reset", "close", "garbage", "hang", "354 what")
FAULTS = ("451 4.3.0 later", "550 5.1.1 no", "554-5.7.1 no\r\n554 5.7.1 no", "421 4.3.2 going", *LOST)
VICTIM = 4  #: the mail that the fault is meant for: late enough for all trials to be over


def mail(number: int, size: int = 300) -> Mail:
    """The victim's sender is its own, so that a script can tell it at MAIL."""
    body = f"Message-ID: <{number}@x>\r\nTo: reader{number}@example.org\r\n\r\n.dot\r\n" + "..x\r\n" * (size // 5)
    return Mail(f"<{number}@x>", f"weekly+{number}@example.org", f"reader{number}@example.org", body.encode())


async def go() -> None:
    """A ledger that always agrees."""


def pipelining(level: Level) -> Pipelining:
    """As it is after a while with a server on this level."""
    found = Pipelining(level)
    found.proven = level
    return found


def transport(
    server: ScriptedServer,
    level: Level = Level.CHUNKS,
    timeout: float = 0.5,
    tuning: SmtpTuning = SMTP,
) -> SmtpTransport:
    made = SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=timeout), tuning)
    made.pipelining = pipelining(level)
    return made


def fault(verb: str, what: str, number: int = VICTIM) -> Callable[[str, str], str]:
    marks = (f"+{number}@", f"reader{number}@", f"<{number}@x>")
    return lambda asked, given: what if asked == verb and any(mark in given for mark in marks) else ""


async def worker(connection: Connection, mails: list[Mail], results: dict[int, object]) -> None:
    while mails:
        next_mail = mails.pop(0)
        number = int(next_mail.message_id[1:].partition("@")[0])
        try:
            results[number] = await connection.send(next_mail, go)
        except DeliveryError as error:
            results[number] = error


async def sent(connection: Connection, mails: Sequence[Mail]) -> dict[int, object]:
    """Number → the server's words or an error, with as many under way as the connection wants."""
    waiting, results = [*mails], dict[int, object]()
    await asyncio.gather(*(worker(connection, waiting, results) for _ in range(connection.ahead)))
    return results


@pytest.mark.parametrize("level", LEVELS)
async def test_mails_arrive_as_they_were_written_on_every_level(level: Level) -> None:
    async with ScriptedServer(offers=LEVELS[level]) as server:
        connection = await transport(server, level).open()
        results = await sent(connection, [mail(n, 300_000 if n == 3 else 300) for n in range(9)])
        await connection.close()

    assert server.accepted == [(mail(n).recipient, mail(n, 300_000 if n == 3 else 300).body) for n in range(9)]
    assert set(results.values()) == {"250 taken"}
    assert server.connections == 1
    assert ("BDAT" in " ".join(server.commands)) == (level is Level.CHUNKS)
    assert (server.early > 0) == (level >= Level.AHEAD)


def expected_error(verb: str, what: str) -> type[DeliveryError]:
    """What the docstring of replies.py promises, written a second time."""
    lost = Uncertain if verb == "." else HostDown
    if what[:1] == "4" and what[:3] != "421":
        return Deferred
    if what[:1] == "5":
        return HostDown if verb == "MAIL" else SenderRefused if what[4:7] == "5.7" else Refused
    return HostDown if what[:3] == "421" else lost


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("verb", "what"),
    [*product(("MAIL", "RCPT", "DATA", "."), FAULTS), *product(".", map("accept and {}".format, LOST))],
)
async def test_every_fault_gets_its_verdict_and_nobody_else_one(level: Level, verb: str, what: str) -> None:
    asked = "BDAT" if verb == "DATA" and level is Level.CHUNKS else verb
    what = "250 what" if what == "354 what" and asked == "DATA" else what  # each out of place there
    async with ScriptedServer(fault(asked, what), offers=LEVELS[level]) as server:
        connection = await transport(server, level, 0.3, SmtpTuning(dot_timeout_seconds=0.3)).open()
        results = await sent(connection, [mail(n) for n in range(8)])
        await connection.close()

    error = results.pop(VICTIM)
    assert type(error) is expected_error(verb, what), error
    assert isinstance(error, DeliveryError)
    assert error.phase == {".": "dot"}.get(verb, asked.lower())
    assert error.code == (int(what[:3]) if what[0].isdigit() else 354 if "354" in what else 0)
    assert error.status == (what[4:9] if what[0] in "45" else "")
    got = Counter(server.recipients())
    assert all(type(result) in (str, HostDown) for result in results.values()), results
    assert got - Counter({mail(VICTIM).recipient: 1}) == Counter(
        mail(n).recipient for n, result in results.items() if isinstance(result, str)
    )
    assert got[mail(VICTIM).recipient] == what.startswith("accept")
    if type(error) is not HostDown and type(error) is not Uncertain:
        assert set(results.values()) == {"250 taken"}  # on the same connection
        assert server.connections == 1


async def test_a_server_that_answers_354_without_a_recipient_gets_a_lone_dot() -> None:
    async with ScriptedServer(fault("RCPT", "550 5.1.1 no"), order="lenient") as server:
        connection = await transport(server, Level.AHEAD).open()
        results = await sent(connection, [mail(n) for n in range(8)])
        await connection.close()

    assert type(results.pop(VICTIM)) is Refused
    assert set(results.values()) == {"250 taken"}
    assert len(server.accepted) == 7


@pytest.mark.parametrize(
    ("order", "offers", "limit"),
    [
        ("haraka", ALL[:2], Level.PIPELINED),
        ("haraka", ALL, Level.PIPELINED),
        ("none", ALL[:2], Level.PLAIN),
        ("none", ALL, Level.PLAIN),
    ],
)
@pytest.mark.parametrize("proven", [Level.PIPELINED, Level.CHUNKS])
async def test_a_server_that_does_not_keep_its_word_costs_levels_and_no_mails(
    order: str, offers: tuple[str, ...], limit: Level, proven: Level
) -> None:
    async with ScriptedServer(offers=offers, order=order) as server:
        smtp = transport(server)
        smtp.pipelining.proven = proven
        connections = [await smtp.open() for _ in range(3)]
        waiting, results = [mail(n) for n in range(30)], dict[int, object]()
        await asyncio.gather(*(worker(each, waiting, results) for each in connections for _ in range(each.ahead)))
        for each in connections:
            await each.close()

    lost = [result for result in results.values() if result != "250 taken"]
    assert all(type(each) is HostDown for each in lost)
    assert len(lost) <= (0 if proven is Level.PIPELINED and "CHUNKING" not in offers else 3)
    assert Counter(server.recipients()) == Counter(
        mail(n).recipient for n, result in results.items() if result == "250 taken"
    )
    assert smtp.pipelining.limit == limit


async def test_a_server_that_throws_away_what_was_pipelined_is_asked_word_by_word_from_then_on() -> None:
    async with ScriptedServer(order="deaf") as server:
        smtp = SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=1))
        with pytest.raises(HostDown):
            await (await smtp.open()).send(mail(1), go)
        results = await sent(await smtp.open(), [mail(n) for n in range(6)])

    assert set(results.values()) == {"250 taken"}
    assert smtp.pipelining.limit == Level.PLAIN


async def test_a_new_level_is_tried_by_one_mail_of_one_connection() -> None:
    """A server that breaks on look-ahead leaves one mail in doubt, not one a connection."""

    def script(verb: str, argument: str) -> str:
        return "reset" if verb == "MAIL" and server.early else ""

    async with ScriptedServer(script, delay=0.02) as server:
        smtp = SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=2))
        connections = [await smtp.open() for _ in range(4)]
        waiting, results = [mail(n) for n in range(40)], dict[int, object]()
        await asyncio.gather(*(worker(each, waiting, results) for each in connections for _ in range(each.ahead)))

    assert server.early == 1
    assert smtp.pipelining.limit == Level.PIPELINED


async def test_bdat_that_the_server_does_not_know_is_given_up_for_good() -> None:
    def script(verb: str, argument: str) -> str:
        return "502 5.5.1 unknown command" if verb == "BDAT" else ""

    async with ScriptedServer(script, offers=ALL) as server:
        smtp = SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=2))
        first = await sent(await smtp.open(), [mail(n) for n in range(6)])
        second = await sent(await smtp.open(), [mail(n) for n in range(6, 12)])

    assert {type(result) for result in first.values()} == {str, HostDown}
    assert set(second.values()) == {"250 taken"}
    assert smtp.pipelining.limit == smtp.pipelining.proven == Level.AHEAD


@pytest.mark.parametrize("level", LEVELS)
async def test_one_mail_at_most_is_in_doubt_and_answers_come_in_order(level: Level) -> None:
    doubtful: set[int] = set()
    most, finished = 0, []

    async def one(connection: Connection, number: int) -> None:
        async def begin() -> None:
            nonlocal most
            doubtful.add(number)
            most = max(most, len(doubtful))
            assert mail(number).recipient not in server.recipients()
            await asyncio.sleep(0)

        await connection.send(mail(number), begin)
        doubtful.discard(number)
        finished.append(number)

    async with ScriptedServer(offers=LEVELS[level], delay=0.001) as server:
        connection = await transport(server, level).open()
        await asyncio.gather(*(one(connection, number) for number in range(12)))
        await connection.close()

    assert most == 1
    assert finished == [*range(12)]


@pytest.mark.parametrize("level", LEVELS)
async def test_a_withdrawn_mail_is_not_sent_and_its_neighbours_are_not_judged(level: Level) -> None:
    async def withdrawn() -> None:
        raise Withdrawn

    async with ScriptedServer(offers=LEVELS[level], delay=0.01) as server:
        connection = await transport(server, level).open()
        first = asyncio.create_task(connection.send(mail(1), go))
        second = asyncio.create_task(connection.send(mail(2), withdrawn))
        third = asyncio.create_task(connection.send(mail(3), go))
        results = await asyncio.gather(first, second, third, return_exceptions=True)

    assert [type(result) for result in results] == [str, Withdrawn, HostDown]
    assert server.recipients() == [mail(1).recipient]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("after", [0.0, 0.005, 0.03, 0.05])
async def test_a_cancelled_mail_leaves_the_one_before_it_in_peace(level: Level, after: float) -> None:
    async with ScriptedServer(offers=LEVELS[level], delay=0.04) as server:
        connection = await transport(server, level).open()
        await connection.send(mail(0), go)
        first = asyncio.create_task(connection.send(mail(1), go))
        second = asyncio.create_task(connection.send(mail(2), go))
        await asyncio.sleep(after)
        second.cancel()
        results = await asyncio.gather(first, second, return_exceptions=True)
        await connection.close()

    assert [type(result) for result in results] == [str, asyncio.CancelledError]
    assert server.recipients()[:2] == [mail(0).recipient, mail(1).recipient]


async def test_a_mail_cancelled_before_its_turn_costs_nothing() -> None:
    async with ScriptedServer(delay=0.02) as server:
        connection = await transport(server, Level.PIPELINED).open()
        tasks = [asyncio.create_task(connection.send(mail(n), go)) for n in range(4)]
        await asyncio.sleep(0.005)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await connection.send(mail(5), go)
        await connection.close()

    assert server.recipients() == [mail(n).recipient for n in (0, 1, 3, 5)]


@pytest.mark.parametrize("how", ["421 4.4.2 idle too long", "close"])
async def test_a_server_that_leaves_between_mails_is_no_mails_trouble(how: str) -> None:
    """Said after the reply to a dot, when nothing is asked."""

    async def bye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        writer.write(b"250 me\r\n")
        await asyncio.sleep(0.02)
        if how.startswith("421"):
            writer.write(how.encode() + b"\r\n")
            await reader.read()
        writer.close()

    server = await asyncio.start_server(bye, "127.0.0.1", 0)
    connection = await SmtpTransport(Relay("127.0.0.1", server.sockets[0].getsockname()[1], "none")).open()
    await asyncio.sleep(0.1)
    with pytest.raises(HostDown) as caught:
        await connection.send(mail(1), go)
    await connection.close()
    server.close()

    assert caught.value.code == (421 if how.startswith("421") else 0)


async def test_a_large_mail_waits_for_a_server_that_reads_slowly() -> None:
    async with ScriptedServer(delay=0.05) as server:
        connection = await transport(server, Level.AHEAD).open()
        results = await sent(connection, [mail(n, 3_000_000) for n in range(4)])
        await connection.close()

    assert set(results.values()) == {"250 taken"}
    assert server.accepted[3][1] == mail(3, 3_000_000).body


async def test_a_server_that_stops_reading_is_down_before_the_dot() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 hi\r\n", b"250-me\r\n250 PIPELINING\r\n", b"250 ok\r\n250 ok\r\n354 go\r\n"):
            writer.write(reply)
            await reader.readline()
        await over.wait()
        writer.close()

    begun, over = [], asyncio.Event()

    async def begin() -> None:
        begun.append(1)

    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024)
    relay = Relay("127.0.0.1", server.sockets[0].getsockname()[1], "none", timeout=1)
    connection = await SmtpTransport(relay).open()
    with pytest.raises(HostDown):
        await connection.send(mail(1, 30_000_000), begin)
    await connection.close()
    over.set()
    server.close()
    await asyncio.sleep(0.01)

    assert begun == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can acknowledge at once")
async def test_a_server_that_waits_for_our_acknowledgement_between_replies_is_not_slow() -> None:
    """Nagle on its side, a delayed acknowledgement of 40 ms on ours."""

    async def halting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            if line.startswith(b"EHLO"):
                writer.write(b"250-me\r\n250 PIPELINING\r\n")
            elif line.startswith(b"DATA"):
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(halting, "127.0.0.1", 0)
    connection = await SmtpTransport(Relay("127.0.0.1", server.sockets[0].getsockname()[1], "none")).open()
    spent: list[float] = []
    while len(spent) < 5 and min(spent, default=1) >= 30 * 0.04 / 2:  # that nobody is slow takes one quiet moment
        start = time.perf_counter()
        results = await sent(connection, [mail(n) for n in range(30)])
        spent.append(time.perf_counter() - start)
        assert set(results.values()) == {"250 taken"}
    await connection.close()
    server.close()

    assert min(spent) < 30 * 0.04 / 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_everything_works_over_tls_with_a_password(tmp_path: Path, at_once: bool) -> None:
    context, ca_file = make_certificate(tmp_path)
    users = {"me": "secret"}
    async with ScriptedServer(tls=context, tls_at_once=at_once, users=users, offers=ALL) as server:
        relay = Relay("127.0.0.1", server.port, "tls" if at_once else "starttls", "me", "secret", 2, "", str(ca_file))
        smtp = SmtpTransport(relay)
        connection = await smtp.open()
        results = await sent(connection, [mail(n, 200_000) for n in range(8)])
        await connection.close()

    assert set(results.values()) == {"250 taken"}
    assert [body for _, body in server.accepted] == [mail(n, 200_000).body for n in range(8)]
    assert smtp.pipelining.proven == Level.CHUNKS


@pytest.mark.parametrize(
    ("verb", "what", "phase", "code"),
    [
        ("CONNECT", "554 5.7.1 go away", "connect", 554),
        ("CONNECT", "hang", "connect", 0),
        ("EHLO", "421 4.3.2 busy", "ehlo", 421),
        ("STARTTLS", "454 4.7.0 not now", "starttls", 454),
        ("TLS", "reset", "starttls", 0),
        ("TLS", "garbage", "starttls", 0),
        ("TLS", "hang", "starttls", 0),
        ("AUTH", "535 5.7.8 no", "auth", 535),
        ("AUTH", "454 4.7.0 later", "auth", 454),
        ("AUTH", "reset", "auth", 0),
    ],
)
async def test_what_fails_before_the_first_mail_is_the_hosts_matter_and_names_its_phase(
    tmp_path: Path, verb: str, what: str, phase: str, code: int
) -> None:
    context, ca_file = make_certificate(tmp_path)
    script = fault_at(verb, what)
    async with ScriptedServer(script, tls=context, users={"me": "secret"}) as server:
        relay = Relay("127.0.0.1", server.port, "starttls", "me", "secret", 0.3, "", str(ca_file))
        with pytest.raises(HostDown) as caught:
            await SmtpTransport(relay).open()

    assert (caught.value.phase, caught.value.code) == (phase, code)
    assert not any(command.startswith("MAIL") for command in server.commands)


def fault_at(verb: str, what: str) -> Callable[[str, str], str]:
    return lambda asked, _: what if asked == verb else ""


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    context, _ = make_certificate(tmp_path)
    async with ScriptedServer(tls=context, users={"me": "secret"}) as server:
        with pytest.raises(HostDown, match="certificate") as caught:
            await SmtpTransport(Relay("127.0.0.1", server.port, "starttls", "me", "secret", 2)).open()

    assert caught.value.phase == "starttls"
    assert not any("AUTH" in command for command in server.commands)


async def test_a_certificate_of_another_name_is_not_accepted(tmp_path: Path) -> None:
    context, ca_file = make_certificate(tmp_path, "mail.example.org")
    async with ScriptedServer(tls=context) as server:
        with pytest.raises(HostDown):
            await SmtpTransport(Relay("127.0.0.1", server.port, "starttls", timeout=2, ca_file=str(ca_file))).open()

    assert len(server.commands) == 2


async def test_a_password_in_clear_and_missing_authorities_are_mistakes_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="never sent in clear"):
        SmtpTransport(Relay("localhost", 25, "none", "me", "secret"))
    async with ScriptedServer() as server:
        with pytest.raises(ConfigError, match="gone"):
            await SmtpTransport(Relay("127.0.0.1", server.port, "tls", ca_file=str(tmp_path / "gone"))).open()

    assert server.connections == 0


async def test_addresses_never_add_a_command() -> None:
    async with ScriptedServer(offers=(*ALL, "SMTPUTF8", "DSN")) as server:
        connection = await transport(server).open()
        for recipient in ("a@x.org\r\nRCPT TO:<b@x.org", "a@x.org>\nDATA", "a b@x.org", "a@x.org> SIZE=1", "@", "\0@x"):
            with pytest.raises(Refused):
                await connection.send(Mail("<1@x>\r\nRSET", "w@x.org", recipient, b"x: y\r\n"), go)
        with pytest.raises(ConfigError):
            await connection.send(Mail("<1@x>", "w@x.org>\r\nRSET", "a@x.org", b"x: y\r\n"), go)
        await connection.send(Mail("<1@x>\r\nRSET", "w@x.org", "a@x.org", b"x: y\r\n"), go)
        await connection.close()

    assert [command.split()[0] for command in server.commands] == ["EHLO", "MAIL", "RCPT", "BDAT", "BDAT", "QUIT"]


FATES = ["", "", "", "", "450 4.2.1 later", "550 5.1.1 no", "421 4.3.2 going", "reset", "accept and reset", "slow"]


@given(st.data())
@settings(max_examples=examples(100), deadline=None)
def test_whatever_happens_the_verdicts_agree_with_the_servers_record(data: st.DataObject) -> None:
    offers = data.draw(st.sampled_from([(), ALL[:1], ALL]))
    order = data.draw(st.sampled_from(["", "", "haraka", "none", "lenient"]))
    verbs = st.sampled_from(["MAIL", "RCPT", "DATA", "BDAT", "."])
    plan = {n: (data.draw(verbs), data.draw(st.sampled_from(FATES))) for n in range(12)}
    asyncio.run(_agrees(offers, order, plan))


async def _agrees(offers: tuple[str, ...], order: str, plan: dict[int, tuple[str, str]]) -> None:
    def script(verb: str, argument: str) -> str:
        said = (fault(*plan[n], n)(verb, argument) for n in plan)
        found = next(filter(None, said), "")
        return "" if found.startswith("accept") and verb != "." else found

    results: dict[int, object] = {}
    async with ScriptedServer(script, offers=offers, order=order) as server:
        smtp = SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=5))
        waiting = [mail(n) for n in plan]
        for _ in range(60):  # as dispatch does: what the host spoiled goes out again on a new connection
            if not waiting:
                break
            connection = await smtp.open()
            some: dict[int, object] = {}
            await asyncio.gather(*(worker(connection, waiting, some) for _ in range(connection.ahead)))
            await connection.close()
            results |= some
            spoiled = [n for n, result in some.items() if type(result) is HostDown and plan[n][1] in ("", "slow")]
            waiting = [mail(n) for n in spoiled]

    got = Counter(server.recipients())
    for n, (verb, what) in plan.items():
        times, result = got[mail(n).recipient], results[n]
        assert times == (result == "250 taken") or (type(result) is Uncertain and times <= 1)
        if not what or what == "slow":
            assert result == "250 taken", (n, result)
        if type(result) in (Deferred, Refused):
            assert isinstance(result, DeliveryError)
            assert str(result.code) == what[:3]
            assert verb in (".", "RCPT", "DATA", "BDAT") or what[0] == "4"
